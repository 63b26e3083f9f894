// A toy to stand a replica on.
#include "toy.hpp"

#include <utility>

#include "consensus/raft_store.hpp"

namespace muster::consensus {
namespace {

constexpr size_t kLinesAtOnce = 100;
constexpr size_t kKeptAtOnce = 30;
constexpr std::string_view kKept = "kept/", kAfterKept = "kept0";  // + key -> seq

std::string encode_head(const Head& head) {
  std::string bytes = log::number_key(head.index) + log::number_key(head.seq);
  return bytes.append(head.hash.begin(), head.hash.end());
}

}  // namespace

void FailingDisk::forget_vote() {
  const auto state = get(log::Column::raft, "state");
  if (!state) return;
  log::Batch batch;
  put_state(batch, log::number_of(state->substr(0, 8)), 0);
  (void)MemoryDisk::write(batch, true);
}

ToyChain::ToyChain(const log::Disk& disk) : disk_(disk) {
  reload();
}

void ToyChain::reload() {
  head_ = {};
  untold_.clear();
  if (const auto bytes = disk_.get(log::Column::meta, "head")) {
    head_.index = log::number_of(bytes->substr(0, 8));
    head_.seq = log::number_of(bytes->substr(8, 8));
    std::copy(bytes->begin() + 16, bytes->end(), head_.hash.begin());
  }
  tell_last();
}

void ToyChain::tell_last() {
  told_ = head_;
  const auto line = disk_.get(log::Column::events, log::number_key(head_.seq));
  if (line && on_line) on_line(head_.seq, head_.hash, line->substr(line->find(' ') + 66));
}

void ToyChain::applied(uint64_t index) {
  for (const auto& [head, body] : std::exchange(untold_, {})) {
    told_ = head;
    if (on_line) on_line(head.seq, head.hash, body);
  }
  if (on_applied) on_applied(index);
}

void ToyChain::apply(uint64_t index, std::string_view body, log::Batch& batch) {
  if (on_apply) on_apply();
  head_.index = index;
  batch.put(log::Column::meta, std::string{kKept}.append(body), log::number_key(head_.seq + 1));
  extend(std::to_string(head_.seq + 1) + " " + to_hex(head_.hash) + " " + std::string{body}, body, batch);
}

void ToyChain::extend(std::string_view line, std::string_view body, log::Batch& batch) {
  head_.seq++;
  head_.hash = sha256(line);
  batch.put(log::Column::events, log::number_key(head_.seq), line);
  batch.put(log::Column::meta, "head", encode_head(head_));
  untold_.push_back({head_, std::string{body}});
}

bool ToyChain::take_lines(std::string_view lines, log::Batch& batch) {
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    const auto expected = std::to_string(head_.seq + 1) + " " + to_hex(head_.hash) + " ";
    if (!line.starts_with(expected)) return false;
    extend(line, line.substr(expected.size()), batch);
    told_ = head_;
    if (on_line) on_line(head_.seq, head_.hash, untold_.back().body);
    untold_.pop_back();
  }
  return true;
}

std::string ToyChain::lines_from(uint64_t seq) const {
  std::string lines;
  disk_.scan(log::Column::events, log::number_key(seq), log::number_key(seq + kLinesAtOnce),
             [&](auto, auto line) { return lines.append(line).append("\n"), true; });
  return lines;
}

uint64_t ToyChain::oldest() const {
  uint64_t first = 0;
  disk_.scan(log::Column::events, {}, {}, [&](auto key, auto) { return first = log::number_of(key), false; });
  return first;
}

std::optional<LogStart> ToyChain::log_start(uint64_t until) const {
  LogStart start{.oldest = oldest()};
  const auto line = disk_.get(log::Column::events, log::number_key(start.oldest));
  const auto found = disk_.last(log::Column::checkpoints, log::number_key(until + 1));
  if (start.oldest <= 1 || !line) return std::nullopt;
  if (!found || log::number_of(found->first) + 1 < start.oldest) return start;
  start.before = *digest_from_hex(line->substr(line->find(' ') + 1, 64));
  start.at = log::number_of(found->first);
  start.size = found->second.size();
  start.digest = sha256(found->second);
  return start;
}

