// Writing and reading rows of lines.
#include "events/log/rows.hpp"

#include <string>

#include "events/log/pack.hpp"

namespace muster::log {
namespace {

constexpr char kPacked = '\0';  // No line begins with it.

}  // namespace

void RowWriter::add(uint64_t seq, std::string_view line, Batch& batch) {
  if (!row_.empty()) row_ += '\n';
  row_ += line;
  last_ = seq;
  if (row_.size() >= kRowBytes) finish(batch);
}

void RowWriter::finish(Batch& batch) {
  if (row_.empty()) return;
  batch.put(Column::events, number_key(last_), pack_row(row_, packed_));
  row_.clear();
}

std::string_view pack_row(std::string_view text, std::string& packed) {
  packed.assign(1, kPacked);
  return pack(text, packed) ? std::string_view{packed} : text;
}

std::string_view RowReader::text(std::string_view key, std::string_view value) {
  std::string_view text;
  if (read(value, text)) return text;
  throw Unreadable("the row that ends with line " + std::to_string(number_of(key)) + " is damaged",
                   "log.corrupt");
}

bool RowReader::read(std::string_view value, std::string_view& text) {
  const bool packed = value.starts_with(kPacked);
  if (packed && !unpack(value.substr(1), text_)) return false;
  text = packed ? text_ : value;
  return true;
}

size_t text_size(std::string_view value) {
  return value.starts_with(kPacked) ? unpacked_size(value.substr(1)) : value.size();
}

}  // namespace muster::log
