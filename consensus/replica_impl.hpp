// The inside of a replica: libraft, the raft_io under it and the machine above it. Included only by
// replica*.cpp.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "consensus/wire.hpp"

namespace muster::consensus {

struct Replica::Impl : std::enable_shared_from_this<Impl> {
  Impl(MemberId self, std::string address, log::Disk& disk, Machine& machine, Watcher& watcher,
       Outside& outside, Timing timing, Rules rules);

  // Life: replica_life.cpp.
  Status open();
  Status open_readable();
  Status lead_anew();
  Status start();
  [[nodiscard]] Status broken_or_done() const;
  void stop();
  void fail(const Error& why);
  /// Does what reads the disk. A read that fails ends the replica as a failed write does; what was read for
  /// is done in part, and forgotten when it opens again. Nothing may be thrown through libraft.
  template <class Deed>
  Status reading(Deed&& deed) {
    try {
      deed();
    } catch (const log::Unreadable& failed) {
      fail(failed.error());
      return failed.error();
    }
    return Done{};
  }
  void settle();
  void settle_once();
  bool write_applied();
  void take_or_leave_office();
  void tell(std::function<void(Watcher&)> what);
  bool propose(std::string_view body, uint64_t& index);
  [[nodiscard]] bool is(int state) const { return running && lib.state == state; }
  [[nodiscard]] bool gated() const { return rules.gate && (!writes.empty() || installing); }

  // Messages and membership: replica_messages.cpp.
  void tick();
  void receive(MemberId from, std::string frame);
  void drain();
  void hand_over(raft_message& message);
  void drop_known(raft_append_entries& message) const;
  Status reopen_before(const raft_append_entries& message);
  Status change(const std::function<int(raft_change*)>& submit);

  // A snapshot whose lines are missing, and its lines: replica_lines.cpp.
  [[nodiscard]] bool has_lines() const;
  [[nodiscard]] bool whole() const;
  void fetch_anew();
  void ask();
  void ask_for_lines();
  bool tell_start(MemberId to, const Fetch& fetch);
  void serve_lines(MemberId to, const Fetch& fetch);
  void serve_rows(MemberId to, const Fetch& fetch);
  void hear_lines(MemberId from, std::string frame);
  bool take_lines(std::string_view frame);
  void finish_install();
  bool supersede(MemberId from, std::string_view frame);
  void ask_for_later(MemberId from, std::string_view frame);
  [[nodiscard]] std::optional<StoredSnapshot> snapshot_of_lines() const;
  void offer_snapshot(MemberId to, uint64_t oldest);
  // What entries leave beside lines: replica_kept.cpp.
  [[nodiscard]] bool has_kept() const;
  [[nodiscard]] KeptFetch missing_kept() const;
  void ask_for_kept();
  void serve_kept(MemberId to, const KeptFetch& fetch);
  void hear_kept(MemberId from, std::string_view frame);
  // Checkpoints that the lines tell of: replica_copies.cpp.
  [[nodiscard]] bool has_copies() const;
  void ask_for_copy();
  void serve_copy(MemberId to, uint64_t at);
  void hear_copy(MemberId from, std::string_view frame);
  void hear_copy_piece(MemberId from, const Piece& piece);
  void grow_copy(MemberId from, std::string_view bytes);
  // What stands for lines that are nowhere any more: replica_checkpoint.cpp.
  void hear_start(MemberId from, std::string_view frame);
  void ask_for_pieces();
  void serve_piece(MemberId to, const PieceFetch& fetch);
  void hear_piece(MemberId from, std::string_view frame);
  void finish_checkpoint();

  // raft_io and raft_fsm: replica_io.cpp.
  void wire_up();
  int load(raft_term* term, raft_id* vote, raft_snapshot** snapshot, raft_index* first, raft_entry** entries,
           size_t* count);
  int set_state(uint64_t term, MemberId vote);
  [[nodiscard]] bool commits_alone() const;
  void append(raft_io_append* request, const raft_entry* entries, unsigned count, raft_io_append_cb done);
  void truncate(uint64_t from);
  void store_snapshot(unsigned trailing, raft_io_snapshot_put* request, const raft_snapshot* snapshot,
                      raft_io_snapshot_put_cb done);
  void send_snapshot(raft_io_snapshot_get* request, raft_io_snapshot_get_cb done);
  void send(raft_io_send* request, const raft_message& message, raft_io_send_cb done);
  void send_entries(raft_append_entries append, raft_message message);
  [[nodiscard]] unsigned free_to_send(MemberId to, const raft_append_entries& append) const;
  [[nodiscard]] raft_progress* progress_of(MemberId id);
  void correct_progress();
  [[nodiscard]] size_t room_for(MemberId id, uint64_t acknowledged);
  int apply(const raft_buffer& body);
  int take_snapshot(raft_buffer** buffers, unsigned* count);
  int restore(std::string_view descriptor);
  void cancel_all();

