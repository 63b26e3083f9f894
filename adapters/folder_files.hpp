// Looking at and making what a folder store is made of: files and folders, never through links.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

constexpr unsigned kFileMode = 0644;  ///< Of what is kept: others of this machine may read it.

enum class FileKind : uint8_t { none, file, folder, other };

struct FileLook {
  FileKind kind = FileKind::none;
  uint64_t bytes = 0;
  Time modified{};
  bool operator==(const FileLook&) const = default;
};

/// A link is `other`, wherever it leads.
[[nodiscard]] FileLook look_at(const std::string& path);

/// Mode 0755, with those above it. Error: `storage.degraded`.
Status make_folder(const std::string& path);

/// All of a file, which is made when it is not there. The disk may begin with it; sync() waits for that: many
/// are written first, and then waited for. Error: `storage.degraded`.
Status begin_file(const std::string& path, std::string_view text);

/// The file or folder is on the disk; one that is gone needs not be. Error: `storage.degraded`.
Status sync(const std::string& path);

/// What came of each, as sync() says it. Some are waited for at once: a disk does that in the time of one.
std::vector<Status> sync_all(const std::vector<std::string>& paths);

/// `storage.degraded`, with the reason that errno has.
[[nodiscard]] Error disk_failed(const std::string& what, const std::string& path);

}  // namespace muster
