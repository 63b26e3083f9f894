// The keeper among actors: its clock, its deferred work, its way to the projector.
#include "actors/log.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <random>
#include <utility>

#include "actors/beside.hpp"
#include "actors/folding.hpp"
#include "actors/loud.hpp"
#include "actors/ticker.hpp"

namespace muster::actors {
namespace {

/// What the keeper's thread owns.
class Room : public Surroundings {
public:
  Room(Log::pointer self, LogDeps deps)
    : self_(self),
      deps_(std::move(deps)),
      keeper_(*deps_.disk, *this, deps_.flights, deps_.gauges, deps_.keeping) {}

  /// Lets the keeper do something, and then what it put off, until nothing is left.
  template <class Deed>
  void turn(Deed&& deed) {
    deed(keeper_);
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

  void tick() {
    turn([](Keeper& keeper) { keeper.tick(); });
    if (deps_.ticked) deps_.ticked();
    if (ticker_) ticker_->taken();
  }

  void start_ticking() {
    const auto tick = [to = self_->address()] {
      if (const auto log = caf::actor_cast<caf::strong_actor_ptr>(to))
        caf::anon_send(caf::actor_cast<Log>(log), tick_atom::value);
    };
    ticker_.emplace(std::chrono::milliseconds{deps_.keeping.timing.tick_ms}, tick);
  }
  void stop_ticking() { ticker_.reset(); }

  uint64_t now_ms() override {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
  }
  Time now() override { return deps_.now(); }
  int random(int from, int below) override {
    return std::uniform_int_distribution<>{from, below - 1}(random_);
  }
  void later(unsigned, std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  bool apart(std::function<void()> work, std::function<void()> done) override {
    beside_.run([log = Log{self_}, work = std::move(work), done = std::move(done)] {
      work();
      const auto task = [done](Keeper&) { done(); };
      caf::anon_send(log, KeeperTaskPtr{std::make_shared<const std::function<void(Keeper&)>>(task)});
    });
    return true;
  }
  void join() override { beside_.join(); }
  void send(consensus::MemberId to, std::string frame) override {
    if (deps_.send) deps_.send(to, std::move(frame));
  }
  bool may_lead() override { return !deps_.may_lead || deps_.may_lead(); }
  bool knows_rows(consensus::MemberId id) override { return deps_.knows_rows && deps_.knows_rows(id); }
  void publish(CommittedPtr committed) override { self_->send(deps_.projector, std::move(committed)); }
  void lead(uint64_t generation) override { self_->send(deps_.projector, lead_atom::value, generation); }
  void restart(size_t domain, std::shared_ptr<Lead> lead) override {
    self_->send(deps_.projector, lead_atom::value, static_cast<uint64_t>(domain), std::move(lead));
  }
  void unlead() override { self_->send(deps_.projector, unlead_atom::value); }
  void restart_from(uint64_t at) override {
    const auto restart = [at](Folding& folding) { folding.restart_from(at); };
    self_->send(deps_.projector,
                FoldingTaskPtr{std::make_shared<const std::function<void(Folding&)>>(restart)});
  }
  void broken(const Error& why) override { deps_.broken(why); }
  void flush_soon() override { self_->send(self_, flush_atom::value); }

private:
  Log::pointer self_;
  LogDeps deps_;
  std::deque<std::function<void()>> tasks_;
  std::mt19937 random_{std::random_device{}()};
  Beside beside_;
  std::optional<Ticker> ticker_;
  Keeper keeper_;  // Ends before the thread that works for it.
};

}  // namespace

Log::behavior_type log_actor(Log::pointer self, LogDeps deps) {
  end_loudly(self, "log");
  const auto room = std::make_shared<Room>(self, std::move(deps));
  return {
    [room](const AppendsPtr& appends) { room->turn([&](Keeper& keeper) { keeper.append(*appends); }); },
    [room](const FramePtr& frame) {
      room->turn([&](Keeper& keeper) { keeper.receive(frame->from, std::move(frame->bytes)); });
    },
    [room](const KeeperTaskPtr& task) { room->turn(*task); },
    [room](flush_atom) { room->turn([](Keeper& keeper) { keeper.flush(); }); },
    [room](tick_atom) { room->tick(); },
    [room](open_atom) {
      room->turn([](Keeper& keeper) { keeper.open(); });
      room->start_ticking();
    },
    [room](close_atom) {
      room->stop_ticking();
      room->turn([](Keeper& keeper) { keeper.close(); });
      return true;
    },
  };
}

}  // namespace muster::actors
