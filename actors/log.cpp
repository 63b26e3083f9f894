// Gathering, committing, answering.
#include "actors/log.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <random>

#include "events/line.hpp"
#include "events/log/entry.hpp"

namespace muster::actors {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kProbe{500};
constexpr consensus::MemberId kSelf = 1;

/// One entry on its way: the decisions it holds, and the records its events will be.
struct Entry {
  uint64_t index = 0;
  Time time{};
  std::vector<AppendPtr> appends;
  std::vector<Record> records;  // Without seq and prev.
  size_t records_before = 0;    // How many there were, before they moved on.
  SteadyClock::time_point proposed;
};

/// Everything the log's thread owns. The replica calls back into it; nothing here calls the replica from a
/// callback.
class Keeper : consensus::Outside, consensus::Machine, consensus::Watcher {
public:
  Keeper(Log::pointer self, LogDeps deps)
    : self_(self),
      deps_(std::move(deps)),
      reader_(*deps_.disk),
      domains_(deps_.flights.size()),
      committed_epoch_(deps_.start_epoch),
      last_time_(deps_.start_time) {
    reload();
  }

  void open() {
    auto& self = *this;  // Each base is private: the replica is handed what it asks for.
    replica_.emplace(kSelf, "local", *deps_.disk, static_cast<consensus::Machine&>(self),
                     static_cast<consensus::Watcher&>(self), static_cast<consensus::Outside&>(self));
    auto status = consensus::Replica::bootstrapped(*deps_.disk)
                    ? Status{Done{}}
                    : consensus::Replica::bootstrap(*deps_.disk, {{kSelf, "local", consensus::Role::voter}});
    if (status) status = replica_->open();
    if (!status) broken(status.error());
    run_tasks();
    self_->delayed_send(self_, kTick, tick_atom::value);
  }

  void tick() {
    if (!broken_)
      replica_->tick();
    else if (SteadyClock::now() >= next_probe_)
      probe();
    run_tasks();
    self_->delayed_send(self_, kTick, tick_atom::value);
  }

  void append(const AppendPtr& append) {
    auto& domain = domains_[append->domain];
    if (!leading_ || append->generation != domain.generation) return turn_away(append);
    for (const auto& expected : append->expects)
      if (version(expected.stream) != expected.version) return undo(domain, append);
    for (const auto& stream : append->streams) streams_in_flight_[stream]++;
    domain.outstanding++;
    pending_.push_back(append);
    deps_.gauges->pending = pending_.size();
    flush_soon();
  }

  void flush() {
    flushing_ = false;
    if (!leading_ || entry_ || pending_.empty()) return;
    propose();
    run_tasks();
    if (!pending_.empty()) flush_soon();
  }

  void step_down() {
    replica_->step_down();
    run_tasks();
  }

  void close() {
    if (!replica_) return;
    flush();
    run_tasks();
    replica_->close();
    run_tasks();
    fail_all(Error{"leader.lost", "the node is stopping", {}, true});
    (void)deps_.disk->sync();
    replica_.reset();
  }

private:
  /// What the log knows of one domain's decisions.
  struct DomainLine {
    uint64_t generation = 0;   // Appends of another one are turned away.
    uint64_t outstanding = 0;  // Accepted and not yet committed.
    bool undoing = false;
    std::vector<AppendPtr> undone;
  };

