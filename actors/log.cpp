// Gathering, committing, answering.
#include "actors/log.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <random>

#include "actors/burst.hpp"
#include "actors/gathering.hpp"
#include "events/line.hpp"

namespace muster::actors {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kProbe{500};
constexpr consensus::MemberId kSelf = 1;

/// Everything the log's thread owns. The replica calls back into it; nothing here calls the replica from a
/// callback.
class Keeper : consensus::Outside, consensus::Machine, consensus::Watcher {
public:
  Keeper(Log::pointer self, LogDeps deps)
    : self_(self),
      deps_(std::move(deps)),
      reader_(*deps_.disk),
      gathering_(deps_.flights, reader_, deps_.limits),
      committed_epoch_(deps_.start_epoch),
      last_time_(deps_.start_time) {
    chain_.emplace(*deps_.disk);
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

  void append(const std::vector<AppendPtr>& appends) {
    for (const auto& append : appends) gathering_.take(append);
    restart_domains();
    deps_.gauges->pending = gathering_.size();
    flush_soon();
  }

  void flush() {
    flushing_ = false;
    if (!leading_ || entry_ || !gathering_.waiting()) return;
    propose();
    run_tasks();
    flush_soon();
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
    lose(Error{"leader.lost", "the node is stopping", {}, true});
    (void)deps_.disk->sync();
    replica_.reset();
  }

private:
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
    publish();  // Before the answers: who reads after an answer most likely finds what it told of.
    if (!entry_ || entry_->index > index) return;
    const auto done = std::move(*entry_);
    entry_.reset();
    settle(done);
    restart_domains();
    flush_soon();
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

  void settle(const Entry& entry) {
    deps_.gauges->entries++;
    deps_.gauges->commit_ns += static_cast<uint64_t>((SteadyClock::now() - entry.proposed).count());
    const Burst::Scope together;  // What is asked by those who are answered.
    gathering_.settle(entry, chain_->head().seq);
  }

  void restart_domains() {
    for (auto& [domain, lead] : gathering_.restarts())
      self_->send(deps_.projector, lead_atom::value, static_cast<uint64_t>(domain), std::move(lead));
  }

  // Watcher.
  void leading(uint64_t term) override {
    leading_ = true;
    const auto generation = gathering_.begin();
    epoch_ = committed_epoch_;
    deps_.gauges->epoch = epoch_;
    deps_.gauges->term = term;
    deps_.gauges->leading = true;
    self_->send(deps_.projector, lead_atom::value, generation);
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
    gathering_.lose(why, entry_ ? &*entry_ : nullptr);
    entry_.reset();
    deps_.gauges->pending = 0;
    if (led) deps_.unlead();
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

  void flush_soon() {
    if (flushing_ || entry_ || !gathering_.waiting()) return;
    flushing_ = true;
    self_->send(self_, flush_atom::value);
  }

  /// Everything that waits goes into one entry: one sync serves it all.
  void propose() {
    last_time_ = std::max(last_time_, deps_.now());
    auto entry = gathering_.next(last_time_, deps_.node, epoch_);
    deps_.gauges->pending = gathering_.size();
    deps_.gauges->epoch = epoch_;
    entry.proposed = SteadyClock::now();
    if (entry.body.empty()) {
      settle(entry);
      return restart_domains();
    }
    entry.index = replica_->last_index() + 1;
    const auto body = std::move(entry.body);
    entry_ = std::move(entry);
    uint64_t index = 0;
    if (!replica_->propose(body, index)) lose(Error{"leader.lost", "leadership was lost", {}});
  }

  Log::pointer self_;
  LogDeps deps_;
  log::ChainReader reader_;
  std::optional<log::ChainWriter> chain_;
  std::optional<consensus::Replica> replica_;
  std::deque<std::function<void()>> tasks_;
  std::mt19937 random_{std::random_device{}()};

  Gathering gathering_;
  std::optional<Entry> entry_;  // At most one is in flight (rule 8 of docs/consensus.md).
  std::vector<log::Line> lines_;
  std::vector<Record> records_;
  uint64_t epoch_ = 0, committed_epoch_ = 0;  // With, and without, the decisions in flight.
  Time last_time_{};
  bool leading_ = false, flushing_ = false, broken_ = false;
  SteadyClock::time_point next_probe_{};
};

}  // namespace

Log::behavior_type log_actor(Log::pointer self, LogDeps deps) {
  const auto keeper = std::make_shared<Keeper>(self, std::move(deps));
  return {
    [keeper](const AppendsPtr& appends) { keeper->append(*appends); },
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
