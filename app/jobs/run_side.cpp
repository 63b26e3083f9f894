// Comparing what the views say of this node's runs with what it does.
#include "app/jobs/run_side.hpp"

#include <algorithm>
#include <filesystem>

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "adapters/execution_parts.hpp"
#include "app/jobs/addon_jobs.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLookAgain{1}, kTidyEvery{30};
/// What is held for a run that nobody knows of is given up then.
constexpr std::chrono::minutes kUnknownFor{60};

struct JournalFolder {
  std::string run;
  fs::file_time_type at;
  uint64_t bytes = 0;
};

uint64_t size_of(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored))
    if (entry.is_regular_file(ignored)) bytes += entry.file_size(ignored);
  return bytes;
}

bool has_ended(const runs::View& all, const std::string& run) {
  const auto* row = all.runs.find(run);
  return row && (*row)->ended;
}

}  // namespace

RunSide::RunSide(log::Disk& disk, RunSideOptions options)
  : options_(std::move(options)), facts_(disk, options_.node, options_.send) {}

RunSide::~RunSide() {
  stop();
}

void RunSide::start() {
  loop_ = std::make_unique<ScriptLoop>();
  done_ = facts_.ended();  // Before they are told: the views may be behind what was.
  facts_.start();
  thread_ = std::thread([this] { watch(); });
}

void RunSide::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
  loop_.reset();  // Nothing is told after this.
  facts_.stop();
  ::rmdir(options_.memory.c_str());  // Stays while it holds something of a run that goes on.
}

std::string RunSide::journal_of(const std::string& run) const {
  return options_.data + "/runs/" + run + "/journal";
}

Status RunSide::make(const runs::Submit& submit, const RunAsk& ask, std::vector<std::string> done,
                     const Cancellation* cancellation) {
  RunParts parts;
  parts.run = submit.run.run;
  parts.job = ask.choice.job;
  parts.arguments = &ask.arguments;
  parts.prepared = &ask.prepared;
  parts.root = ask.choice.root;
  parts.data = options_.data;
  parts.memory = options_.memory;
  parts.host = ask.host;
  parts.runtime = ask.runtime;
  parts.on_error = ask.asked.on_error;
  parts.strict = ask.asked.strict;
  parts.dry = ask.asked.dry;
  parts.about = stream_members(submit.run);
  parts.addon = ask.choice.addon != nullptr;
  if (parts.addon && ask.choice.addon->pull == "never") parts.pull = "never";
  parts.keep_profile = ask.keep_profile;
  auto order = make_run_order(parts, groups_);
  if (!order) return order.error();
  if (auto freed = free_names(*order, cancellation); !freed) {
    unmake(*order, groups_);
    return freed;
  }
  order->notes = stream_notes(submit, system_now());
  order->done = std::move(done);
  return hold(std::move(*order));
}

Status RunSide::hold(RunOrder order) {
  auto kept = make_folders(order);
  // So that the next life of this process can begin it.
  if (kept) kept = replace_file(order.memory + "/order", to_json_text(order));
  if (!kept) {
    unmake(order, groups_);
    return kept;
  }
  const std::lock_guard lock{mutex_};
  auto run = order.run;
  held_.insert_or_assign(std::move(run), std::move(order));
  return Done{};
}

std::optional<RunOrder> RunSide::take_held(const std::string& run) {
  const std::lock_guard lock{mutex_};
  auto held = held_.extract(run);
  return held ? std::optional{std::move(held.mapped())} : std::nullopt;
}

void RunSide::forget(const std::string& run) {
  if (const auto order = take_held(run)) unmake(*order, groups_);
}

void RunSide::changed() {
  {
    const std::lock_guard lock{mutex_};
    changed_ = true;
  }
  woken_.notify_all();
}

std::vector<RunSide::Row> RunSide::own_rows(bool& current) const {
  const auto views = options_.views();
  const auto& all = view<runs::View>(*views);
  std::vector<Row> rows;
  current = views->seq > 0;
  const auto take = [&](const runs::View::Id& id) {
    const auto& row = **all.runs.find(id.run);
    if (!row.ended && row.accepted->node == options_.node)
      rows.push_back({id.run, row.reason, row.dispatched_at != Time{}, row.status == "canceled"});
  };
  all.starting.each([&](const std::string&, const runs::View::Id& id) { take(id); });
  all.queue.each([&](const std::string&, const runs::View::Id& id) { take(id); });
  return rows;
}

