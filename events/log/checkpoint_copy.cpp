// Checkpoints as bytes: a version byte (1), then each of the three rows of docs/log_format.md as its size
// (8, big endian) and value.
#include "events/log/checkpoint_copy.hpp"

#include <array>

#include "events/log/squeeze.hpp"

namespace muster::log {
namespace {

constexpr std::string_view kAt = "at/";
constexpr std::array kRows = {kAt, std::string_view{"states/"}, std::string_view{"views/"}};
constexpr size_t kHex = 64;

std::string key_of(std::string_view prefix, uint64_t seq) {
  return std::string(prefix).append(number_key(seq));
}

Error corrupt(uint64_t at, std::string_view what) {
  return {"log.corrupt", "the checkpoint of seq " + std::to_string(at) + " " + std::string{what}};
}

/// The row of that many bytes in front, taken off; nothing when it is cut off.
std::optional<std::string_view> take_row(std::string_view& bytes) {
  if (bytes.size() < 8) return std::nullopt;
  const auto size = number_of(bytes.substr(0, 8));
  bytes.remove_prefix(8);
  if (size > bytes.size()) return std::nullopt;
  const auto row = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return row;
}

}  // namespace

std::optional<CheckpointCopy> CheckpointSource::newest(uint64_t from, uint64_t until) {
  auto before = key_of(kAt, until + 1);
  while (const auto found = disk_.last(Column::checkpoints, before)) {
    before = found->first;
    if (!before.starts_with(kAt)) break;
    const auto at = number_of(std::string_view{before}.substr(kAt.size()));
    if (at < from) break;
    if (load(at)) return kept_;
  }
  return std::nullopt;
}

std::string CheckpointSource::piece(uint64_t at, const Digest& digest, uint64_t offset, size_t most) {
  if (!load(at) || kept_.digest != digest || offset >= bytes_.size()) return {};
  return bytes_.substr(offset, most);
}

bool CheckpointSource::load(uint64_t at) {
  if (!bytes_.empty() && kept_.at == at) return true;
  forget();
  std::string bytes(1, '\1');
  for (const auto prefix : kRows) {
    const auto row = disk_.get(Column::checkpoints, key_of(prefix, at));
    if (!row) return false;
    bytes.append(number_key(row->size())).append(*row);
  }
  bytes_ = std::move(bytes);
  kept_ = {at, bytes_.size(), sha256(bytes_)};
  return true;
}

Status put_checkpoint(uint64_t at, std::string_view bytes, Batch& batch, std::string_view digest) {
  if (bytes.empty() || bytes.front() != 1)
    return corrupt(at, "is of a version that this build does not know");
  bytes.remove_prefix(1);
  std::array<std::string_view, kRows.size()> rows;
  for (auto& row : rows) {
    const auto taken = take_row(bytes);
    if (!taken) return corrupt(at, "is cut off");
    row = *taken;
  }
  const auto digests = rows[0];
  if (!bytes.empty() || digests.size() != 3 * kHex) return corrupt(at, "has another size than it says");
  if (sha256_hex(digests.substr(kHex)) != digests.substr(0, kHex))
    return corrupt(at, "has digests that disagree");
  if (!digest.empty() && digests.substr(0, kHex) != digest)
    return corrupt(at, "is another than the log names");
  for (size_t i = 1; i < rows.size(); i++) {
    const auto text = unsqueeze(rows[i]);
    if (!text) return text.error();
    if (sha256_hex(*text) != digests.substr(i * kHex, kHex))
      return corrupt(at, "is not what its digest says");
  }
  for (size_t i = 0; i < rows.size(); i++) batch.put(Column::checkpoints, key_of(kRows[i], at), rows[i]);
  return Done{};
}

}  // namespace muster::log
