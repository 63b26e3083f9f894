// Hashes in an unnamed file, 32 bytes each.
#include "events/log/verify_hashes.hpp"

#include <unistd.h>

namespace muster::log {

void Hashes::start(uint64_t first, const Digest& before) {
  first_ = first;
  before_ = before;
}

void Hashes::add(const Digest& hash) {
  if (std::fwrite(hash.data(), 1, hash.size(), file_.get()) != hash.size()) failed_ = true;
}

std::optional<Digest> Hashes::get(uint64_t seq) {
  if (seq + 1 == first_ && seq > 0) return before_;
  if (seq < first_) return std::nullopt;
  Digest hash{};
  std::fflush(file_.get());
  const auto size = static_cast<ssize_t>(hash.size());
  if (::pread(::fileno(file_.get()), hash.data(), hash.size(), static_cast<off_t>(seq - first_) * size) !=
      size)
    failed_ = true;
  return hash;
}

}  // namespace muster::log