  /// A write that libraft waits for. They complete in order, and never report a failure (rule 3).
  struct Write {
    log::Batch batch;
    bool sync = true;
    std::function<void(bool stopped)> done;
    std::function<void()> failed;  ///< Only without rule 3.
  };
  void queue_write(Write write);
  bool write_apart();
  void finish_apart(const Status& written);
  void write_soon();
  void finish_write();
  void complete(const Status& written);
  void queue_soon(std::function<void(bool stopped)> done);
  void finish_soon();
  void later(unsigned ms, void (Impl::*what)());

  const MemberId self;
  const std::string address;
  log::Disk& disk;
  Machine& machine;
  Watcher& watcher;
  Outside& outside;
  const Timing timing;
  const Rules rules;

  struct raft lib {};
  raft_io io{};
  raft_fsm fsm{};
  raft_io_tick_cb on_tick = nullptr;
  raft_io_recv_cb on_message = nullptr;

  bool running = false;   ///< libraft is open.
  bool starting = false;  ///< Inside raft_start: nothing may be asked of it yet.
  bool settling = false;
  bool restart_at_tick = false;  ///< Closed for a moment: stepped down, or libraft gave up (rule 12).
  bool reopen_soon = false;      ///< A snapshot was installed (rule 4).
  std::optional<Error> broken;   ///< The first failed write; nothing leaves this member any more.
  bool broken_told = false;
  uint64_t session = 0;  ///< Counts start(); what was put off in an older one is dropped.

  std::deque<Write> writes;
  bool apart = false;                           ///< Another thread does the first of them.
  log::Batch spare;                             ///< Of a finished write: its memory is used again.
  std::vector<std::function<void(bool)>> soon;  ///< Completions that are due in the next turn.
  uint64_t disk_free_at_ms = 0;

  /// Term and type of every entry on disk, from first_index on.
  struct Mark {
    uint64_t term;
    uint8_t type;
  };
  std::deque<Mark> marks;
  uint64_t first_index = 1;
  [[nodiscard]] uint64_t next_index() const { return first_index + marks.size(); }
  [[nodiscard]] const Mark* mark(uint64_t index) const {
    return index >= first_index && index < next_index() ? &marks[index - first_index] : nullptr;
  }

  log::Batch applied_batch;    ///< Lines of committed entries that are not written yet.
  uint64_t applied_index = 0;  ///< The last entry that was in it.
  uint64_t early = 0;          ///< The entry whose lines are written with it; 0 once it is committed.
  uint64_t before_early = 0;   ///< The last line before them.
  [[nodiscard]] uint64_t stored_seq() const { return early != 0 ? before_early : machine.head().seq; }
  bool untold = false;  ///< The machine was not told of it yet.
  Stored loading;       ///< From start() to load().

  bool pre_vote = false;                              ///< libraft weighs a request for one.
  std::vector<std::pair<MemberId, uint64_t>> unsent;  ///< The first entry that a follower was not sent.
  std::map<MemberId, uint64_t> heard;                 ///< When; of members only.
  /// A frame of entries that is not acknowledged.
  struct Flight {
    uint64_t last, at_ms;
    size_t bytes;
  };
  std::map<MemberId, std::deque<Flight>> flights;

  uint64_t led_term = 0;      ///< The last term we became leader in, and
  uint64_t office_index = 0;  ///< the first entry we wrote in it (rule 2).
  bool ready = false;         ///< It is applied.
  uint64_t in_flight = 0;     ///< The index of the one entry that is proposed (rule 8).
  MemberId told_leader = 0;
  uint64_t told_commit = 0;  ///< By tell_commit().

  std::optional<StoredSnapshot> wanted;  ///< Its lines are not all here (rule 10).
  uint64_t wanted_since = 0;             ///< The last line that was made here from an entry.
  bool installing = false;               ///< libraft, or open(), waits for it.
  std::function<void(bool stopped)> installed;
  /// What was asked of a peer and did not come yet. After a while without progress another is asked.
  struct Fetching {
    MemberId peer = 0;
    uint64_t anew_at_ms = 0;
    uint64_t next = 0;                      ///< The first line that was not asked for.
    std::deque<uint64_t> ends;              ///< Of the ranges that were: the line after each.
    uint64_t at_once = 256;                 ///< Lines that are about as large as a frame.
    std::map<uint64_t, std::string> early;  ///< Frames that came before their turn, by their first line.
    std::optional<LogStart> start;          ///< The checkpoint that is fetched, and
    std::string bytes;                      ///< how much of it is here.
    uint64_t asked_bytes = 0;
    std::optional<log::CheckpointCopy> copy;  ///< The one that is fetched; `bytes` of it are here.
    unsigned copy_tries = 0;
    bool too_new = false;    ///< All that others have is after the snapshot.
    std::string kept_until;  ///< The key up to which is here what comes beside lines.
    bool kept_all = false;
  } fetching;

  std::deque<std::pair<MemberId, std::string>> inbox;
  size_t inbox_bytes = 0;

  uint64_t last_term = 0;  ///< On disk; libraft's own lags behind it inside an election.
  Members last_members;    ///< What is answered while closed.
};

}  // namespace muster::consensus
