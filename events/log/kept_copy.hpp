// Kept replies in pages, so that a member that did not apply the entries they came with gets them from
// another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "events/log/disk.hpp"

namespace muster::log {

/// Replies in the order of their keys, each as its size (4, big endian) and what encode() gives.
struct KeptPage {
  std::string rows;
  std::string last;  ///< The key up to which the page goes, also when no reply in it has that key.
  bool end = true;   ///< There are none after it.
};

/// Those behind the key `after` that came with lines from `since` to `until`, both included, because a command
/// that changed nothing has the last line of those before it: about `most` bytes at most,
/// of at most 20,000 replies that were looked at, so that a page costs little also when few belong to it.
[[nodiscard]] KeptPage kept_page(const Disk& disk, std::string_view after, uint64_t since, uint64_t until,
                                 size_t most);

/// Adds a page to `batch`. False when it is not one: a reply does not read, is out of order, or did not come
/// with these lines.
bool put_kept_page(const KeptPage& page, std::string_view after, uint64_t since, uint64_t until,
                   Batch& batch);

}  // namespace muster::log