  // Outside: time, chance, deferred work.
  uint64_t now_ms() override {
    return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now().time_since_epoch()).count());
  }
  int random(int from, int below) override {
    return std::uniform_int_distribution<>{from, below - 1}(random_);
  }
  void send(consensus::MemberId, std::string) override {}  // A cluster of one has nobody to send to.
  void later(unsigned, std::function<void()> task) override { tasks_.push_back(std::move(task)); }

  /// Runs what the replica deferred, until there is nothing left.
  void run_tasks() {
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

  // Machine: committed entries become lines.
  [[nodiscard]] consensus::Head head() const override {
    return {chain_->head().index, chain_->head().seq, chain_->head().hash};
  }

  void apply(uint64_t index, std::string_view body, log::Batch& batch) override {
    const auto first = chain_->head().seq + 1;
    const auto before = lines_.size();
    chain_->apply(index, body, last_time_, batch, lines_);
    auto records = entry_ && entry_->index == index ? std::move(entry_->records) : read_lines(before);
    for (size_t i = 0; i < records.size(); i++) {
      records[i].seq = first + i;  // Absent in what this process decided itself.
      records_.push_back(std::move(records[i]));
    }
  }

  void applied(uint64_t index) override {
    publish();
    if (!entry_ || entry_->index > index) return;
    const auto done = std::move(*entry_);
    entry_.reset();
    settle(done);
    if (!pending_.empty()) flush_soon();
  }

  bool take_lines(std::string_view text, log::Batch& batch) override {
    const auto before = lines_.size();
    if (!chain_->take_lines(text, batch, lines_)) return false;
    for (auto& record : read_lines(before)) records_.push_back(std::move(record));
    return true;
  }

  [[nodiscard]] std::string lines_from(uint64_t seq) const override {
    std::string text;
    reader_.each_from(seq, [&](uint64_t, std::string_view line) {
      text.append(line).append("\n");
      return text.size() < (1 << 20);
    });
    return text;
  }

  void reload() override {
    chain_.emplace(*deps_.disk);
    lines_.clear();
    records_.clear();
  }

  /// Lines that this process did not decide: read from their bytes.
  [[nodiscard]] std::vector<Record> read_lines(size_t from) const {
    std::vector<Record> records;
    for (auto i = from; i < lines_.size(); i++) {
      auto record = read_line(*lines_[i]);
      if (!record) throw std::runtime_error("a committed line does not read: " + record.error().detail);
      records.push_back(std::move(*record));
    }
    return records;
  }

  /// Hands what was committed to the projector.
  void publish() {
    deps_.gauges->index = chain_->head().index;
    deps_.gauges->seq = chain_->head().seq;
    if (lines_.empty()) return;
    deps_.gauges->events += lines_.size();
    auto committed = std::make_shared<Committed>();
    committed->records = std::move(records_);
    committed->lines = std::move(lines_);
    committed->head = chain_->head();
    records_.clear();
    lines_.clear();
    for (const auto& record : committed->records) {
      last_time_ = std::max(last_time_, record.envelope.time);
      committed_epoch_ = epoch_after(std::max(committed_epoch_, record.envelope.epoch), record.event);
    }
    self_->send(deps_.projector, CommittedPtr{std::move(committed)});
  }

  /// An entry is durable: tell everybody whose decision is in it, in order.
  void settle(const Entry& entry) {
    deps_.gauges->entries++;
    deps_.gauges->commit_ns += static_cast<uint64_t>((SteadyClock::now() - entry.proposed).count());
    const auto seq = chain_->head().seq;
    auto at = seq - entry.records_before;
    for (const auto& append : entry.appends) {
      at += append->streams.size();
      auto& domain = domains_[append->domain];
      auto& flight = *deps_.flights[append->domain];
      domain.outstanding--;
      flight.committed_seq = at;
      flight.committed++;
      for (const auto& stream : append->streams) landed(stream);
      append->answer(Receipt{at, std::move(append->result)});
    }
    for (size_t i = 0; i < domains_.size(); i++)
      if (domains_[i].undoing && domains_[i].outstanding == 0) restart(i);
  }

  // Watcher.
  void leading(uint64_t term) override {
    leading_ = true;
    generation_++;
    for (auto& domain : domains_) domain = DomainLine{generation_, 0, false, {}};
    streams_in_flight_.clear();
    epoch_ = committed_epoch_;
    deps_.gauges->epoch = epoch_;
    deps_.gauges->term = term;
    deps_.gauges->leading = true;
    self_->send(deps_.projector, lead_atom::value, generation_);
  }

  void following(uint64_t term, consensus::MemberId) override {
    deps_.gauges->term = term;
    lose(Error{"leader.lost", "leadership was lost before the outcome was known", {}, true});
  }

  void broken(const Error& why) override {
    broken_ = true;
    next_probe_ = SteadyClock::now() + kProbe;
    deps_.gauges->writable = false;
    deps_.broken(why);
    auto lost = why;
    lost.outcome_unknown = true;
    lose(lost);
  }

  void lose(const Error& why) {
    const bool led = leading_;
    leading_ = false;
    deps_.gauges->leading = false;
    fail_all(why);
    if (led) deps_.unlead();
  }

  /// Decisions in the entry in flight may still be committed; those that wait were never proposed.
  void fail_all(const Error& why) {
    if (entry_)
      for (const auto& append : entry_->appends) append->answer(why);
    entry_.reset();
    auto not_done = why;
    not_done.outcome_unknown = false;
    for (const auto& append : pending_) append->answer(not_done);
    pending_.clear();
    for (auto& domain : domains_) {
      for (const auto& append : domain.undone) append->answer(not_done);
      domain.undone.clear();
    }
    deps_.gauges->pending = 0;
  }

  void probe() {
    next_probe_ = SteadyClock::now() + kProbe;
    broken_ = false;
    if (auto status = replica_->reopen(); !status) {
      broken_ = true;
      return;
    }
    if (broken_) return;
    deps_.gauges->writable = true;
    deps_.broken(Error{});
  }

  // Decisions.
  void turn_away(const AppendPtr& append) {
    auto& domain = domains_[append->domain];
    if (leading_ && domain.undoing && append->ask) return domain.undone.push_back(append);
    append->answer(Error{"leader.lost", "leadership changed before the decision was written", {}});
  }

  /// A decision read what has changed since: it, and what its domain decided after it, is decided again.
  void undo(DomainLine& domain, const AppendPtr& append) {
    domain.undoing = true;
    domain.generation = ++generation_;
    domain.undone.push_back(append);
    if (domain.outstanding == 0) restart(append->domain);
  }

  void restart(size_t index) {
    auto& domain = domains_[index];
    domain.undoing = false;
    auto lead = std::make_shared<Lead>();
    lead->generation = domain.generation;
    lead->undone = std::move(domain.undone);
    domain.undone.clear();
    self_->send(deps_.projector, lead_atom::value, static_cast<uint64_t>(index), std::move(lead));
  }

  [[nodiscard]] uint64_t version(const std::string& stream) const {
    return streams_in_flight_.contains(stream) ? UINT64_MAX : reader_.version(stream);
  }

  void landed(const std::string& stream) {
    const auto found = streams_in_flight_.find(stream);
    if (found != streams_in_flight_.end() && --found->second == 0) streams_in_flight_.erase(found);
  }

  void flush_soon() {
    if (flushing_) return;
    flushing_ = true;
    self_->send(self_, flush_atom::value);
  }

  static uint64_t epoch_after(uint64_t before, const AnyEvent& event) {
    if (const auto* granted = std::get_if<lease::Granted>(&event)) return std::max(before, granted->epoch);
    if (const auto* restored = std::get_if<cluster::Restored>(&event))
      return std::max(before, restored->epoch);
    return before;
  }

  /// Adds one decision's events and its kept reply to the entry that is being made.
  void add(const AppendPtr& append, Entry& entry) {
    for (size_t i = 0; i < append->events.size(); i++) {
      auto& event = append->events[i];
      epoch_ = epoch_after(epoch_, event);
      Record record;
      record.envelope = {
        entry.time, epoch_, deps_.node, append->origin.actor, append->origin.request, append->origin.cause};
      if (i > 0)
        record.envelope.cause =
          -static_cast<int64_t>(i);  // The first event of the decision led to the others.
      suffix_.clear();
      append_envelope(suffix_, record.envelope);
      suffix_ += append->bodies[i];
      writer_.event(append->streams[i], suffix_);
      record.type = type_of(event);
      record.stream = append->streams[i];
      record.event = std::move(event);
      entry.records.push_back(std::move(record));
    }
    if (!append->kept) return;
    writer_.frame(log::Frame::kept, log::encode(*append->kept));
  }

  /// Everything that waits goes into one entry: one sync serves it all.
  void propose() {
    Entry entry;
    entry.time = last_time_ = std::max(last_time_, deps_.now());
    while (!pending_.empty() && entry.appends.size() < deps_.max_entry_commands &&
           (writer_.empty() || writer_.size() + pending_.front()->bytes < deps_.max_entry_bytes)) {
      add(pending_.front(), entry);
      entry.appends.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    deps_.gauges->pending = pending_.size();
    deps_.gauges->epoch = epoch_;
    entry.records_before = entry.records.size();
    entry.proposed = SteadyClock::now();
    if (writer_.empty()) return settle(entry);  // Only answers that waited for what is committed now.
    entry.index = replica_->last_index() + 1;
    entry_ = std::move(entry);
    uint64_t index = 0;
    if (!replica_->propose(writer_.take(), index)) lose(Error{"leader.lost", "leadership was lost", {}});
  }

  Log::pointer self_;
  LogDeps deps_;
  log::ChainReader reader_;
  std::optional<log::ChainWriter> chain_;
  std::optional<consensus::Replica> replica_;
  std::deque<std::function<void()>> tasks_;
  std::mt19937 random_{std::random_device{}()};

  std::vector<DomainLine> domains_;
  uint64_t generation_ = 0;
  std::deque<AppendPtr> pending_;
  std::optional<Entry> entry_;  // At most one is in flight (rule 8 of docs/consensus.md).
  std::map<std::string, size_t> streams_in_flight_;
  std::vector<log::Line> lines_;
  std::vector<Record> records_;
  log::EntryWriter writer_;
  std::string suffix_;

  uint64_t epoch_ = 0, committed_epoch_ = 0;  // With, and without, the decisions in flight.
  Time last_time_{};
  bool leading_ = false, flushing_ = false, broken_ = false;
  SteadyClock::time_point next_probe_{};
};

}  // namespace

Log::behavior_type log_actor(Log::pointer self, LogDeps deps) {
  const auto keeper = std::make_shared<Keeper>(self, std::move(deps));
  return {
    [keeper](const AppendPtr& append) { keeper->append(append); },
    [keeper](flush_atom) { keeper->flush(); },
    [keeper](tick_atom) { keeper->tick(); },
    [keeper](open_atom) { keeper->open(); },
    [keeper](stepdown_atom) { keeper->step_down(); },
    [keeper](close_atom) {
      keeper->close();
      return true;
    },
  };
}

}  // namespace muster::actors
