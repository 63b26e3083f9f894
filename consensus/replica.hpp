// One member of the cluster: libraft above our disk, network, clock and chance. Owns no thread and no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "events/log/checkpoint_copy.hpp"
#include "events/log/disk.hpp"

namespace muster::consensus {

using MemberId = uint64_t;  ///< libraft's server id; 0 is nobody.
enum class Role : uint8_t { standby, voter, spare };

struct Member {
  MemberId id = 0;
  std::string address;
  Role role = Role::voter;
  bool operator==(const Member&) const = default;
};
using Members = std::vector<Member>;
constexpr size_t kMaxMembers = 64;

/// How far a leader knows its members to be.
struct Progress {
  struct Of {
    MemberId id = 0;
    uint64_t match_index = 0;               ///< It has the leader's entries up to here, on disk.
    std::optional<uint64_t> last_heard_ms;  ///< By Outside::now_ms; nothing: not since this replica started.
  };
  uint64_t last_index = 0, commit_index = 0;
  bool change_pending = false;  ///< A configuration is not committed yet, or a promotion waits for its log.
  std::vector<Of> members;      ///< All of the configuration, this one too.
};

/// Time, chance and the network: actors in the product, the simulator in tests.
class Outside {
public:
  virtual ~Outside() = default;
  virtual uint64_t now_ms() = 0;                ///< Steady.
  virtual int random(int from, int below) = 0;  ///< from <= n < below.
  virtual void send(MemberId to, std::string frame) = 0;
  /// Runs `task` after `ms`; 0: soon, but never inside this call. In order for equal times.
  virtual void later(unsigned ms, std::function<void()> task) = 0;
  /// How long the next write takes; the simulator's disks are slow, real ones answer 0 and take their time.
  virtual unsigned disk_ms() { return 0; }
  /// Does `work`, which waits for the disk, on another thread, and then `done` on the replica's, never inside
  /// this call. False: it does neither, and the replica's own thread waits. One at a time.
  virtual bool apart(std::function<void()> work, std::function<void()> done) {
    (void)work, (void)done;
    return false;
  }
  /// Waits for the `work` that was given to apart(); its `done` may still come.
  virtual void join() {}
  /// Whether this member may stand for leadership now. While not, it asks nobody for a vote; it follows,
  /// and gives its own to others.
  virtual bool may_lead() { return true; }
  /// Whether this member's build knows frames of rows and of copies of checkpoints.
  virtual bool knows_rows(MemberId id) {
    (void)id;
    return false;
  }
};

/// Where the chain of lines stands after the entry at `index`.
struct Head {
  uint64_t index = 0;
  uint64_t seq = 0;
  Digest hash = kNoDigest;
};

/// Where a member's lines begin when the first ones were dropped, and the checkpoint that stands for those.
struct LogStart {
  uint64_t oldest = 0;        ///< The first line that is there.
  Digest before = kNoDigest;  ///< The hash of the line before it.
  uint64_t at = 0;            ///< The seq that the checkpoint is as of: oldest - 1 or later.
  uint64_t size = 0;          ///< Of the checkpoint, in bytes.
  Digest digest = kNoDigest;  ///< Of these bytes.
  bool operator==(const LogStart&) const = default;
};

/// Asks for what entries leave beside lines, page by page: of those with lines from `since` to `until`, what
/// comes behind the key `after`.
struct KeptFetch {
  std::string after;
  uint64_t since = 0, until = 0;
  bool operator==(const KeptFetch&) const = default;
};

/// What committed entries become: the chain (events/log/chain.hpp). All calls come from the replica's thread.
class Machine {
public:
  virtual ~Machine() = default;
  [[nodiscard]] virtual Head head() const = 0;
  /// Adds what the entry means to `batch`, the head included, at most once for each index: at or below
  /// head().index the replica does not call.
  virtual void apply(uint64_t index, std::string_view body, log::Batch& batch) = 0;
  /// `batch` was written: tell whoever waits. Entries up to `index` are committed.
  virtual void applied(uint64_t index) = 0;
  /// Checks and adds lines that a peer sent to close a gap (rule 10). False: they do not fit the chain.
  virtual bool take_lines(std::string_view lines, log::Batch& batch) = 0;
  /// The same of rows_from(); no further than `until`.
  virtual bool take_rows(std::string_view rows, uint64_t until, log::Batch& batch) {
    (void)rows, (void)until, (void)batch;
    return false;
  }
  /// The lines of a snapshot are here, all of them and written: whoever reads may see them.
  virtual void installed() {}
  /// Lines from `seq` on, each with its newline, as take_lines wants them; at most about 1 MiB.
  [[nodiscard]] virtual std::string lines_from(uint64_t seq) const = 0;
  /// Lines as they are stored, from `seq` or a little before on, as take_rows wants them; at most `most`
  /// bytes, or more when that is the least there is. Tells in `last` up to which line.
  [[nodiscard]] virtual std::string rows_from(uint64_t seq, size_t most, uint64_t& last) const {
    (void)seq, (void)most, last = 0;
    return {};
  }
  /// A checkpoint that lines which were taken tell of, and which is not here: the next one to be fetched.
  [[nodiscard]] virtual std::optional<uint64_t> missing_copy() const { return std::nullopt; }
  /// The checkpoint as of `at`, to be read with checkpoint_piece(); its size is 0 when it is not here.
  [[nodiscard]] virtual log::CheckpointCopy copy_of(uint64_t at) const { return {at, 0, kNoDigest}; }
  /// A checkpoint that was missing, checked against what the lines say of it; empty when nobody has it. It is
  /// not missing any more, whatever it was.
  virtual void take_copy(uint64_t at, std::string_view bytes, log::Batch& batch) {
    (void)at, (void)bytes, (void)batch;
  }
  /// Nothing when lines from the first on are there. Of a checkpoint at or before `until`; its size is 0 when
  /// none of these stands for all lines that were dropped.
  [[nodiscard]] virtual std::optional<LogStart> log_start(uint64_t until) const {
    (void)until;
    return std::nullopt;
  }
  /// Bytes of the checkpoint as of `at`, whose digest is `digest`, from `offset` on; at most `most`. Empty
  /// when it is not here.
  [[nodiscard]] virtual std::string checkpoint_piece(uint64_t at, const Digest& digest, uint64_t offset,
                                                     size_t most) const {
    (void)at, (void)digest, (void)offset, (void)most;
    return {};
  }
  /// A peer's checkpoint is here, whole, and its bytes have `start.digest`: adds it to `batch`, and has the
  /// chain go on from `start.oldest`, without any line before it. False: it is not one.
  virtual bool take_checkpoint(const LogStart& start, std::string_view bytes, log::Batch& batch) {
    (void)start, (void)bytes, (void)batch;
    return false;
  }
  /// A page of at most about `most` bytes, and in `last` the key up to which it goes; then `end` is false
  /// when there are more.
  [[nodiscard]] virtual std::string kept_page(const KeptFetch& fetch, size_t most, std::string& last,
                                              bool& end) const {
    (void)fetch, (void)most, last.clear(), end = true;
    return {};
  }
  /// Checks and adds a page that a peer sent. False: it is not the one that was asked for.
  virtual bool take_kept(const KeptFetch& fetch, std::string_view page, const std::string& last, bool end,
                         log::Batch& batch) {
    (void)fetch, (void)page, (void)last, (void)end, (void)batch;
    return true;
  }
  /// The disk may have lost what was written but not synced, or what was applied could not be written: forget
  /// what is in memory and go on from the disk.
  virtual void reload() = 0;
};

/// What happens to a replica's leadership; called from its thread, never inside a call to it.
class Watcher {
public:
  virtual ~Watcher() = default;
  /// A barrier of this term is applied: commands may be decided.
  virtual void leading(uint64_t term) = 0;
  /// No longer leader. Everything proposed and not yet told by Machine::applied has an unknown outcome.
  virtual void following(uint64_t term, MemberId leader) = 0;
  /// The disk failed a write, or a read that one needs: the replica is closed, and what was in flight has an
  /// unknown outcome (following is not called as well). reopen() tries again.
  virtual void broken(const Error& why) = 0;
};

/// The fifteen rules of docs/consensus.md; switched off only to show what then breaks.
struct Rules {
  bool gate = true, barrier = true, one_batch = true, reopen = true, new_term = true, whole_lines = true;
  bool lent_votes = true, held_changes = true;  ///< Rule 13.
  bool fail_whole = true;                       ///< Rule 3: a failed append is not told to libraft.
  bool whole_replies = true;                    ///< Rule 10 for what entries leave beside lines.
};

struct Timing {
  unsigned election_ms = 1000, heartbeat_ms = 100, tick_ms = 50;
  unsigned snapshot_every = 1024, trailing = 256;  ///< In entries.
};

/// The largest body of one entry: with its head it fits into one frame.
constexpr size_t kMaxBody = (1 << 20) - 1024;

/// Not thread-safe: one thread owns it. What it calls later holds no reference to it once it is destroyed.
class Replica {
public:
  Replica(MemberId self, std::string address, log::Disk& disk, Machine& machine, Watcher& watcher,
          Outside& outside, Timing timing = {}, Rules rules = {});
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  /// Writes the first configuration to an empty disk. With lines on it already (`head`; a restored folder) it
  /// begins with a snapshot, so that whoever joins fetches them.
  static Status bootstrap(log::Disk& disk, const Members& members, Head head = {});
  /// A majority is lost for good: `member` goes on as the only voter, with every entry it has, and its lines
  /// end at `head`. A snapshot whose lines are not all here is waited for no longer; the lines that are stay.
  /// Its replica is closed. What `batch` holds is written with it.
  static Status recover(log::Disk& disk, const Member& member, const Head& head, log::Batch batch = {});
  [[nodiscard]] static bool bootstrapped(const log::Disk& disk);

