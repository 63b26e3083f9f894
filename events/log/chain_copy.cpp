// Lines on their way from one member's chain to another's: as text, or in the rows they are stored in.
#include <algorithm>

#include "events/line.hpp"
#include "events/line_shape.hpp"
#include "events/log/chain.hpp"

namespace muster::log {
namespace {

constexpr size_t kRowHead = 16;              // In a run: the seq of its last line, and its size.
constexpr size_t kSmallRow = kRowBytes / 2;  // Of text; neighbours of that size are packed together.

void append_row(std::string& run, uint64_t last, std::string_view value) {
  run.append(number_key(last)).append(number_key(value.size())).append(value);
}

struct Row {
  uint64_t last = 0;
  std::string_view value;
};

/// The row in front of a run, taken off; nothing when it is cut off.
std::optional<Row> take_row(std::string_view& run) {
  if (run.size() < kRowHead) return std::nullopt;
  const Row row{number_of(run.substr(0, 8)), {}};
  const auto size = number_of(run.substr(8, 8));
  run.remove_prefix(kRowHead);
  if (size == 0 || size > run.size()) return std::nullopt;
  const auto value = run.substr(0, size);
  run.remove_prefix(size);
  return Row{row.last, value};
}

}  // namespace

/// The next line of the chain, but for its row.
bool ChainWriter::follow(std::string_view line, const OnTaken& taken) {
  LineShape shape;
  append_place(place_, head_.seq + 1, head_.hash);
  const bool follows = line.starts_with(place_) && split_line(line, shape) == nullptr;
  place_.clear();
  if (!follows) return false;
  if (shape.stream.find('\\') == std::string_view::npos) {
    streams_.add(shape.stream, shape.seq);
  } else {  // Escaped: as the codec reads it.
    const auto record = read_line(line);
    if (!record) return false;
    streams_.add(record->stream, shape.seq);
  }
  head_.seq++;
  head_.hash = sha256(line);
  taken(shape, line);
  return true;
}

bool ChainWriter::take_lines(std::string_view text, Batch& batch, const OnTaken& taken) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return false;
    const auto line = text.substr(0, end);
    if (!follow(line, taken)) return false;
    rows_.add(head_.seq, line, batch);
    text.remove_prefix(end + 1);
  }
  rows_.finish(batch);
  streams_.finish(batch, true);
  put_head(batch);
  return true;
}

bool ChainWriter::take_rows(std::string_view run, uint64_t until, Batch& batch, const OnTaken& taken) {
  RowReader reader;
  while (!run.empty() && head_.seq < until) {
    const auto row = take_row(run);
    if (!row) return false;
    if (row->last <= head_.seq) continue;
    std::string_view text;
    if (text_size(row->value) > kRowBytes + kMaxLine || !reader.read(row->value, text)) return false;
    const auto more = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
    if (more >= row->last) return false;
    const bool whole = row->last - more == head_.seq + 1 && row->last <= until;
    const auto take = [&](uint64_t seq, std::string_view line) {
      if (seq <= head_.seq) return true;
      if (seq > until || seq != head_.seq + 1 || !follow(line, taken)) return false;
      if (!whole) rows_.add(seq, line, batch);
      return true;
    };
    if (!each_in_row(row->last, text, take) && head_.seq < until) return false;
    if (whole)
      batch.put(Column::events, number_key(row->last), row->value);
    else
      rows_.finish(batch);
  }
  streams_.finish(batch, true);
  put_head(batch);
  return true;
}

std::string ChainReader::text_from(uint64_t from, size_t most) const {
  std::string text;
  text.reserve(most + kRowBytes);
  RowReader rows;
  disk_.scan(Column::events, number_key(from), "", [&](std::string_view key, std::string_view value) {
    auto row = rows.text(key, value);
    if (text.empty()) {
      const auto newlines = std::count(row.begin(), row.end(), '\n');
      for (auto seq = number_of(key) - static_cast<uint64_t>(newlines); seq < from; seq++)
        row.remove_prefix(row.find('\n') + 1);
    } else if (text.size() + row.size() >= most) {
      return false;
    }
    text.append(row).append(1, '\n');
    return true;
  });
  return text;
}

std::string ChainReader::rows_from(uint64_t from, size_t most, uint64_t& last) const {
  std::string run, small, packed;
  uint64_t small_last = 0;
  RowReader rows;
  const auto pack_small = [&] {
    if (small.empty()) return;
    append_row(run, small_last, pack_row(small, packed));
    last = small_last;
    small.clear();
  };
  disk_.scan(Column::events, number_key(from), "", [&](std::string_view key, std::string_view value) {
    const bool alone = text_size(value) >= kSmallRow;
    const auto text = alone ? value : rows.text(key, value);
    const bool first = run.empty() && small.empty();
    if (!first && run.size() + small.size() + text.size() + 2 * kRowHead > most) return false;
    if (alone) {
      pack_small();
      append_row(run, last = number_of(key), value);
      return true;
    }
    if (!small.empty()) small += '\n';
    small += text;
    small_last = number_of(key);
    if (small.size() >= kRowBytes) pack_small();
    return true;
  });
  pack_small();
  return run;
}

}  // namespace muster::log
