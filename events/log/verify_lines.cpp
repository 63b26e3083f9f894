// Where the verifier's lines come from: a stream, or a store.
#include <deque>
#include <istream>
#include <memory>

#include "events/log/chain.hpp"
#include "events/log/verify.hpp"

namespace muster::log {
namespace {

constexpr size_t kPageLines = 1024;
constexpr size_t kPageBytes = 1 << 20;

/// Reads a stream in blocks, and gives lines of at most kMaxLine + 1 bytes.
class StreamLines {
public:
  explicit StreamLines(std::istream& in) : in_(in) {}

  bool next(std::string& raw) {
    raw.clear();
    for (;;) {
      if (at_ == block_.size() && !fill()) return !raw.empty();
      const std::string_view rest = std::string_view{block_}.substr(at_);
      const auto newline = rest.find('\n');
      const auto piece = rest.substr(0, newline == std::string_view::npos ? rest.size() : newline + 1);
      at_ += piece.size();
      const bool fits = raw.size() <= kMaxLine;
      if (fits) raw += piece.substr(0, kMaxLine + 1 - raw.size());
      if (newline != std::string_view::npos) return true;
    }
  }

private:
  bool fill() {
    block_.resize(kPageBytes);
    in_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    block_.resize(static_cast<size_t>(in_.gcount()));
    at_ = 0;
    return !block_.empty();
  }

  std::istream& in_;
  std::string block_;
  size_t at_ = 0;
};

/// Reads a store's lines a page at a time. A row whose key is not its line's seq gives no line that is well
/// formed.
class DiskLines {
public:
  explicit DiskLines(const Disk& disk) : chain_(disk) {}

  bool next(std::string& raw) {
    if (page_.empty() && !fill()) return false;
    raw = std::move(page_.front());
    page_.pop_front();
    return true;
  }

private:
  bool fill() {
    size_t bytes = 0;
    chain_.each_from(from_, [&](uint64_t seq, std::string_view line) {
      from_ = seq + 1;
      const auto& kept = page_.emplace_back(std::string(line).append(1, '\n'));
      if (!line.starts_with("{\"seq\":" + std::to_string(seq) + ",")) page_.back() = "misplaced\n";
      bytes += kept.size();
      return page_.size() < kPageLines && bytes < kPageBytes;
    });
    return !page_.empty();
  }

  ChainReader chain_;
  uint64_t from_ = 0;
  std::deque<std::string> page_;
};

}  // namespace

NextLine lines_of(std::istream& in) {
  return [lines = std::make_shared<StreamLines>(in)](std::string& raw) { return lines->next(raw); };
}

NextLine lines_of(const Disk& disk) {
  return [lines = std::make_shared<DiskLines>(disk)](std::string& raw) { return lines->next(raw); };
}

}  // namespace muster::log
