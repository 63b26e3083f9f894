// What the keeper gives to members that are far behind, and takes when it is.
#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "actors/borrowed.hpp"
#include "actors/keeper.hpp"
#include "events/line.hpp"
#include "events/log/kept_copy.hpp"

namespace muster::actors {
namespace {

constexpr size_t kServedBytes = (1 << 20) - 64;  // Of lines for a peer at once: with their head a frame.
constexpr size_t kMostTold = 16'384;             // Lines of which more than the folds are told at once.
constexpr size_t kMostCopies = 64;               // Checkpoints, the newest, that are taken from a peer.

/// Whether members do more about such a line than to fold it.
bool is_told(std::string_view type) {
  constexpr std::array<std::string_view, 9> kDomains{
    "cluster", "cluster_key", "feature", "join_token", "leader", "log", "member", "profile", "secret"};
  const auto domain = type.substr(0, type.find('.'));
  return std::find(kDomains.begin(), kDomains.end(), domain) != kDomains.end() ||
         type.starts_with("plan.template");
}

}  // namespace

bool Keeper::take_lines(std::string_view text, log::Batch& batch) {
  return take_far([&](const auto& taken) { return chain_->take_lines(text, batch, taken); });
}

bool Keeper::take_rows(std::string_view rows, uint64_t until, log::Batch& batch) {
  return take_far([&](const auto& taken) { return chain_->take_rows(rows, until, batch, taken); });
}

/// Lines that come by the thousand are read from the disk by who folds them; kept are those of which others
/// are told.
bool Keeper::take_far(const std::function<bool(const log::ChainWriter::OnTaken&)>& take) {
  std::vector<std::string> told;
  auto time = last_time_;
  auto epoch = committed_epoch_;
  const auto taken = [&](const LineShape& shape, std::string_view line) {
    time = std::max(time, shape.at);
    epoch = std::max(epoch, shape.epoch);
    if (is_told(shape.type)) told.emplace_back(line);
  };
  if (!take(taken)) return false;
  far_ = true;
  last_time_ = time;
  committed_epoch_ = epoch;
  for (auto& line : told) tell_of(std::move(line));
  return true;
}

void Keeper::tell_of(std::string line) {
  auto record = read_line(line);
  if (!record) throw std::runtime_error("a committed line does not read: " + record.error().detail);
  if (const auto* made = std::get_if<cluster::Checkpointed>(&record->event)) {
    missing_[made->at] = made->digest;
    if (missing_.size() > kMostCopies) missing_.erase(missing_.begin());
  }
  if (lines_.size() >= kMostTold) {  // The oldest mean the least, and are looked at again at the next start.
    lines_.erase(lines_.begin(), lines_.begin() + kMostTold / 2);
    records_.erase(records_.begin(), records_.begin() + kMostTold / 2);
  }
  records_.push_back(std::move(*record));
  lines_.push_back(std::make_shared<const std::string>(std::move(line)));
}

/// Whoever counts lines is told of the last one.
void Keeper::end_far() {
  const auto head = chain_->head().seq;
  const bool there = !records_.empty() && records_.back().seq >= head;
  if (auto line = there ? std::nullopt : reader_.line(head)) tell_of(std::move(*line));
  missing_.clear();
}

std::string Keeper::lines_from(uint64_t seq) const {
  return reader_.text_from(seq, kServedBytes);
}

std::string Keeper::rows_from(uint64_t seq, size_t most, uint64_t& last) const {
  return reader_.rows_from(seq, most, last);
}

std::optional<consensus::LogStart> Keeper::log_start(uint64_t until) const {
  const auto oldest = reader_.oldest();
  const auto before = reader_.before_oldest();
  if (oldest <= 1 || !before) return std::nullopt;
  consensus::LogStart start{oldest, *before, 0, 0, kNoDigest};
  if (const auto copy = checkpoints_.newest(oldest - 1, until))
    start.at = copy->at, start.size = copy->size, start.digest = copy->digest;
  return start;
}

std::string Keeper::checkpoint_piece(uint64_t at, const Digest& digest, uint64_t offset, size_t most) const {
  return checkpoints_.piece(at, digest, offset, most);
}

bool Keeper::take_checkpoint(const consensus::LogStart& start, std::string_view bytes, log::Batch& batch) {
  if (!log::put_checkpoint(start.at, bytes, batch)) return false;
  chain_->start_after(start.oldest - 1, start.before, batch);
  around_.later(0, [this, at = start.at, last = start.oldest - 1] {  // Once it is written.
    published_ = std::max(published_, std::min(last, chain_->head().seq));
    around_.restart_from(at);
  });
  return true;
}

std::string Keeper::kept_page(const consensus::KeptFetch& fetch, size_t most, std::string& last,
                              bool& end) const {
  auto page = log::kept_page(disk_, fetch.after, fetch.since, fetch.until, most);
  last = std::move(page.last);
  end = page.end;
  return std::move(page.rows);
}

bool Keeper::take_kept(const consensus::KeptFetch& fetch, std::string_view page, const std::string& last,
                       bool end, log::Batch& batch) {
  return log::put_kept_page({std::string{page}, last, end}, fetch.after, fetch.since, fetch.until, batch);
}

std::optional<uint64_t> Keeper::missing_copy() const {
  return missing_.empty() ? std::nullopt : std::optional{missing_.rbegin()->first};
}

log::CheckpointCopy Keeper::copy_of(uint64_t at) const {
  return checkpoints_.newest(at, at).value_or(log::CheckpointCopy{at, 0, kNoDigest});
}

void Keeper::take_copy(uint64_t at, std::string_view bytes, log::Batch& batch) {
  const auto named = missing_.extract(at);
  if (named.empty() || bytes.empty()) return;
  log::Batch rows;
  if (!log::put_checkpoint(at, bytes, rows, named.mapped())) return;
  put_borrowed(rows);
  batch = std::move(rows);
}

void Keeper::reload() {
  chain_ = std::make_unique<log::ChainWriter>(disk_, options_.counts);
  if (far_) {  // Told of once the rest is here, or it is clear that there is none: installed().
    const auto here = std::find_if(records_.begin(), records_.end(),
                                   [&](const Record& record) { return record.seq > chain_->head().seq; });
    lines_.resize(static_cast<size_t>(here - records_.begin()));
    records_.erase(here, records_.end());
    return;
  }
  lines_.clear();
  records_.clear();
  // A write may have reached the disk although it was reported as failed: nobody applies its lines again.
  reader_.each_from(published_ + 1, [&](uint64_t, std::string_view line) {
    lines_.push_back(std::make_shared<const std::string>(line));
    return true;
  });
  records_ = read_lines(0);
  publish();
}

}  // namespace muster::actors