std::string ToyChain::checkpoint_piece(uint64_t at, const Digest& digest, uint64_t offset,
                                       size_t most) const {
  const auto bytes = disk_.get(log::Column::checkpoints, log::number_key(at));
  if (!bytes || sha256(*bytes) != digest || offset >= bytes->size()) return {};
  return bytes->substr(offset, most);
}

bool ToyChain::take_checkpoint(const LogStart& start, std::string_view bytes, log::Batch& batch) {
  if (!bytes.starts_with("as of " + std::to_string(start.at) + " ")) return false;
  batch.erase_range(log::Column::events, log::number_key(0), log::number_key(UINT64_MAX));
  batch.put(log::Column::checkpoints, log::number_key(start.at), bytes);
  head_.seq = start.oldest - 1;
  head_.hash = start.before;
  told_ = head_;
  batch.put(log::Column::meta, "head", encode_head(head_));
  return true;
}

std::string ToyChain::kept_page(const KeptFetch& fetch, size_t, std::string& last, bool& end) const {
  std::string page;
  size_t looked_at = 0;
  disk_.scan(log::Column::meta, std::string{kKept} + fetch.after + '\0', kAfterKept,
             [&](auto key, auto value) {
               end = looked_at++ < kKeptAtOnce;
               if (!end) return false;
               last = key.substr(kKept.size());
               const auto seq = log::number_of(value);
               if (seq >= fetch.since && seq <= fetch.until) page += last + ' ' + std::to_string(seq) + '\n';
               return true;
             });
  return page;
}

bool ToyChain::take_kept(const KeptFetch& fetch, std::string_view page, const std::string& last, bool end,
                         log::Batch& batch) {
  if (!end && last <= fetch.after) return false;
  while (!page.empty()) {
    const auto row = page.substr(0, page.find('\n'));
    page.remove_prefix(row.size() + 1);
    const auto key = row.substr(0, row.find(' '));
    const auto seq = std::stoull(std::string{row.substr(key.size() + 1)});
    if (key <= fetch.after || seq < fetch.since || seq > fetch.until) return false;
    batch.put(log::Column::meta, std::string{kKept}.append(key), log::number_key(seq));
  }
  return true;
}

uint64_t ToyChain::stored() const {
  const auto bytes = disk_.get(log::Column::meta, "head");
  return bytes ? log::number_of(bytes->substr(8, 8)) : 0;
}

uint64_t ToyChain::kept() const {
  uint64_t count = 0;
  disk_.scan(log::Column::meta, kKept, kAfterKept, [&](auto, auto) { return ++count > 0; });
  return count;
}

void ToyChain::compact(uint64_t to, size_t size, log::Batch& batch) const {
  auto bytes = "as of " + std::to_string(to) + " ";
  while (bytes.size() < size) bytes += std::to_string(bytes.size());
  batch.put(log::Column::checkpoints, log::number_key(to), bytes);
  batch.erase_range(log::Column::events, log::number_key(0), log::number_key(to + 1));
}

std::vector<std::string> ToyChain::bodies() const {
  std::vector<std::string> bodies;
  disk_.scan(log::Column::events, {}, {}, [&](auto, auto line) {
    bodies.emplace_back(line.substr(line.rfind(' ') + 1));
    return true;
  });
  return bodies;
}

bool Clock::step(uint64_t until) {
  if (tasks_.empty() || tasks_.begin()->first.first > until) return now_ = until, false;
  auto next = tasks_.extract(tasks_.begin());
  now_ = next.key().first;
  next.mapped()();
  return true;
}

}  // namespace muster::consensus
