// Writing and reading rows of lines.
#include "events/log/rows.hpp"

#include <stdexcept>

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
  packed_.assign(1, kPacked);
  batch.put(Column::events, number_key(last_), pack(row_, packed_) ? packed_ : row_);
  row_.clear();
}

std::string_view RowReader::text(std::string_view value) {
  if (!value.starts_with(kPacked)) return value;
  if (!unpack(value.substr(1), text_)) throw std::runtime_error("the log cannot be read: a row is damaged");
  return text_;
}

}  // namespace muster::log
