// Batches as flat bytes, column names, and keys that sort by number.
#include "events/log/disk.hpp"

#include <array>

namespace muster::log {
namespace {

void append_size(std::string& to, size_t size) {
  const auto n = static_cast<uint32_t>(size);
  to.append(reinterpret_cast<const char*>(&n), sizeof n);
}

constexpr std::array<std::string_view, kColumns> kNames = {"raft",    "events", "streams", "checkpoints",
                                                           "journal", "local",  "secrets", "meta"};

}  // namespace

std::string_view column_name(Column column) {
  return kNames.at(static_cast<size_t>(column));
}

void Batch::put(Column column, std::string_view key, std::string_view value) {
  add(Kind::put, column, key, value);
}

void Batch::erase(Column column, std::string_view key) {
  add(Kind::erase, column, key, {});
}

void Batch::erase_range(Column column, std::string_view from, std::string_view to) {
  if (from < to) add(Kind::erase_range, column, from, to);
}

void Batch::clear() {
  flat_.clear();
  count_ = 0;
}

void Batch::add(Kind kind, Column column, std::string_view key, std::string_view value) {
  flat_.push_back(static_cast<char>(kind));
  flat_.push_back(static_cast<char>(column));
  append_size(flat_, key.size());
  append_size(flat_, value.size());
  flat_.append(key).append(value);
  count_++;
}

std::string number_key(uint64_t n) {
  std::string key(8, '\0');
  for (size_t i = 8; i-- > 0; n >>= 8) key[i] = static_cast<char>(n & 0xff);
  return key;
}

uint64_t number_of(std::string_view key) {
  if (key.size() != 8) return 0;
  uint64_t n = 0;
  for (const char c : key) n = n << 8 | static_cast<uint8_t>(c);
  return n;
}

}  // namespace muster::log
