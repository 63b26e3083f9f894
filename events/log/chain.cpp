// Extending and reading the chain.
#include "events/log/chain.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "events/line.hpp"
#include "events/line_shape.hpp"
#include "events/log/entry.hpp"

namespace muster::log {
namespace {

constexpr std::string_view kHeadKey = "head";
constexpr std::string_view kKeptPrefix = "kept/";        // + key -> reply
constexpr std::string_view kKeptByTime = "kept-until/";  // + expiry + key -> nothing
constexpr uint64_t kReadBackAtOnce = 256;
constexpr size_t kForgetAtOnce = 64;  // Replies dropped with one entry, at most.

std::string joined(std::string_view prefix, std::string_view rest) {
  return std::string(prefix).append(rest);
}

uint64_t milliseconds(Time time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

/// The time of a line, from its fixed place: {"seq":N,"prev":"64","time":"24".
std::optional<Time> time_of(std::string_view line) {
  const auto at = line.find(",\"time\":\"");
  if (at == std::string_view::npos || line.size() < at + 33) return std::nullopt;
  return parse_rfc3339(line.substr(at + 9, 24));
}

}  // namespace

// A kept reply as bytes: key 32, hmac 32, expires 8, seq 8, one_time 1, result.
std::string encode(const KeptReply& reply) {
  std::string out = reply.key + reply.hmac + number_key(milliseconds(reply.expires)) + number_key(reply.seq);
  out += reply.one_time ? '\1' : '\0';
  return out + reply.result;
}

std::optional<KeptReply> decode_kept_reply(std::string_view bytes) {
  if (bytes.size() < 81) return std::nullopt;
  KeptReply reply;
  reply.key = bytes.substr(0, 32);
  reply.hmac = bytes.substr(32, 32);
  reply.expires = Time{Millis{static_cast<int64_t>(number_of(bytes.substr(64, 8)))}};
  reply.seq = number_of(bytes.substr(72, 8));
  reply.one_time = bytes[80] != 0;
  reply.result = bytes.substr(81);
  return reply;
}

void put_kept(const KeptReply& reply, Batch& batch) {
  batch.put(Column::meta, joined(kKeptPrefix, reply.key), encode(reply));
  batch.put(Column::meta, joined(kKeptByTime, number_key(milliseconds(reply.expires)) + reply.key), "");
}

void each_kept(const Disk& disk, std::string_view after, const Disk::Visit& visit) {
  // The end is the first key behind the prefix.
  disk.scan(Column::meta, joined(kKeptPrefix, after), "kept0",
            [&](std::string_view key, std::string_view bytes) {
              key.remove_prefix(kKeptPrefix.size());
              return key == after || visit(key, bytes);
            });
}

ChainHead read_head(const Disk& disk) {
  ChainHead head;
  const auto stored = disk.get(Column::meta, kHeadKey);
  if (!stored || stored->size() != 48) return head;
  const std::string_view bytes{*stored};
  head.index = number_of(bytes.substr(0, 8));
  head.seq = number_of(bytes.substr(8, 8));
  bytes.copy(reinterpret_cast<char*>(head.hash.data()), head.hash.size(), 16);
  return head;
}

ChainWriter::ChainWriter(const Disk& disk, std::shared_ptr<Persistence> counts)
  : disk_(disk), head_(read_head(disk)), streams_(disk), counts_(std::move(counts)) {}

void ChainWriter::put_head(Batch& batch) const {
  std::string value = number_key(head_.index) + number_key(head_.seq);
  value.append(reinterpret_cast<const char*>(head_.hash.data()), head_.hash.size());
  batch.put(Column::meta, kHeadKey, value);
}

void ChainWriter::extend(std::string_view stream, std::string line, Batch& batch, std::vector<Line>& lines) {
  head_.seq++;
  head_.hash = sha256(line);
  rows_.add(head_.seq, line, batch);
  streams_.add(stream, head_.seq);
  lines.push_back(std::make_shared<const std::string>(std::move(line)));
}

void ChainWriter::apply(uint64_t index, std::string_view entry, Time time, Batch& batch,
                        std::vector<Line>& lines) {
  forget_replies(time, batch);
  const auto status = each_frame(entry, [&](Frame kind, std::string_view bytes) {
    if (kind == Frame::kept) return keep_reply(bytes, batch);
    if (kind != Frame::event) return;  // A newer build's frame: carried on, without meaning here.
    const auto event = read_event_frame(bytes);
    if (!event) throw std::runtime_error("a committed entry is not well formed");
    std::string line;
    line.reserve(event->suffix.size() + 100);
    append_place(line, head_.seq + 1, head_.hash);
    line += event->suffix;
    extend(event->stream, std::move(line), batch, lines);
  });
  if (!status) throw std::runtime_error("a committed entry is not well formed");
  rows_.finish(batch);
  streams_.finish(batch);
  head_.index = index;
  put_head(batch);
}

void ChainWriter::start_after(uint64_t seq, const Digest& hash, Batch& batch) {
  batch.erase_range(Column::events, number_key(0), number_key(UINT64_MAX));
  batch.erase_range(Column::streams, std::string_view{"\0", 1}, "\xff");  // Their names are UTF-8.
  streams_.start_after(seq, batch);
  head_.seq = seq;
  head_.hash = hash;
  put_head(batch);
}

void ChainWriter::skip_to(uint64_t index, Batch& batch) {
  if (index <= head_.index) return;
  head_.index = index;
  put_head(batch);
}

void ChainWriter::keep_reply(std::string_view bytes, Batch& batch) {
  auto reply = decode_kept_reply(bytes);
  if (!reply) throw std::runtime_error("a committed entry is not well formed");
  reply->seq = head_.seq;
  put_kept(*reply, batch);
}

/// Only into an empty batch: then the disk says everything that was kept, and what this entry keeps follows.
void ChainWriter::forget_replies(Time now, Batch& batch) {
  if (now < forget_from_ || !batch.empty()) return;
  forget_from_ = now + Millis{1000};
  size_t found = 0;
  disk_.scan(Column::meta, kKeptByTime, joined(kKeptByTime, number_key(milliseconds(now))),
             [&](std::string_view key, std::string_view) {
               const auto kept = joined(kKeptPrefix, key.substr(kKeptByTime.size() + 8));
               const auto stored = disk_.get(Column::meta, kept);
               const auto reply = stored ? decode_kept_reply(*stored) : std::nullopt;
               batch.erase(Column::meta, key);  // Its key may have been used again since.
               if (!reply || reply->expires < now) {
                 batch.erase(Column::meta, kept);
                 if (stored && counts_)
                   counts_->evicted(Persistence::idempotency, kept.size() + stored->size());
               }
               return ++found < kForgetAtOnce;
             });
  if (found == kForgetAtOnce) forget_from_ = now;  // More wait: go on with the next entry.
}

std::optional<std::string> ChainReader::line(uint64_t seq) const {
  std::optional<std::string> found;
  each_from(seq, [&](uint64_t at, std::string_view line) {
    if (at == seq) found = line;
    return false;
  });
  return found;
}

void ChainReader::each_from(uint64_t from,
                            const std::function<bool(uint64_t seq, std::string_view line)>& visit) const {
  RowReader rows;
  disk_.scan(Column::events, number_key(from), "", [&](std::string_view key, std::string_view row) {
    return each_in_row(number_of(key), rows.text(key, row),
                       [&](uint64_t seq, std::string_view line) { return seq < from || visit(seq, line); });
  });
}

void ChainReader::each_back(uint64_t from,
                            const std::function<bool(uint64_t seq, std::string_view line)>& visit) const {
  const auto newest = disk_.last(Column::events, "");
  uint64_t end = newest ? std::min(from, number_of(newest->first)) : 0;
  std::vector<std::pair<uint64_t, std::string>> piece;  // Read forwards: seqs have no gaps.
  while (end > 0) {
    const auto begin = end - std::min(end, kReadBackAtOnce) + 1;
    piece.clear();
    each_from(begin, [&](uint64_t seq, std::string_view line) {
      if (seq <= end) piece.emplace_back(seq, line);
      return seq < end;
    });
    if (piece.empty()) return;  // Compacted away, as is all before.
    for (auto at = piece.rbegin(); at != piece.rend(); ++at)
      if (!visit(at->first, at->second)) return;
    end = begin - 1;
  }
}

void ChainReader::each_in_stream(std::string_view stream, uint64_t from,
                                 const std::function<bool(uint64_t seq)>& visit) const {
  log::each_in_stream(disk_, stream, from, visit);
}

uint64_t ChainReader::version(std::string_view stream) const {
  return last_in_stream(disk_, stream);
}

uint64_t ChainReader::oldest() const {
  uint64_t first = 0;
  each_from(0, [&](uint64_t seq, std::string_view) {
    first = seq;
    return false;
  });
  return first;
}

std::optional<Digest> ChainReader::before_oldest() const {
  std::optional<Digest> before;
  each_from(0, [&](uint64_t, std::string_view line) {
    LineShape shape;
    if (split_line(line, shape) == nullptr) before = digest_from_hex(shape.prev);
    return false;
  });
  return before;
}

uint64_t ChainReader::last_at(Time time) const {
  const auto newest = disk_.last(Column::events, "");
  if (!newest) return 0;
  uint64_t low = oldest(), high = number_of(newest->first) + 1;  // The answer is in [low - 1, high).
  const uint64_t first = low;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto text = line(middle);
    const auto at = text ? time_of(*text) : std::nullopt;
    if (at && *at <= time)
      low = middle + 1;
    else
      high = middle;
  }
  return low == first ? 0 : low - 1;
}

std::optional<KeptReply> ChainReader::kept_reply(std::string_view key) const {
  const auto stored = disk_.get(Column::meta, joined(kKeptPrefix, key));
  return stored ? decode_kept_reply(*stored) : std::nullopt;
}

Status drop_lines(Disk& disk, uint64_t to) {
  Batch batch;
  batch.erase_range(Column::events, number_key(0), number_key(to + 1));
  std::set<std::string> streams;
  RowReader rows;
  disk.scan(Column::events, "", "", [&](std::string_view key, std::string_view value) {
    const auto last = number_of(key);
    std::string kept;  // Of the row that goes on beyond `to`.
    bool dropped = false;
    each_in_row(last, rows.text(key, value), [&](uint64_t seq, std::string_view line) {
      if (seq > to) {
        if (!kept.empty()) kept += '\n';
        kept += line;
        return dropped;  // A row of which nothing goes stays as it is.
      }
      dropped = true;
      if (const auto record = read_line(line)) streams.insert(record->stream);
      return true;
    });
    if (dropped && last > to) batch.put(Column::events, key, kept);
    return last <= to;
  });
  drop_from_streams(disk, streams, to, batch);
  return disk.write(batch, true);
}

}  // namespace muster::log
