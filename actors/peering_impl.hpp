// The inside of a Peering. Included only by peering*.cpp.
#pragma once

#include <shared_mutex>

#include "actors/asks.hpp"
#include "actors/peering.hpp"

namespace muster {

using SteadyClock = std::chrono::steady_clock;

struct Peering::Impl {
  explicit Impl(PeeringOptions o);

  /// Runs `what` with the system and the network while they are there.
  template <class What>
  void with_system(What&& what) {
    const std::shared_lock lock{running};
    if (system) what(*system, *peers);
  }

  // What is heard: peering_hear.cpp.
  void hear_hello(const std::string& from, const std::string& body);
  void hear_beats(System& at, const std::string& body);
  void answer(System& at, const std::string& from, std::string request,
              std::function<void(std::string)> reply);
  void answer_barrier(System& at, std::function<void(std::string)> reply);
  static constexpr char kJoin = 'J';
  void answer_join(System& at, const std::string& body, std::function<void(std::string)> reply);

  // What is done from time to time: peering_tick.cpp.
  void say_hello(System& at, consensus::Peers& network, bool stopping);
  void say_beats(System& at, consensus::Peers& network);
  void record_starts(System& at);
  void keep_roles(System& at, const consensus::Peers& network);
  void show_roster(System& at, consensus::Peers& network);
  [[nodiscard]] std::string leader_node(System& at) const;

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
  struct Heard {
    Hello hello;
    SteadyClock::time_point at;
    int64_t ahead_ms = 0;  ///< Its wall clock before ours.
  };
  std::map<std::string, Heard> heard;
  ClusterKey cluster_key;

  // Of the thread that ticks.
  SteadyClock::time_point next_hello{}, next_beats{}, next_roles{};
  Time beats_told{};
  std::map<std::string, std::string>
    recorded;  ///< The boot of each member whose start is on its way into the log.
  uint64_t leader_changes = 0;
  std::string asked_leader;
};

}  // namespace muster
