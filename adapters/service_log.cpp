// Files of services' output.
#include "adapters/service_log.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/hash.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPlainName = 100;
constexpr uint64_t kCopied = 1 << 20;  // Bytes at once.

uint64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

std::string read_from(const std::string& path, uint64_t from, uint64_t bytes) {
  std::ifstream in{path, std::ios::binary};
  in.seekg(static_cast<std::streamoff>(from));
  std::string text(bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(bytes));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return text;
}

/// The last `bytes` of a file of that size, into another one. Whether all of it was written.
bool copy_end(const std::string& path, uint64_t size, uint64_t bytes, const std::string& to) {
  std::ofstream out{to, std::ios::binary | std::ios::trunc};
  for (uint64_t at = size - bytes; at < size && out; at += kCopied) {
    const auto piece = read_from(path, at, std::min(kCopied, size - at));
    out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
  }
  out.close();
  return out.good();
}

}  // namespace

std::string service_folder(const std::string& services, const std::string& name) {
  const bool plain = name.size() <= kMaxPlainName && !name.starts_with('.') &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                     });
  return services + "/" + (plain ? name : ".x-" + sha256_hex(name).substr(0, 32));
}

void bound_log(const std::string& folder, uint64_t limit) {
  const auto path = folder + "/log";
  const auto size = size_of(path);
  if (size <= limit) return;
  // A service that wrote while nobody looked may have written any amount: its end is what is kept.
  const bool moved = copy_end(path, size, std::min(size, 2 * limit), folder + "/log.1");
  std::error_code error;
  if (moved || size > 4 * limit) fs::resize_file(path, 0, error);  // A full disk: bounded all the same.
}

Result<LogTail> log_tail(const std::string& folder, uint64_t lines) {
  const auto path = folder + "/log";
  std::error_code error;
  if (!fs::exists(path, error)) return Error{"not.found", "there is no log", {}};
  LogTail tail;
  tail.end = size_of(path);
  const auto bytes = std::min(tail.end, kMaxLogBytes);
  tail.text = read_from(path, tail.end - bytes, bytes);
  if (bytes < kMaxLogBytes && tail.text.size() == tail.end) {  // The log began anew not long ago.
    const auto before = size_of(folder + "/log.1");
    const auto more = std::min(before, kMaxLogBytes - bytes);
    tail.text = read_from(folder + "/log.1", before - more, more) + tail.text;
  }
  const auto wanted = std::min(lines, kMaxLogLines);
  size_t at = tail.text.size(), seen = 0;
  while (at > 0) {
    const bool line_ends = tail.text[at - 1] == '\n' && at != tail.text.size();
    if (line_ends && ++seen == wanted) break;
    at--;
  }
  tail.text.erase(0, wanted == 0 ? tail.text.size() : at);
  return tail;
}

LogTail log_after(const std::string& folder, uint64_t from) {
  const auto path = folder + "/log";
  const auto size = size_of(path);
  if (size < from) from = 0;
  LogTail tail;
  tail.text = read_from(path, from, std::min(size - from, kMaxLogBytes));
  tail.end = from + tail.text.size();
  return tail;
}

}  // namespace muster