  /// Loads, and goes on where the disk left off; a lone voter raises its term and leads at once (rule 6).
  /// Errors: `log.unwritable`, then Watcher::broken is called as well; `log.corrupt`.
  Status open();
  void close();
  /// What is to be proposed cannot be read: as if a write had failed.
  void fail(const Error& why);
  /// After Watcher::broken: probes the disk with a write, and opens again when it succeeds.
  Status reopen();

  void tick();  ///< Every Timing::tick_ms.
  void receive(MemberId from, std::string frame);

  /// One entry. Only while leading, and one at a time (rule 8): call again after Machine::applied told of it
  /// or Watcher::following came. False: not leading, one is in flight, or it is larger than kMaxBody. Returns
  /// its index in `index`.
  bool propose(std::string_view body, uint64_t& index);

  /// Tells members that have everything what is committed by now: they need not wait for the next heartbeat.
  /// Nothing while an entry is in flight, which tells it itself.
  void tell_commit();

  /// Whether propose would take an entry now: leading, none in flight, leadership not being handed on.
  [[nodiscard]] bool can_propose() const;

  [[nodiscard]] bool leading() const;  ///< And ready: the barrier is applied.
  [[nodiscard]] uint64_t term() const;
  [[nodiscard]] MemberId leader() const;
  [[nodiscard]] Members members() const;
  [[nodiscard]] uint64_t last_index() const;
  [[nodiscard]] uint64_t commit_index() const;

  /// Only while leading: nothing else. Spares are sent nothing, so they are not heard either.
  [[nodiscard]] std::optional<Progress> progress() const;

  /// Membership; one change at a time, only while leading, and never to take the leader's own vote away (that
  /// needs transfer() first). Error: `leader.lost` or `conflict`.
  Status add(const Member& member);
  Status assign(MemberId id, Role role);
  Status remove(MemberId id);
  Status transfer(MemberId to);
  /// Steps down at once, without a successor, until the next tick: for tests of what callers are told. An
  /// entry in flight is kept or lost, by chance.
  void step_down();

private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace muster::consensus