void RunSide::watch() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    woken_.wait_for(lock, kLookAgain, [this] { return stopping_ || changed_; });
    changed_ = false;
    if (stopping_) return;
    lock.unlock();
    bool current = false;
    const auto rows = own_rows(current);
    for (const auto& row : rows) look_at(row);
    lock.lock();
    std::erase_if(done_, [&](const std::string& run) {
      return std::none_of(rows.begin(), rows.end(), [&](const Row& row) { return row.run == run; });
    });
    std::erase_if(canceled_, [&](const std::string& run) { return !running_.contains(run); });
    const auto now = std::chrono::steady_clock::now();
    if (!current || now < tidied_ + kTidyEvery) continue;
    tidied_ = now;
    lock.unlock();
    tidy();
    lock.lock();
  }
}

void RunSide::look_at(const Row& row) {
  std::shared_ptr<Execution> running;
  {
    const std::lock_guard lock{mutex_};
    if (done_.contains(row.run)) return;
    if (const auto found = running_.find(row.run); found != running_.end()) running = found->second;
    if (running && row.canceled && !canceled_.insert(row.run).second) return;
  }
  if (running && row.canceled) return running->cancel(row.reason);
  if (running) return;
  if (row.dispatched) return begin(row);
  {
    const std::lock_guard lock{mutex_};
    std::error_code ignored;
    if (held_.contains(row.run) || fs::exists(options_.memory + "/" + row.run + "/order", ignored)) return;
    done_.insert(row.run);
  }
  options_.cancel(row.run, "what it needs is gone: the machine was started anew");
}

void RunSide::begin(const Row& row) {
  const auto& run = row.run;
  const auto memory = options_.memory + "/" + run;
  auto order = take_held(run);
  std::error_code ignored;
  const bool began = fs::exists(memory + "/progress", ignored);
  if (!order && row.canceled && !began) order = read_file<RunOrder>(memory + "/order");
  if (order && row.canceled && !began) {  // Nothing of it is started.
    unmake(*order, groups_);
    facts_.tell(ended(run, "canceled", "", system_now()));
    const std::lock_guard lock{mutex_};
    done_.insert(run);
    return;
  }
  auto hooks = telling(
    run, [this](runs::Told fact) { facts_.tell(std::move(fact)); }, groups_,
    [this, run](const RunOutcome& outcome) {
      bool ran = outcome.status == "completed";
      {
        const std::lock_guard lock{mutex_};
        ran = ran && !running_.at(run)->order().dry;
        running_.erase(run);
        done_.insert(run);
        changed_ = true;
      }
      if (ran) options_.completed(run);
      options_.grown();
      woken_.notify_all();
    });
  hooks.journaled = options_.grown;
  hooks.counts = options_.counts;
  const std::lock_guard lock{mutex_};  // It may end before it is known to run.
  auto execution = order ? Execution::begin(*loop_, std::move(*order), std::move(hooks), system_now)
                         : Execution::adopt(*loop_, memory, std::move(hooks), system_now,
                                            row.canceled ? std::optional{row.reason} : std::nullopt);
  if (execution) {
    running_[run] = std::move(*execution);
    return;
  }
  const auto& why = execution.error();
  spdlog::warn("run={} error={}", run, why.detail);
  facts_.tell(why.code == "not.found" ? lost(run, system_now())
                                      : ended(run, "failed", why.detail, system_now()));
  done_.insert(run);
}

/// Removes what is left in memory of runs that have ended.
void RunSide::tidy() {
  const auto views = options_.views();
  const auto& all = view<runs::View>(*views);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(options_.memory, ignored)) {
    const auto run = entry.path().filename().string();
    const bool known = all.runs.contains(run);
    const bool old = fs::file_time_type::clock::now() - entry.last_write_time(ignored) > kUnknownFor;
    {
      const std::lock_guard lock{mutex_};
      if (running_.contains(run)) continue;
    }
    if (!has_ended(all, run) && (known || !old)) continue;
    forget(run);
    fs::remove_all(entry.path(), ignored);
  }
  if (options_.most_journal_bytes > 0) tidy_journals(all);
}

/// Removes the journals of runs that ended first when all of them take too much.
void RunSide::tidy_journals(const runs::View& all) {
  std::error_code ignored;
  std::vector<JournalFolder> kept;
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(options_.data + "/runs", ignored)) {
    const auto run = entry.path().filename().string();
    const auto size = size_of(entry.path());
    bytes += size;
    if (has_ended(all, run) || !all.runs.contains(run))
      kept.push_back({run, entry.last_write_time(ignored), size});
  }
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  journal_bytes_ = bytes;
  for (const auto& folder : kept) {
    if (bytes <= options_.most_journal_bytes) return;
    spdlog::info("run={} journal evicted bytes={}", folder.run, folder.bytes);
    fs::remove_all(options_.data + "/runs/" + folder.run, ignored);
    options_.counts->evicted(Persistence::journal, folder.bytes);
    journal_bytes_ = bytes -= folder.bytes;
  }
}

}  // namespace muster::app
