// The cluster, its network and its faults.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "actors/sim/client.hpp"
#include "actors/sim/run.hpp"

namespace muster::sim {

class Simulation {
public:
  explicit Simulation(const Options& options);
  void run();
  void report(Outcome& outcome) const;
  /// Nobody hears an answer after this.
  void end() {
    history_.end();
    town_.open = false;
    nodes_.clear();  // What they owe is answered while there is somebody to answer.
    clock_.clear();
  }
  [[nodiscard]] std::vector<std::string> notes(const std::string& about) const {
    return history_.shortened(about);
  }

private:
  using MemberId = consensus::MemberId;

  // The network: network.cpp.
  void deliver(MemberId from, MemberId to, std::string frame);
  [[nodiscard]] unsigned delay_of(MemberId from, MemberId to, const std::string& frame);
  void after_delivery(MemberId to, const std::string& frame);
  void forge(MemberId from, MemberId to, const std::string& frame);
  void cut(MemberId from, MemberId to);
  void part(const std::vector<std::set<MemberId>>& sides);
  void heal();

  // Faults: faults.cpp.
  void fault();
  void hurt(Node& node);
  void crash(Node& node);
  void fail_disk(Node& node);
  void cut_something();
  void change_leader();
  void change_member(Node& leader);
  void replace_machine(Node& node);
  void start_some();
  void plot();
  void plot_election(Node& old);
  void plot_slow_disk(Node& old);
  void plot_starved(Node& old);

  Node* leader();
  Node& of(MemberId id) { return *nodes_[id - 1]; }
  Node& any() { return *nodes_[size_t(chance_.random(0, int(nodes_.size())))]; }
  [[nodiscard]] MemberId any_id() { return MemberId(chance_.random(1, int(nodes_.size()) + 1)); }

  // What must hold: run.cpp.
  bool agreed();
  void end_faults();
  void compare();
  void compare_log(const Node& node);
  [[nodiscard]] std::string who_has_what();
  void step_for(uint64_t ms);
  template <class Reached>
  void await(const char* what, Reached reached);

  const Options options_;
  Clock clock_;
  Chance chance_;
  const std::function<uint64_t()> now_ = [this] { return clock_.now(); };
  History history_{now_};
  Ground ground_;
  std::set<std::pair<MemberId, MemberId>> cut_;
  uint64_t votes_held_until_ = 0;  ///< All that is about votes arrives together then,
  uint64_t ambush_until_ = 0;      ///< and `swing_`, which is asked first, crashes until then once it voted.
  MemberId swing_ = 0;
  uint64_t silent_until_ = 0;  ///< No leader is heard.
  uint64_t voted_at_ = 0;
  uint64_t faults_ = 0;
  std::string state_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Town town_{ground_, nodes_, {}};
};

}  // namespace muster::sim
