// Between a system and the other members: Raft's frames, requests for whoever leads, who is there and what
// they see.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/hello.hpp"
#include "actors/system.hpp"
#include "consensus/membership.hpp"
#include "consensus/peers.hpp"

namespace muster {

/// A member, as one is told of it before its own log says so.
struct RosterEntry {
  std::string node;
  uint64_t id = 0;
  std::string address, url, key;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("id", self.id);
    visit("address", self.address);
    visit("url", self.url);
    visit("key", self.key);
  }
};

struct PeeringOptions {
  Hello self;                       ///< What this member says of itself; what changes is filled in.
  std::vector<RosterEntry> roster;  ///< Known from joining, until the log says who is there.
  consensus::MembershipPolicy policy;
  Millis ask_timeout{5'000};     ///< --command-timeout: for a request that was handed on.
  size_t max_asks = 16'384;      ///< --max-in-flight: handed on and not answered yet.
  size_t max_answer = 64 << 20;  ///< Bytes of one answer.
  /// A member without a log was told who the members are. Must be quick.
  std::function<void(const std::vector<RosterEntry>&)> on_roster;
  Now now = system_now;
};

/// What is shown of a member.
struct MemberState {
  std::optional<Hello> hello;  ///< The last one; nothing: none came since this process started.
  Millis clock_ahead{0};       ///< Its wall clock before this one's; with a hello.
  int64_t heard_ms = -1;       ///< How long ago anything came; -1: never. 0 for this member itself.
  consensus::PeerState way;
  std::optional<consensus::Role> role;  ///< Nothing: Raft does not know it (yet).
};

/// This member's wall clock, compared with the others'.
struct ClockState {
  std::optional<Millis> off;  ///< As clock_off() says.
  bool may_lead = true;
};

/// Any thread.
class Peering {
public:
  /// Answers a request that another member hands on: its bytes, and where the answer's bytes go.
  using OnRequest = std::function<void(std::string request, std::function<void(std::string)> reply)>;

  explicit Peering(PeeringOptions options);
  ~Peering();
  Peering(const Peering&) = delete;
  Peering& operator=(const Peering&) = delete;

  /// From now on frames are taken and sent. Both outlive this, or stop() is called first.
  void attach(System& system, consensus::Peers& peers, OnRequest on_request);
  void stop();

  /// Answers what members ask of each other beside the leader's business; each matter has a letter.
  using OnAsk =
    std::function<void(const std::string& from, std::string request, std::function<void(std::string)> reply)>;
  void serve(char matter, OnAsk on_ask);  ///< Before attach(). On a thread of the network: must be quick.
  /// Errors in `reply`: as ask_leader, and also when leadership moves meanwhile.
  void ask(const std::string& node, char matter, std::string request,
           std::function<void(Result<std::string>)> reply);

  // For the network.
  void received(const std::string& from, consensus::Envelope envelope);
  void stranger(const consensus::Stranger& who, consensus::Envelope envelope,
                std::function<void(consensus::Envelope)> answer);

  // For the system: its options' send, ticked and on_lines.
  void send(consensus::MemberId to, std::string frame);
  void tick();
  void folded();  ///< The views may hold other members now.

  // For the discovery.

  /// Somebody says that a member of this cluster is at `address`, where it is not looked for. While it is not
  /// heard it is tried there and where the log says, in turn: its certificate tells which is true.
  void seen_at(const std::string& node, const std::string& address);

  /// Whether that member's build knows frames of rows (consensus::Outside).
  [[nodiscard]] bool knows_rows(consensus::MemberId id) const;

  /// Its clock is right, as far as the others can tell, and it has the log.
  [[nodiscard]] bool may_lead() const;

  // For the edge.

  [[nodiscard]] ClockState clock() const;
  /// Whether there are members enough with the log, so that this one has none: others answer for it.
  [[nodiscard]] bool without_log() const;
  [[nodiscard]] std::vector<RosterEntry> roster() const;
  /// Whether there is somebody to hand a request to.
  [[nodiscard]] bool leader_elsewhere() const;
  /// Whether this member follows somebody and has nearly everything that one has said to have.
  [[nodiscard]] bool follows_closely() const;
  /// Hands a request to the leader. Errors: `leader.starting` (nobody leads), `leader.lost`, `rate.limited`,
  /// `command.timeout`.
  void ask_leader(std::string request, std::function<void(Result<std::string>)> reply);
  /// Hands a request to a member, which answers it itself. Errors: as ask_leader.
  void ask_member(const std::string& node, std::string request,
                  std::function<void(Result<std::string>)> reply);
  /// Answers with a seq that holds everything acknowledged before this call. Errors: as ask_leader.
  void barrier(std::function<void(Result<uint64_t>)> then);
  /// How long ago somebody who leads was heard, this member included; -1: nobody leads.
  [[nodiscard]] int64_t leader_heard_ms() const;
  /// How long nobody who led was heard: also while nobody leads, from the start of this process on.
  [[nodiscard]] std::chrono::milliseconds leaderless() const;
  [[nodiscard]] std::map<std::string, MemberState> members() const;
  [[nodiscard]] std::string node_of(consensus::MemberId id) const;
  /// Says goodbye: this process is about to stop.
  void say_stopping();

  /// What members who are let in are given, and what this one says of its authorities.
  struct ClusterKey {
    std::string key, reply_secret;  ///< 32 bytes each.
    std::string ca, also;           ///< As in Hello.
  };
  void set_cluster_key(ClusterKey key);

private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace muster
