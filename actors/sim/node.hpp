// One simulated node: the shipped keeper, folds and domains over a disk, a clock and a network that are not
// real.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <tuple>

#include "actors/deciding.hpp"
#include "actors/folding.hpp"
#include "actors/keeper.hpp"
#include "actors/sim/clock.hpp"
#include "actors/sim/disk.hpp"
#include "actors/sim/history.hpp"
#include "actors/sim/run.hpp"

namespace muster::sim {

/// What all nodes of one simulation share.
struct Ground {
  Clock& clock;
  Chance& chance;
  History& history;
  actors::Planted planted;
  consensus::Rules rules;
  Broken broken;
  bool faults = false;
  std::function<void(consensus::MemberId from, consensus::MemberId to, std::string frame)> send;
};

/// A machine: its disk is there also when nothing runs on it.
class Node : actors::Surroundings {
public:
  Node(Ground& ground, consensus::MemberId id);
  ~Node() override;

  void boot();
  void crash();
  [[nodiscard]] bool runs() const { return process_ != nullptr; }
  [[nodiscard]] bool leads() const;  ///< And takes commands.
  [[nodiscard]] uint64_t term() const;
  [[nodiscard]] uint64_t seq() const;  ///< Of what is published.
  [[nodiscard]] consensus::Members members() const;
  [[nodiscard]] std::shared_ptr<const World> world() const;
  [[nodiscard]] consensus::MemberId id() const { return id_; }
  /// Whom it follows, as it knows; 0: nobody.
  [[nodiscard]] consensus::MemberId follows() const;
  [[nodiscard]] std::string name() const { return "n" + std::to_string(id_); }

  void receive(consensus::MemberId from, std::string frame);
  template <class D>
  void ask(actors::AskPtr<D> ask);
  void read(Answer answer);
  /// Tells the history of lines on disk that nobody was told of.
  void show_written();
  /// On the keeper, when it runs.
  Status change(const std::function<Status(consensus::Replica&)>& what);
  void step_down();
  /// As the leader: drops lines up to the newest checkpoint, or to an earlier one.
  void compact(bool newest);

  void jump_clock(Millis by) { ahead_ += by; }
  /// What its domains decide reaches its log so much later.
  void starve(unsigned ms);
  /// No write succeeds for so long.
  void fill_disk(unsigned ms);
  void mend();
  Disk disk;
  uint64_t slow_until = 0;  ///< Of its disk.

private:
  struct Process;

  uint64_t now_ms() override { return ground_.clock.now(); }
  Time now() override;
  int random(int from, int below) override { return ground_.chance.random(from, below); }
  void later(unsigned ms, std::function<void()> task) override;
  unsigned disk_ms() override;
  bool apart(std::function<void()> work, std::function<void()> done) override;
  void join() override;
  void send(consensus::MemberId to, std::string frame) override;
  void publish(actors::CommittedPtr committed) override;
  void see_lines(uint64_t to);
  void lead(uint64_t generation) override;
  void restart(size_t domain, std::shared_ptr<actors::Lead> lead) override;
  void unlead() override;
  void broken(const Error& why) override;
  void restart_from(uint64_t at) override;
  bool knows_rows(consensus::MemberId id) override { return (id_ + id) % 3 != 0; }  // Builds differ.
  void flush_soon() override;

  void tell(size_t line, std::function<void()> task);
  unsigned tell_ms();
  void beat();
  void sweep();
  void mend_later();
  void start_member();
  void checkpoint(std::shared_ptr<const World> world);
  void drop_lines(uint64_t to);
  [[nodiscard]] std::optional<World> recover_unchecked(uint64_t seq, const Digest& head) const;
  [[nodiscard]] World recover();

  Ground& ground_;
  const consensus::MemberId id_;
  uint64_t boot_ = 0, given_ = 0;  // Starts and crashes; the last line that its folds were given.
  Millis ahead_{0};                // Of the wall clock.
  uint64_t full_until_ = 0;
  bool dying_ = false, mending_ = false;
  std::function<void()> under_way_;  ///< What the thread beside the keeper's does.
  std::unique_ptr<Process> process_;
};

}  // namespace muster::sim
