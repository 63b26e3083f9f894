// Numbers, hashes and files of journals.
#include "adapters/journal_frames.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.hpp"

namespace muster::journal {
namespace {

constexpr uint32_t kMaxText = 16 << 20;  // A larger frame is none.

template <class Number>
void put(std::string& to, Number number) {
  for (size_t i = sizeof number; i-- > 0;)
    to += static_cast<char>(static_cast<uint64_t>(number) >> (8 * i) & 0xff);
}

template <class Number>
void take(std::string_view& from, Number& number) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof number; i++) value = value << 8 | static_cast<uint8_t>(from[i]);
  number = static_cast<Number>(value);
  from.remove_prefix(sizeof number);
}

Frame read_numbers(std::string_view head) {
  Frame frame;
  take(head, frame.size);
  take(head, frame.first);
  take(head, frame.ms);
  take(head, frame.kind);
  take(head, frame.step);
  take(head, frame.entries);
  return frame;
}

Digest digest_of(std::string_view bytes) {
  Digest digest;
  std::copy_n(bytes.begin(), digest.size(), digest.begin());
  return digest;
}

/// `size` bytes from `offset`; fewer when the file ends before.
std::string read_at(int fd, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  size_t got = 0;
  while (got < size) {
    const auto n = ::pread(fd, bytes.data() + got, size - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

}  // namespace

std::string numbers_of(const Frame& frame) {
  std::string numbers;
  numbers.reserve(kNumbers);
  put(numbers, frame.size);
  put(numbers, frame.first);
  put(numbers, frame.ms);
  put(numbers, frame.kind);
  put(numbers, frame.step);
  put(numbers, frame.entries);
  return numbers;
}

std::string numbers_of(const JournalTotals& before) {
  std::string numbers;
  for (const auto number : {before.lines, before.bytes, before.dropped}) put(numbers, number);
  return numbers;
}

Digest hash_after(const Digest& before, std::string_view numbers, std::string_view text) {
  Sha256 hash;
  hash.add(bytes_of(before));
  hash.add(numbers);
  hash.add(text);
  return hash.finish();
}

std::string segment_path(const std::string& folder, uint64_t first) {
  const auto digits = std::to_string(first);
  return folder + '/' + std::string(20 - digits.size(), '0') + digits;
}

std::vector<uint64_t> segments_of(const std::string& folder) {
  std::vector<uint64_t> firsts;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const auto name = entry.path().filename().string();
    uint64_t first = 0;
    const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), first);
    if (name.size() == 20 && wrong == std::errc{} && end == name.data() + name.size())
      firsts.push_back(first);
  }
  std::sort(firsts.begin(), firsts.end());
  return firsts;
}

std::optional<Found> frame_at(int fd, uint64_t offset) {
  Found found;
  found.head = read_at(fd, offset, kHead);
  if (found.head.size() < kHead) return std::nullopt;
  found.frame = read_numbers(found.head);
  if (found.frame.size > kMaxText) return std::nullopt;
  found.text = read_at(fd, offset + kHead, found.frame.size);
  if (found.text.size() < found.frame.size) return std::nullopt;
  return found;
}

void count(JournalTotals& totals, const Found& found) {
  const auto& frame = found.frame;
  totals.last = frame.first + frame.entries - 1;
  if (frame.kind == static_cast<uint8_t>(EntryKind::event)) return;
  totals.lines += frame.entries;
  totals.bytes +=
    found.text.size() - static_cast<size_t>(std::count(found.text.begin(), found.text.end(), '\n'));
}

Walk::Walk(const std::string& folder, uint64_t first)
  : fd_(::open(segment_path(folder, first).c_str(), O_RDONLY | O_CLOEXEC)) {
  const auto start = fd_ < 0 ? std::string{} : read_at(fd_, 0, kStart);
  if (start.size() != kStart || !start.starts_with(kWhat)) return;
  end = kStart;
  auto rest = std::string_view{start}.substr(kWhat.size());
  before.last = first - 1;
  before.digest = digest_of(rest);
  rest.remove_prefix(before.digest.size());
  hash = hash_after(before.digest, rest, {});
  take(rest, before.lines);
  take(rest, before.bytes);
  take(rest, before.dropped);
}

Walk::~Walk() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<Found> Walk::next() {
  auto found = end == 0 ? std::nullopt : frame_at(fd_, end);
  if (!found) return std::nullopt;
  const std::string_view head{found->head};
  const auto after = hash_after(hash, head.substr(0, kNumbers), found->text);
  if (after != digest_of(head.substr(kNumbers))) return std::nullopt;
  hash = after;
  end += kHead + found->text.size();
  return found;
}

uint64_t Walk::size() const {
  struct stat about {};
  return fd_ >= 0 && ::fstat(fd_, &about) == 0 ? static_cast<uint64_t>(about.st_size) : 0;
}

}  // namespace muster::journal
