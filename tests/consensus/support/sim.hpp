// A whole cluster in one thread under a seed: faults, members that come and go, and what must hold.
#pragma once

#include <set>
#include <stdexcept>

#include "toy.hpp"

namespace muster::consensus {

/// What must never happen, happened. The text says what and when.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What had to happen did not: nothing is lost, but nobody leads (rule 13).
struct Stalled : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Faults that no cluster survives: the simulator must find each.
struct Planted {
  bool votes_forgotten = false;  ///< A vote is gone after a crash.
  bool acks_forged = false;      ///< An entry counts as stored where it was only sent to: no majority has it.
};

struct SimOptions {
  uint64_t seed = 1;
  Rules rules{};
  Planted planted{};
  uint64_t faults_for_ms = 20'000;
  bool change_members = true, fail_disks = true;
  MemberId voters = 3;   ///< At first.
  size_t in_flight = 1;  ///< Entries that are proposed at once; more only without Rules::one_batch.
};

class Sim {
public:
  explicit Sim(SimOptions options);
  ~Sim();

  /// Faults for a while, then none; then everyone must agree and go on. Throws Violation or Stalled.
  void run();

  [[nodiscard]] uint64_t acknowledged() const { return acknowledged_.size(); }
  [[nodiscard]] uint64_t now_ms() const { return clock_.now(); }
  [[nodiscard]] const std::map<std::string, uint64_t>& counts() const { return counts_; }

private:
  struct Node;
  static constexpr MemberId kMembers = 5;

  void start(MemberId id);
  void crash(MemberId id);
  void deliver(MemberId from, MemberId to, std::string frame);
  void line(MemberId by, uint64_t seq, const Digest& hash, std::string_view body);
  void leads(MemberId id, uint64_t term);

  void keep_proposing();
  void fault();
  void plot();
  void plot_election();
  void plot_slow_disk(Node& old);
  void part(const std::vector<std::set<MemberId>>& sides);
  void release();
  [[nodiscard]] uint64_t delay_of(MemberId to, const std::string& frame);
  void after_delivery(MemberId to, const std::string& frame);
  void forge(MemberId from, MemberId to, const std::string& frame);
  void compact(Node& node);
  void change_member(Node& leader);
  [[nodiscard]] Node* leader();
  [[nodiscard]] bool agreed();
  void expect_acknowledged();

  void step_for(uint64_t ms);
  template <class Reached>
  void await(const char* what, Reached reached);
  bool hits(double chance);
  int random(int from, int below);
  [[nodiscard]] std::string when(const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const { throw Violation(when(what)); }

  SimOptions options_;
  std::mt19937_64 chance_;
  Clock clock_;
  bool faults_ = false;
  std::map<MemberId, std::unique_ptr<Node>> nodes_;
  std::set<std::pair<MemberId, MemberId>> blocked_;
  uint64_t votes_held_until_ = 0;  ///< All that is about votes arrives together then,
  uint64_t ambush_until_ = 0;      ///< and who gives its vote until then crashes at once.
  uint64_t silent_until_ = 0;      ///< No leader is heard.
  std::map<MemberId, uint64_t> voted_at_;
  std::map<uint64_t, Digest> history_;               ///< The hash of every line: the same on every member.
  std::map<std::string, uint64_t, std::less<>> at_;  ///< The line of every body: there is one.
  std::map<uint64_t, MemberId> leaders_;             ///< Of every term: there is one.
  std::set<std::string> acknowledged_;
  uint64_t proposed_ = 0;
  std::map<std::string, uint64_t> counts_;
};

}  // namespace muster::consensus
