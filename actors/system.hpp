// The node's actors behind plain functions: ask a domain, read the views, look into the past. No CAF here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/beats.hpp"
#include "actors/command.hpp"
#include "actors/commit_times.hpp"
#include "actors/domains.hpp"
#include "actors/world.hpp"
#include "adapters/keys.hpp"
#include "base/persistence.hpp"
#include "consensus/replica.hpp"
#include "events/log/chain.hpp"
#include "events/log/disk.hpp"
#include "projections/catalog.hpp"

namespace muster {

struct SystemOptions {
  std::string node;                 ///< This node's id.
  std::string version;              ///< Of this build.
  consensus::MemberId self = 1;     ///< This member, as Raft knows it.
  std::string address = "local";    ///< Its name in Raft's configuration.
  std::string member_address, url;  ///< Its member port (host:port), and where it serves HTTP.
  std::string key;                  ///< SHA-256 of its certificate's public key, hex; empty: alone.
  std::string boot;                 ///< Differs from start to start.
  bool takes_lease = false;         ///< Who leads Raft holds the leader lease, too.
  bool found = true;  ///< An empty disk becomes a cluster of one; otherwise it waits for a leader.
  consensus::Timing timing;
  uint64_t feature_level = kFeatureLevel;  ///< The highest that this build knows.
  Millis node_ttl{30'000};
  Millis leader_ttl{45'000};
  Millis idempotency_ttl{24 * 3600 * 1000};
  /// Requests under an idempotency key are recognized by an HMAC with it: whoever leads next must have the
  /// same one. Empty: this node's own.
  std::string reply_secret;
  uint64_t checkpoint_every = 20'000;  ///< Events.
  runs::Limits run_limits{};           ///< How many runs at once, and in the queue.
  std::string restored_from;           ///< See cluster::Start.
  Now now = system_now;
  size_t threads = 2;
  std::shared_ptr<Persistence> counts = std::make_shared<Persistence>();  ///< What the disk was asked for.

  /// Sends a Raft frame to a member; on the log's thread, must be quick and may lose it.
  std::function<void(consensus::MemberId to, std::string frame)> send;
  /// After each tick of Raft's clock; on the log's thread.
  std::function<void()> ticked;
  /// See consensus::Outside; on the log's thread. Empty: always.
  std::function<bool()> may_lead;
  /// Lines were committed and the views that hold them are published. On an actor's thread: must be quick.
  std::function<void(const std::vector<Record>&, const std::vector<log::Line>&)> on_lines;
  /// Commands are decided from now on; also after leadership was lost and won again. On the projector's
  /// thread.
  std::function<void()> on_leading;
  /// A node was heard: registered or beat. On the registry's thread.
  std::function<void(const nodes::Command&)> on_heard;
  /// The disk failed (a code), or is well again (none).
  std::function<void(const Error&)> on_disk;
  /// See consensus::Outside; on the log's thread. Empty: nobody does.
  std::function<bool(consensus::MemberId)> knows_rows{};
  /// Tells neighbours of this node, and looks for them; on the discovery's actor. Empty: nobody does.
  std::function<void()> discover{};
};

/// What the node can be asked about itself without entering an actor.
struct SystemGauges {
  bool leading = false, writable = true;
  uint64_t term = 0, index = 0, seq = 0, epoch = 0, entries = 0, events = 0, pending = 0;
  actors::CommitTimes::Counts commits;
  consensus::MemberId leader = 0;  ///< Whom this member follows, or itself; 0: nobody.
  uint64_t checkpoints_failed = 0;
};

/// A domain's command as another reading of the views makes it; see actors/interfaces.hpp.
template <class D>
struct Fresh {
  typename D::Command command;
  std::vector<Expectation> expects;
};

class System {
public:
  /// Loads the world from the newest checkpoint and the lines after it, and spawns the actors; nothing is
  /// decided before open(). `disk` and `keys` outlive the system. Errors: `log.corrupt`,
  /// `feature.unknown`.
  static Result<std::unique_ptr<System>> make(log::Disk& disk, const Keys& keys, SystemOptions options);
  ~System();  ///< Stops.
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  /// Opens Raft; ready() turns true once a barrier and this member's start are committed.
  void open();
  [[nodiscard]] bool ready() const;

  /// Asks a domain. `answer` is called once, on some actor's thread.
  void ask(cluster::Command command, Origin origin, Answer answer);
  void ask(nodes::Command command, Origin origin, Answer answer);
  void ask(lease::Command command, Origin origin, Answer answer);
  void ask(claims::Command command, Origin origin, Answer answer);
  void ask(tokens::Command command, Origin origin, Answer answer);
  void ask(secrets::Command command, Origin origin, Answer answer);
  void ask(plans::Command command, Origin origin, Answer answer);
  void ask(bootstrap::Command command, Origin origin, Answer answer);
  void ask(services::Command command, Origin origin, Answer answer);
  void ask(runs::Command command, Origin origin, Answer answer);
  void ask(sources::Command command, Origin origin, Answer answer);
  /// A command that is made from views: `read` is called now, and again when what it read has changed
  /// underneath.
  void ask_reading(std::function<Fresh<PlansDomain>()> read, Origin origin, Answer answer);

  /// From now on what the calling thread asks waits until it calls send_asks(), and goes out together.
  static void gather_asks();
  static void send_asks();

  /// The newest published views.
  [[nodiscard]] std::shared_ptr<const ViewSet> views() const;
  [[nodiscard]] std::shared_ptr<const Beats::Map> beats() const;
  /// When nodes were heard, as the leader tells it.
  void hear_beats(const std::vector<std::pair<std::string, Time>>& beats);
  [[nodiscard]] SystemGauges gauges() const;
  [[nodiscard]] const log::ChainReader& chain() const;
  [[nodiscard]] log::Disk& disk() const;
  [[nodiscard]] const Keys& keys() const;
  [[nodiscard]] const SystemOptions& options() const;

  /// Runs `task` on the thread for slow readings of the disk.
  void read_slowly(std::function<void()> task);
  /// The views as of `seq`, from a checkpoint and the lines after it; the last few are kept. On the slow
  /// thread.
  void views_at(uint64_t seq, std::function<void(Result<std::shared_ptr<const ViewSet>>)> then);
  /// The world that the views are published from, states and all. On the slow thread.
  void live_world(std::function<void(const World&)> then);
  /// Stores a checkpoint of now. `then` gets its seq.
  void checkpoint(std::function<void(Result<uint64_t>)> then);

  /// Raft's members and their roles, as this member knows them.
  [[nodiscard]] std::shared_ptr<const consensus::Members> members() const;
  /// A Raft frame from a member. Any thread.
  void receive(consensus::MemberId from, std::string frame);
  /// See actors::Keeper::barrier.
  void barrier(Answer answer);
  /// Does something to the replica on the log's thread, while it leads. Errors: `leader.lost`, `conflict`.
  void change(std::function<Status(consensus::Replica&)> what, std::function<void(Status)> then);

  /// Has the discovery's actor do what SystemOptions::discover says. Any thread, but none beside stop().
  void discover();

  /// A majority is lost for good: this member goes on without `lost`, which is recorded before anything else
  /// is decided. Whoever calls has made sure that no majority is alive.
  void recover(std::vector<std::string> lost, std::function<void(Status)> then);

  /// Makes Raft step down at once; it leads again by itself. For tests of what callers are told.
  void step_down();

  /// Records the stop, finishes what is in flight, stops the actors in order. Blocks, at most about
  /// `patience`.
  void stop(Millis patience = Millis{5'000});

private:
  System();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster
