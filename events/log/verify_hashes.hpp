// The hash of every line that the verifier passed, kept outside its memory.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/hash.hpp"

namespace muster::log {

/// By seq, in a file that has no name.
class Hashes {
public:
  Hashes() : file_(std::tmpfile()) {}
  /// False when there was no room for it, now or earlier.
  [[nodiscard]] bool usable() const { return file_ != nullptr && !failed_; }

  /// The first line has seq `first` and names `before` as the hash of the one before it.
  void start(uint64_t first, const Digest& before);
  void add(const Digest& hash);
  /// Nothing when the line is not in the file; the line before its first is known by that one's prev.
  [[nodiscard]] std::optional<Digest> get(uint64_t seq);

private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  bool failed_ = false;
  uint64_t first_ = 0;
  Digest before_{};
};

}  // namespace muster::log
