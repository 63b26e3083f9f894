// A deterministic world for actors: nothing runs and no time passes unless the test says so.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>

#include "actors/aggregate.hpp"
#include "events/log/memory_disk.hpp"

namespace muster::actors {

class ActorWorld {
public:
  struct Config : caf::actor_system_config {
    Config() {
      set("scheduler.policy", caf::atom("testing"));
      set("logger.console-verbosity", caf::atom("quiet"));
    }
  };

  /// Delivers every queued message; fires no timer.
  void settle() {
    while (sched.try_run_once()) {
    }
  }

  /// Moves the clock in steps no longer than a sweep, delivering what falls due.
  void advance(caf::timespan by) {
    const caf::timespan step = std::chrono::milliseconds{100};
    for (caf::timespan done{0}; done < by; done += step) {
      sched.clock().advance_time(std::min(step, by - done));
      settle();
    }
  }

  /// Wall time as the actors under test see it.
  [[nodiscard]] Time now() const {
    return Time{std::chrono::floor<Millis>(sched.clock().current_time.time_since_epoch())};
  }

  Config config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& sched =
    dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
};

struct FakeLogState {
  FakeLogState() = default;
  uint64_t seq = 0;
};

/// A fake of the log's actor: commits every decision at once, and remembers what was decided.
inline Log::behavior_type fake_log(Self<Log, FakeLogState> self, std::shared_ptr<Flight> flight,
                                   std::shared_ptr<std::vector<AnyEvent>> committed) {
  return {
    [self, flight, committed](const AppendsPtr& appends) {
      for (const auto& append : *appends) {
        for (const auto& record : append->records) committed->push_back(record.event);
        self->state.seq += append->records.size();
        flight->committed_seq = self->state.seq;
        flight->committed++;
        append->answer(Receipt{self->state.seq, append->result});
      }
    },
    [](const FramePtr&) {},
    [](const KeeperTaskPtr&) {},
    [](flush_atom) {},
    [](tick_atom) {},
    [](open_atom) {},
    [](close_atom) { return true; },
  };
}

/// One domain's actor above the fake log.
template <class D>
class DomainWorld : public ActorWorld {
public:
  ~DomainWorld() {
    caf::anon_send_exit(domain, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(log, caf::exit_reason::user_shutdown);
    settle();
  }

  AggregateDeps deps() {
    return {[to = log](AppendsPtr appends) { caf::anon_send(to, std::move(appends)); },
            0,
            flight,
            [this] { return now(); },
            &kept,
            nullptr};
  }

  /// Leadership begins with this committed state.
  void lead(typename D::State state = {}) {
    auto begin = std::make_shared<Lead>();
    World world;
    std::get<typename D::State>(world.states) = std::move(state);
    begin->generation = 1;
    begin->world = std::make_shared<const World>(std::move(world));
    caf::anon_send(domain, lead_atom::value, LeadPtr{begin});
    settle();
  }

  Result<Receipt> ask(typename D::Command command) {
    std::optional<Result<Receipt>> outcome;
    auto asked = std::make_shared<Ask<D>>();
    asked->command = std::move(command);
    asked->answer = Answer{[&](Result<Receipt> result) { outcome = std::move(result); }};
    caf::anon_send(domain, std::make_shared<const std::vector<AskPtr<D>>>(1, std::move(asked)));
    settle();
    REQUIRE(outcome);
    return *outcome;
  }

  log::MemoryDisk disk;
  KeptReplies kept{disk, "secret", Millis{60'000}};
  std::shared_ptr<Flight> flight = std::make_shared<Flight>();
  std::shared_ptr<std::vector<AnyEvent>> committed = std::make_shared<std::vector<AnyEvent>>();
  Log log = system.spawn(fake_log, flight, committed);
  Aggregate<D> domain;
};

}  // namespace muster::actors
