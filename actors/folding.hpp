// Folds what was committed and publishes it: the only writer of the views. No CAF here: the simulator runs
// the same code.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "actors/decision.hpp"

namespace muster::actors {

/// The published views: one atomic pointer that every reader loads.
class Published {
public:
  [[nodiscard]] std::shared_ptr<const ViewSet> load() const { return views_.load(); }
  void store(std::shared_ptr<const ViewSet> views) { views_.store(std::move(views)); }

private:
  std::atomic<std::shared_ptr<const ViewSet>> views_;
};

/// Hands a Lead to one domain, or, with nothing, tells it that leadership ended.
using ToDomain = std::function<void(const LeadPtr&)>;

struct FoldingDeps {
  log::Disk* disk = nullptr;  ///< Where lines are that were not handed over.
  World start;
  std::shared_ptr<Published> published;
  std::vector<ToDomain> domains;  ///< In the order of States; the first is the cluster's.
  std::string node;               ///< Domains other than the first start when this member's start is folded.
  std::function<void()> begun;    ///< All domains were told to begin: commands are decided from now on.
  std::function<void()> ended;    ///< All domains were told that leadership ended.
  std::function<void(std::shared_ptr<const World>)> checkpoint;  ///< Store this world.
  uint64_t checkpoint_every = 20'000;                            ///< Events between checkpoints, at least.
  std::function<void(const CommittedPtr&)> on_lines;  ///< After the views are published: tails, the bus.
};

/// Of one thread.
class Folding {
public:
  explicit Folding(FoldingDeps deps);

  void take(const CommittedPtr& committed);
  /// The log leads with this generation; the cluster's domain begins now, the others once this member's start
  /// is folded.
  void lead(uint64_t generation);
  /// One domain starts over; the world is filled in here.
  void restart(size_t domain, const std::shared_ptr<Lead>& lead);
  /// Goes on from the checkpoint as of `at`, which is on disk: lines between are not here.
  void restart_from(uint64_t at);
  /// The log leads no more. Comes the same way as lead(), so that no domain begins after it was told to stop.
  void unlead();
  [[nodiscard]] std::shared_ptr<const World> world() const { return std::make_shared<const World>(world_); }

private:
  void take_lines(const CommittedPtr& committed);
  void wait_behind(const log::Unreadable& failed);
  void catch_up(const log::ChainHead& head);
  bool begin_nearer(uint64_t to);
  void begin_from(World world);
  bool fold_from_disk(uint64_t to);
  void show();
  void begin_when_started(const Record& record);
  void make_checkpoint();
  void checkpoint_when_due(const Record& record);

  FoldingDeps deps_;
  World world_;
  bool behind_ = false;  // The disk could not be read: what comes next is read from it with what is missing.
  uint64_t waiting_generation_ = 0;  // Of the domains that wait for this member's start; 0: none wait.
  uint64_t bytes_since_checkpoint_ = 0, last_checkpoint_ = 0, last_checkpoint_bytes_ = 0;
};

}  // namespace muster::actors
