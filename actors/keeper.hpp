// The keeper of the log: gathers decisions, commits them through Raft with one disk sync, answers. No CAF
// here: the simulator runs the same code.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/commit_times.hpp"
#include "actors/gathering.hpp"
#include "base/persistence.hpp"
#include "consensus/replica.hpp"
#include "events/log/checkpoint_copy.hpp"

namespace muster::actors {

/// What the log's thread lets others see without asking.
struct LogGauges {
  std::atomic<bool> leading{false};  ///< And ready: a barrier of this term is applied.
  std::atomic<bool> writable{true};
  std::atomic<uint64_t> term{0}, index{0}, seq{0}, epoch{0};
  std::atomic<uint64_t> entries{0}, events{0};  ///< Committed since the start.
  CommitTimes commits;
  std::atomic<uint64_t> pending{0};
  std::atomic<consensus::MemberId> leader{0};  ///< Whom this member follows, or itself; 0: nobody.
  std::atomic<uint64_t> changes{0};  ///< Counts changes of leader; whoever waits for one looks at it.
  /// Raft's members with their roles, and how far each one's log is, as this member knows it.
  std::atomic<std::shared_ptr<const consensus::Members>> members;
};

/// The world around the keeper: the log's actor in the product, the simulator in tests. Calls come from the
/// keeper's thread, and none of them calls back into it.
class Surroundings {
public:
  virtual ~Surroundings() = default;
  virtual uint64_t now_ms() = 0;  ///< Steady.
  virtual Time now() = 0;         ///< Wall clock.
  virtual int random(int from, int below) = 0;
  virtual void later(unsigned ms, std::function<void()> task) = 0;  ///< 0: soon, never inside this call.
  virtual unsigned disk_ms() { return 0; }
  /// As consensus::Outside has them.
  virtual bool apart(std::function<void()> work, std::function<void()> done) {
    (void)work, (void)done;
    return false;
  }
  virtual void join() {}
  virtual bool may_lead() { return true; }  ///< As consensus::Outside.
  virtual bool knows_rows(consensus::MemberId id) { return (void)id, false; }
  virtual void send(consensus::MemberId to, std::string frame) = 0;

  /// To the folds, in order: what was committed, and what domains are to begin or stop.
  virtual void publish(CommittedPtr committed) = 0;
  virtual void lead(uint64_t generation) = 0;
  virtual void restart(size_t domain, std::shared_ptr<Lead> lead) = 0;
  virtual void unlead() = 0;
  /// The disk failed; told again when it is well (empty code).
  virtual void broken(const Error& why) = 0;
  /// A peer's checkpoint as of `at` is on disk: folds begin again from it.
  virtual void restart_from(uint64_t at) { (void)at; }
  /// Call flush() once everything that has arrived was taken.
  virtual void flush_soon() = 0;
};

struct KeeperOptions {
  std::string node;              ///< This node's id, as lines name it.
  consensus::MemberId self = 1;  ///< As Raft knows it.
  std::string address = "local";
  bool found = true;  ///< An empty disk becomes a cluster of one; otherwise it waits to be made a member.
  uint64_t start_epoch = 0;
  Time start_time{};  ///< Of the last line.
  GatherLimits limits;
  consensus::Timing timing;
  consensus::Rules rules;
  std::shared_ptr<Persistence> counts;  ///< May be nobody.
};

class Keeper : consensus::Outside, consensus::Machine, consensus::Watcher {
public:
  Keeper(log::Disk& disk, Surroundings& around, std::vector<std::shared_ptr<Flight>> flights,
         std::shared_ptr<LogGauges> gauges, KeeperOptions options);
  ~Keeper() override;

  void open();
  void close();  ///< What is in flight gets `leader.lost`.
  void tick();   ///< Every Timing::tick_ms.
  void receive(consensus::MemberId from, std::string frame);

  void append(const std::vector<AppendPtr>& appends);
  void flush();
  /// Answers once it is sure that this member led when it was asked: everything acknowledged before that is
  /// in what the receipt's seq names. Error: `leader.starting`, `leader.lost`.
  void barrier(Answer answer);

