// Numbering facts, keeping them in the `local` column, and sending them in order.
#include "app/jobs/run_facts.hpp"

#include <algorithm>
#include <chrono>

#include <spdlog/spdlog.h>

#include "base/hash.hpp"
#include "domain/run_facts.hpp"

namespace muster::app {
namespace {

using log::Column;

constexpr std::string_view kSource = "run-facts-source", kPrefix = "run-facts/", kBehind = "run-facts0";
constexpr std::chrono::milliseconds kAgain{250};
constexpr std::chrono::seconds kAnswerWithin{15};

std::string key_of(uint64_t number) {
  return std::string(kPrefix) + log::number_key(number);
}

runs::Fact& base_of(runs::Told& told) {
  return std::visit([](runs::Fact& fact) -> runs::Fact& { return fact; }, told);
}

}  // namespace

RunFacts::RunFacts(log::Disk& disk, std::string node, Send send)
  : disk_(disk), node_(std::move(node)), send_(std::move(send)), at_once_(runs::kMaxFacts) {
  load();
}

RunFacts::~RunFacts() {
  stop();
}

void RunFacts::start() {
  thread_ = std::thread([this] { send_all(); });
}

void RunFacts::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

/// A source numbers without gaps for as long as one of its facts waits; then another one may begin at 1.
void RunFacts::load() {
  disk_.scan(Column::local, kPrefix, kBehind, [&](std::string_view key, std::string_view text) {
    const auto number = log::number_of(key.substr(kPrefix.size()));
    auto body = from_json_text<runs::FactBody>(text);
    auto fact = body ? runs::fact_of(*body) : Result<runs::Told>{body.error()};
    if (fact)
      waiting_.push_back({number, std::move(*fact)});
    else
      spdlog::error("run fact={} error=damaged, passed over", number);
    last_ = number;
    return true;
  });
  source_ = disk_.get(Column::local, kSource).value_or("");
  if (!waiting_.empty() && !source_.empty()) return;
  source_ = random_hex(8);
  last_ = 0;
  log::Batch batch;
  batch.put(Column::local, kSource, source_);
  if (auto kept = disk_.write(batch, false); !kept) spdlog::error("run facts error={}", kept.error().detail);
}

void RunFacts::tell(runs::Told fact) {
  {
    const std::lock_guard lock{mutex_};
    auto& base = base_of(fact);
    base.node = node_;
    base.source = source_;
    base.local_seq = ++last_;
    log::Batch batch;
    batch.put(Column::local, key_of(last_), to_json_text(runs::body_of(fact)));
    // Not synced: after a power cut the scripts are gone as well, and their runs are lost.
    if (auto kept = disk_.write(batch, false); !kept)
      spdlog::error("run fact={} error={}", last_, kept.error().detail);
    waiting_.push_back({last_, std::move(fact)});
  }
  changed_.notify_all();
}

std::set<std::string> RunFacts::ended() const {
  std::set<std::string> runs;
  const std::lock_guard lock{mutex_};
  for (const auto& kept : waiting_)
    if (const auto* end = std::get_if<runs::Finished>(&kept.fact)) runs.insert(end->run);
  return runs;
}

void RunFacts::send_all() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto count = std::min(waiting_.size(), at_once_);
    runs::Report report{node_, source_, {}, {}};
    for (size_t i = 0; i < count; i++) report.facts.push_back(waiting_[i].fact);
    const auto first = waiting_.front().number, last = waiting_[count - 1].number;
    answered_ = failed_ = false;
    lock.unlock();
    send_(std::move(report),
          [this, first, last](const Result<uint64_t>& taken) { sent(taken, first, last); });
    lock.lock();
    changed_.wait_for(lock, kAnswerWithin, [this] { return stopping_ || answered_; });
    if (failed_ || !answered_) changed_.wait_for(lock, kAgain, [this] { return stopping_; });
  }
}

/// Called by whoever answers; the sender waits for it.
void RunFacts::sent(const Result<uint64_t>& taken, uint64_t first, uint64_t last) {
  {
    const std::lock_guard lock{mutex_};
    answered_ = true;
    const bool invalid = !taken && taken.error().code == "field.invalid";
    if (taken) {
      at_once_ = runs::kMaxFacts;
      failed_ = *taken < first;
      drop_to(std::min(*taken, last));
    } else if (invalid && first != last) {
      at_once_ = 1;  // The others are not to blame.
    } else if (invalid) {
      spdlog::error("run fact={} given up: {}", first, taken.error().detail);
      drop_to(first);
    } else {
      failed_ = true;
    }
  }
  changed_.notify_all();
}

/// `mutex_` is held.
void RunFacts::drop_to(uint64_t number) {
  if (waiting_.empty() || waiting_.front().number > number) return;
  log::Batch batch;
  batch.erase_range(Column::local, key_of(0), key_of(number + 1));
  if (auto dropped = disk_.write(batch, false); !dropped)
    spdlog::error("run facts error={}", dropped.error().detail);
  while (!waiting_.empty() && waiting_.front().number <= number) waiting_.pop_front();
}

Result<uint64_t> taken_to(const std::string& answer) {
  const auto read = parse_json(answer);
  if (!read || !read->is_object()) return Error{"internal", "a report of runs was answered " + answer, {}};
  return read->value("taken_to", uint64_t{0});
}

}  // namespace muster::app
