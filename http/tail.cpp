// Tails: from the ring while they keep up, from disk while they do not.
#include "http/tail.hpp"

namespace muster::http {
namespace {

constexpr std::chrono::seconds kKeepAlive{15};
constexpr size_t kScanAtOnce = 2048;  // Lines read from disk for one pull, wanted or not.

bool fits_one(std::string_view pattern, std::string_view text) {
  if (pattern.ends_with('*')) return text.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

bool fits(std::string_view patterns, std::string_view text) {
  if (patterns.empty()) return true;
  for (auto comma = patterns.find(','); comma != std::string_view::npos; comma = patterns.find(',')) {
    if (fits_one(patterns.substr(0, comma), text)) return true;
    patterns.remove_prefix(comma + 1);
  }
  return fits_one(patterns, text);
}

}  // namespace

bool TailFilter::wants(std::string_view type_name, std::string_view stream_name) const {
  return fits(type, type_name) && fits(stream, stream_name);
}

std::string sse_frame(uint64_t seq, std::string_view line) {
  std::string frame = "id: " + std::to_string(seq) + "\ndata: ";
  frame.append(line).append("\n\n");
  return frame;
}

class TailStream : public Stream {
public:
  TailStream(TailRing& ring, TailRequest request)
    : ring_(ring), request_(std::move(request)), next_(std::max<uint64_t>(request_.from, 1)) {
    ring_.streams_.insert(this);
  }
  ~TailStream() override { ring_.streams_.erase(this); }
  TailStream(const TailStream&) = delete;
  TailStream& operator=(const TailStream&) = delete;

  State pull(std::vector<Bytes>& into, size_t limit) override {
    size_t taken = 0;
    while (taken < limit) {
      if (next_ > request_.to || sent_ >= request_.limit) return State::ended;
      if (next_ > ring_.last_) return at_the_end(into);
      if (auto* item = ring_.find(next_)) {
        next_++;
        if (!request_.filter.wants(item->type, item->stream)) continue;
        taken += take(into, ring_.bytes(*item, request_.format));
      } else if (!from_disk(into, limit, taken)) {
        return State::more;  // Others get their turn.
      }
      if (overtaken_) {
        into.push_back(std::make_shared<const std::string>(farewell()));
        return State::ended;
      }
    }
    return State::more;
  }

  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> wake_at() const override {
    if (request_.format == TailFormat::ndjson) return std::nullopt;
    return quiet_since_ + kKeepAlive;
  }

  [[nodiscard]] std::string farewell() override {
    const auto last = std::to_string(next_ - 1);
    if (request_.format == TailFormat::sse)
      return "event: dropped\nid: " + last + "\ndata: {\"last\":" + last + "}\n\n";
    return "{\"dropped\":{\"last\":" + last + "}}\n";
  }

  [[nodiscard]] uint64_t cursor() const { return next_; }

private:
  State at_the_end(std::vector<Bytes>& into) {
    if (!request_.follow) return State::ended;
    const auto now = std::chrono::steady_clock::now();
    if (request_.format == TailFormat::sse && now >= quiet_since_ + kKeepAlive) {
      quiet_since_ = now;
      into.push_back(std::make_shared<const std::string>(": keep-alive\n\n"));
    }
    return State::idle;
  }

  size_t take(std::vector<Bytes>& into, const Bytes& bytes) {
    into.push_back(bytes);
    sent_++;
    quiet_since_ = std::chrono::steady_clock::now();
    return bytes->size();
  }

  /// Reads on from disk up to what the ring holds; false when it has read enough for one turn. Lines that are
  /// not there any more were compacted away: another member may have done so, which knows of no tails here.
  bool from_disk(std::vector<Bytes>& into, size_t limit, size_t& taken) {
    size_t scanned = 0;
    const auto until = ring_.items_.empty() ? ring_.last_ + 1 : ring_.items_.front().seq;
    overtaken_ = true;
    ring_.chain_.each_from(next_, [&](uint64_t seq, std::string_view line) {
      overtaken_ = seq != next_;
      if (overtaken_) return false;
      if (seq >= until || seq > request_.to) return false;
      next_ = seq + 1;
      if (wants(line)) {
        const bool sse = request_.format == TailFormat::sse;
        taken += take(
          into, std::make_shared<const std::string>(sse ? sse_frame(seq, line) : std::string(line) + '\n'));
      }
      return ++scanned < kScanAtOnce && taken < limit && sent_ < request_.limit;
    });
    return scanned < kScanAtOnce;
  }

  [[nodiscard]] bool wants(std::string_view line) const {
    if (request_.filter.everything()) return true;
    const auto record = read_line(line);
    return record && request_.filter.wants(record->type, record->stream);
  }

  TailRing& ring_;
  TailRequest request_;
  uint64_t next_;
  uint64_t sent_ = 0;
  bool overtaken_ = false;
  std::chrono::steady_clock::time_point quiet_since_ = std::chrono::steady_clock::now();
};

void TailRing::push(uint64_t seq, std::string_view type, std::string_view stream, const log::Line& line) {
  if (seq <= last_) return;
  if (seq != last_ + 1) items_.clear(), held_ = 0;  // Lines between are read from the disk.
  last_ = seq;
  held_ += line->size();
  items_.push_back({seq, std::string(type), std::string(stream),
                    std::make_shared<const std::string>(*line + '\n'), nullptr});
  while (items_.size() > kItems || (held_ > kBytes && items_.size() > 1)) {
    held_ -= items_.front().ndjson->size() - 1;
    items_.pop_front();
  }
}

std::unique_ptr<Stream> TailRing::open(TailRequest request) {
  return std::make_unique<TailStream>(*this, std::move(request));
}

const Bytes& TailRing::bytes(Item& item, TailFormat format) {
  if (format == TailFormat::ndjson) return item.ndjson;
  if (!item.sse)
    item.sse = std::make_shared<const std::string>(
      sse_frame(item.seq, std::string_view{*item.ndjson}.substr(0, item.ndjson->size() - 1)));
  return item.sse;
}

uint64_t TailRing::lowest_cursor() const {
  uint64_t lowest = UINT64_MAX;
  for (const auto* stream : streams_) lowest = std::min(lowest, stream->cursor());
  return lowest;
}

TailRing::Item* TailRing::find(uint64_t seq) {
  if (items_.empty() || seq < items_.front().seq) return nullptr;
  const auto index = seq - items_.front().seq;  // Seqs have no gaps.
  return index < items_.size() ? &items_[index] : nullptr;
}

}  // namespace muster::http