  /// Membership; one change at a time, on the leader. Error: `leader.lost`, `conflict`.
  Status change(const std::function<Status(consensus::Replica&)>& what);
  /// A majority is lost for good: goes on as the only voter, and leaves word of it for the one who records
  /// it. Error: `log.unwritable`, `log.corrupt`, and `conflict` while somebody leads; nothing is changed
  /// then.
  Status recover(const cluster::Recovered& what);
  void step_down();  ///< For tests of what callers are told.

private:
  // Outside.
  uint64_t now_ms() override { return around_.now_ms(); }
  int random(int from, int below) override { return around_.random(from, below); }
  void send(consensus::MemberId to, std::string frame) override { around_.send(to, std::move(frame)); }
  void later(unsigned ms, std::function<void()> task) override { around_.later(ms, std::move(task)); }
  unsigned disk_ms() override { return around_.disk_ms(); }
  bool apart(std::function<void()> work, std::function<void()> done) override;
  void join() override { around_.join(); }
  bool may_lead() override { return around_.may_lead(); }
  bool knows_rows(consensus::MemberId id) override { return around_.knows_rows(id); }

  // Machine: committed entries become lines.
  [[nodiscard]] consensus::Head head() const override;
  void apply(uint64_t index, std::string_view body, log::Batch& batch) override;
  void applied(uint64_t index) override;
  bool take_lines(std::string_view text, log::Batch& batch) override;
  bool take_rows(std::string_view rows, uint64_t until, log::Batch& batch) override;
  void installed() override { publish(); }
  [[nodiscard]] std::string lines_from(uint64_t seq) const override;
  [[nodiscard]] std::string rows_from(uint64_t seq, size_t most, uint64_t& last) const override;
  [[nodiscard]] std::optional<uint64_t> missing_copy() const override;
  [[nodiscard]] log::CheckpointCopy copy_of(uint64_t at) const override;
  void take_copy(uint64_t at, std::string_view bytes, log::Batch& batch) override;
  [[nodiscard]] std::optional<consensus::LogStart> log_start(uint64_t until) const override;
  [[nodiscard]] std::string checkpoint_piece(uint64_t at, const Digest& digest, uint64_t offset,
                                             size_t most) const override;
  bool take_checkpoint(const consensus::LogStart& start, std::string_view bytes, log::Batch& batch) override;
  [[nodiscard]] std::string kept_page(const consensus::KeptFetch& fetch, size_t most, std::string& last,
                                      bool& end) const override;
  bool take_kept(const consensus::KeptFetch& fetch, std::string_view page, const std::string& last, bool end,
                 log::Batch& batch) override;
  void reload() override;

  // Watcher.
  void leading(uint64_t term) override;
  void following(uint64_t term, consensus::MemberId leader) override;
  void broken(const Error& why) override;

  [[nodiscard]] std::vector<Record> read_lines(size_t from) const;
  bool take_far(const std::function<bool(const log::ChainWriter::OnTaken&)>& take);
  void tell_of(std::string line);
  void end_far();
  void publish();
  void settle(Entry& entry);
  void restart_domains();
  void lose(const Error& why);
  void probe();
  void compare(const Record& record);
  void flush_soon();
  [[nodiscard]] bool alone() const;
  [[nodiscard]] bool may_go_on(const Entry& done) const;
  void propose(Entry* done = nullptr);
  void show();

  log::Disk& disk_;
  Surroundings& around_;
  std::shared_ptr<LogGauges> gauges_;
  const KeeperOptions options_;
  log::ChainReader reader_;
  mutable log::CheckpointSource checkpoints_;  // For peers; remembers the one that is asked for.
  std::unique_ptr<log::ChainWriter> chain_;
  std::unique_ptr<consensus::Replica> replica_;

  Gathering gathering_;
  std::optional<Entry> entry_;    // At most one is in flight (rule 8 of docs/consensus.md).
  std::vector<AppendPtr> spent_;  // Of the entry before: given up where nobody waits for it.
  std::vector<log::Line> lines_;
  std::vector<Record> records_;
  bool far_ = false;  // Not all lines from published_ on are among lines_: they are on the disk.
  std::map<uint64_t, std::string> missing_;   // Checkpoints that lines tell of, and what their digests are.
  uint64_t epoch_ = 0, committed_epoch_ = 0;  // With, and without, the decisions in flight.
  Time last_time_{};
  uint64_t published_ = 0;  // The last line that the folds were given.
  bool leading_ = false, flushing_ = false, broken_ = false;
  uint64_t next_probe_ms_ = 0;
};

}  // namespace muster::actors
