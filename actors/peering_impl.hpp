// The inside of a Peering. Included only by peering*.cpp.
#pragma once

#include <atomic>
#include <shared_mutex>

#include "actors/asks.hpp"
#include "actors/clocks.hpp"
#include "actors/joining.hpp"
#include "actors/peering.hpp"

namespace muster {

using SteadyClock = std::chrono::steady_clock;

struct Peering::Impl {
  /// A hello that is older says nothing any more.
  static constexpr std::chrono::milliseconds kFresh{3000};

  explicit Impl(PeeringOptions o);

  /// Runs `what` with the system and the network while they are there.
  template <class What>
  void with_system(What&& what) {
    const std::shared_lock lock{running};
    if (system) what(*system, *peers);
  }

  // What is heard: peering_hear.cpp.
  void hear_hello(System& at, consensus::Peers& network, const std::string& from, const std::string& body);
  void hear_beats(System& at, const std::string& body);
  void answer(System& at, const std::string& from, std::string request,
              std::function<void(std::string)> reply);
  void answer_barrier(System& at, std::function<void(std::string)> reply);
  static constexpr char kJoin = 'J';
  void answer_join(System& at, const std::string& body, std::function<void(std::string)> reply);
  void answer_whether_member(System& at, const JoinRequest& who, std::function<void(std::string)> reply);
  // What a member has to be told that has no log: peering_spare.cpp.
  static constexpr char kRoster = 'R';
  void answer_roster(std::function<void(std::string)> reply);
  void ask_roster(const std::string& leader);
  void take_roster(const std::string& text);
  struct Heard;
  /// Who says that it leads; nothing: nobody does. `mutex` is held.
  [[nodiscard]] const Heard* told_leader() const;
  [[nodiscard]] bool without_log() const;  ///< `mutex` is held.
  [[nodiscard]] std::vector<std::string> members_without_log(System& at) const;
  void look_for_log(System& at);

  // What is done from time to time: peering_tick.cpp.
  void say_hello(System& at, consensus::Peers& network, bool stopping);
  void say_beats(System& at, consensus::Peers& network);
  void record_starts(System& at);
  void keep_roles(System& at, const consensus::Peers& network);
  void compare_clocks(System& at);
  void hand_on_for_clock(System& at);
  void show_roster(System& at, consensus::Peers& network);
  /// Fills in `names`; the others, for the network. `mutex` is held.
  std::vector<consensus::Peer> name_members();
  [[nodiscard]] std::string leader_node(System& at) const;
  [[nodiscard]] int64_t leader_heard_ms(System& at, const consensus::Peers& network) const;

  PeeringOptions options;
  const SteadyClock::time_point started = SteadyClock::now();
  /// Held while the system is used, so that stop() waits for whoever uses it. Before `mutex`, when both are.
  std::shared_mutex running;
  System* system = nullptr;
  consensus::Peers* peers = nullptr;
  OnRequest on_request;
  std::map<char, OnAsk> on_ask;  ///< Does not change once it is attached.
  Asks asks;

  mutable std::mutex mutex;  ///< Guards what follows.
  std::map<std::string, RosterEntry> roster;
  std::map<consensus::MemberId, std::string> names;
  std::map<std::string, std::string> moved;  ///< Where members are that the log has elsewhere (yet).
  struct Heard {
    Hello hello;
    SteadyClock::time_point at;
    HeardClock clock;
  };
  std::map<std::string, Heard> heard;
  ClusterKey cluster_key;
  ClockState clock;

  // Of the thread that ticks.
  SteadyClock::time_point next_hello{}, next_beats{}, next_roles{}, next_handing_on{}, next_roster{};
  Time beats_told{};
  std::map<std::string, std::string>
    recorded;  ///< The boot of each member whose start is on its way into the log.
  uint64_t leader_changes = 0;
  std::string asked_leader;
  std::atomic<bool> has_no_log{false};                  ///< As of the last tick.
  std::atomic<SteadyClock::time_point> led{started};    ///< When somebody who led was last heard.
  std::optional<SteadyClock::time_point> listed_since;  ///< As a member without a log.
};

}  // namespace muster
