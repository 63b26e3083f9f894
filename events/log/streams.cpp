// Filing lines by stream.
//
// | key | value |
// |---|---|
// | a zero byte, the seq of the first line | the lines of one batch: the size and name of each one's stream |
// | stream, a zero byte, the seq of the last line | some lines of the stream: the gaps between their seqs |
//
// Sizes and gaps are numbers of seven bits a byte, the lowest first, the eighth bit set in all but the last.
#include "events/log/streams.hpp"

#include <algorithm>
#include <vector>

namespace muster::log {
namespace {

constexpr std::string_view kFiledKey = "filed";      // In meta: the lines up to this seq are filed by stream.
constexpr std::string_view kDroppedKey = "dropped";  // In meta: there are no lines up to this seq.
constexpr size_t kFileLines = 16'384;                // Once so many lines are not filed, they are.
constexpr size_t kFileMany = 131'072;                // The same while many come at once.
constexpr size_t kFileAtOnce = 64;  // Streams with a batch, beyond one for each of its lines.

std::string stream_key(std::string_view stream, uint64_t seq) {
  return std::string(stream).append(1, '\0').append(number_key(seq));
}

std::string batch_key(uint64_t seq) {
  return stream_key({}, seq);
}

/// Behind all of a stream's keys.
std::string end_of(std::string_view stream) {
  return std::string(stream).append(1, '\1');
}

void put_number(std::string& out, uint64_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
}

uint64_t take_number(std::string_view& from) {
  uint64_t n = 0;
  for (unsigned shift = 0; !from.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<uint8_t>(from.front());
    from.remove_prefix(1);
    n |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  return n;
}

uint64_t stored_seq(const Disk& disk, std::string_view key) {
  const auto stored = disk.get(Column::meta, key);
  return stored ? number_of(*stored) : 0;
}

/// Calls visit(stream, seq) for the lines that are not filed yet, in order.
template <class Visit>
void each_gathered(const Disk& disk, Visit&& visit) {
  disk.scan(Column::streams, batch_key(stored_seq(disk, kFiledKey) + 1), end_of({}), [&](auto key, auto row) {
    for (auto seq = number_of(key.substr(1)); !row.empty(); seq++) {
      const auto size = take_number(row);
      visit(row.substr(0, size), seq);
      row.remove_prefix(std::min<size_t>(size, row.size()));
    }
    return true;
  });
}

std::vector<uint64_t> gathered_of(const Disk& disk, std::string_view stream) {
  std::vector<uint64_t> seqs;
  each_gathered(disk, [&](std::string_view name, uint64_t seq) {
    if (name == stream) seqs.push_back(seq);
  });
  return seqs;
}

/// The seqs of one row, in order.
std::vector<uint64_t> filed_in(uint64_t last, std::string_view gaps) {
  std::vector<uint64_t> seqs{last};
  uint64_t sum = 0;
  while (!gaps.empty()) seqs.push_back(last + (sum += take_number(gaps)));
  for (auto& seq : seqs) seq -= sum;
  return seqs;
}

/// Calls visit(key, seqs) for the rows of a stream whose last line is not before `from`, until it answers
/// false.
template <class Visit>
void each_file(const Disk& disk, std::string_view stream, uint64_t from, Visit&& visit) {
  disk.scan(Column::streams, stream_key(stream, from), end_of(stream), [&](auto key, auto gaps) {
    return visit(key, filed_in(number_of(key.substr(stream.size() + 1)), gaps));
  });
}

/// Takes the lines up to `to` out of the rows of one stream.
void drop_from_stream(const Disk& disk, std::string_view stream, uint64_t to, Batch& batch) {
  each_file(disk, stream, 0, [&](std::string_view key, const std::vector<uint64_t>& seqs) {
    if (seqs.front() > to) return false;
    std::string gaps;
    uint64_t before = 0;
    for (const auto seq : seqs) {
      if (seq <= to) continue;
      if (before != 0) put_number(gaps, seq - before);
      before = seq;
    }
    before == 0 ? batch.erase(Column::streams, key) : batch.put(Column::streams, key, gaps);
    return true;
  });
}

}  // namespace

StreamWriter::StreamWriter(const Disk& disk) {
  each_gathered(disk, [this](std::string_view stream, uint64_t seq) { gather(stream, seq); });
}

void StreamWriter::gather(std::string_view stream, uint64_t seq) {
  auto at = gathered_.find(stream);
  if (at == gathered_.end())
    at = gathered_.emplace(stream, Seqs{}).first;
  else
    put_number(at->second.gaps, seq - at->second.last);
  at->second.last = last_ = seq;
  lines_++;
}

void StreamWriter::add(std::string_view stream, uint64_t seq) {
  if (row_.empty()) first_ = seq;
  put_number(row_, stream.size());
  row_ += stream;
  gather(stream, seq);
}

void StreamWriter::start_after(uint64_t seq, Batch& batch) {
  row_.clear();
  gathered_.clear();
  filing_.clear();
  first_ = last_ = lines_ = to_seq_ = 0;
  batch.erase(Column::meta, kFiledKey);
  batch.put(Column::meta, kDroppedKey, number_key(seq));
}

void StreamWriter::finish(Batch& batch, bool many) {
  if (row_.empty()) return;
  batch.put(Column::streams, batch_key(first_), row_);
  row_.clear();
  if (filing_.empty() && lines_ >= (many ? kFileMany : kFileLines)) {
    for (auto& [stream, seqs] : gathered_) filing_.emplace_back(stream, std::move(seqs));
    gathered_.clear();
    // In order a row goes in beside the one before it.
    std::sort(filing_.begin(), filing_.end(), [](auto& a, auto& b) { return a.first > b.first; });
    lines_ = 0;
    to_seq_ = last_;
  }
  // At least one for each line: done before as many have come again.
  file(kFileAtOnce + static_cast<size_t>(last_ + 1 - first_), batch);
}

void StreamWriter::file(size_t streams, Batch& batch) {
  if (filing_.empty()) return;
  for (; streams > 0 && !filing_.empty(); streams--) {
    const auto& [stream, seqs] = filing_.back();
    batch.put(Column::streams, stream_key(stream, seqs.last), seqs.gaps);
    filing_.pop_back();
  }
  if (!filing_.empty()) return;
  batch.put(Column::meta, kFiledKey, number_key(to_seq_));
  batch.erase_range(Column::streams, batch_key(0), batch_key(to_seq_ + 1));
}

void each_in_stream(const Disk& disk, std::string_view stream, uint64_t from,
                    const std::function<bool(uint64_t seq)>& visit) {
  const auto gathered =
    gathered_of(disk, stream);  // First: what is filed meanwhile is found twice, not never.
  uint64_t next = std::max(from, stored_seq(disk, kDroppedKey) + 1);
  const auto visit_all = [&](const std::vector<uint64_t>& seqs) {
    for (const auto seq : seqs) {
      if (seq < next) continue;
      next = seq + 1;
      if (!visit(seq)) return false;
    }
    return true;
  };
  bool more = true;
  each_file(disk, stream, from,
            [&](std::string_view, const std::vector<uint64_t>& seqs) { return more = visit_all(seqs); });
  if (more) visit_all(gathered);
}

uint64_t last_in_stream(const Disk& disk, std::string_view stream) {
  uint64_t last = 0;
  if (const auto gathered = gathered_of(disk, stream); !gathered.empty())
    last = gathered.back();
  else if (const auto found = disk.last(Column::streams, end_of(stream)))
    if (const std::string_view key{found->first}; key.size() == stream.size() + 9 && key.starts_with(stream))
      last = number_of(key.substr(stream.size() + 1));
  return last > stored_seq(disk, kDroppedKey) ? last : 0;
}

void drop_from_streams(const Disk& disk, const std::set<std::string>& streams, uint64_t to, Batch& batch) {
  for (const auto& stream : streams) drop_from_stream(disk, stream, to, batch);
  batch.put(Column::meta, kDroppedKey, number_key(std::max(to, stored_seq(disk, kDroppedKey))));
}

}  // namespace muster::log
