// A member of the simulator.
#pragma once

#include "sim.hpp"

namespace muster::consensus {

constexpr Timing kSimTiming{.snapshot_every = 40, .trailing = 10};

inline std::string address_of(MemberId id) {
  return "n" + std::to_string(id);
}

/// A machine that runs, or whose power is off: then only its disk is there.
struct Sim::Node : Outside, Watcher {
  Node(Sim& sim_, MemberId id_) : sim(sim_), id(id_) {}

  uint64_t now_ms() override { return sim.clock_.now(); }
  int random(int from, int below) override { return sim.random(from, below); }
  unsigned disk_ms() override {
    if (slow_until > now_ms()) return static_cast<unsigned>(sim.random(50, 1500));
    return sim.faults_ && sim.hits(0.01) ? 400 : static_cast<unsigned>(sim.random(1, 5));
  }
  void send(MemberId to, std::string frame) override { sim.deliver(id, to, std::move(frame)); }
  void later(unsigned ms, std::function<void()> task) override {
    sim.clock_.later(ms, [this, at = boot, task = std::move(task)] {
      if (at == boot) task();
    });
  }
  void leading(uint64_t term) override {
    sim.leads(id, term);
    if (chain->kept() != chain->stored())
      sim.fail(address_of(id) + " leads, and of " + std::to_string(chain->stored()) + " replies it has " +
               std::to_string(chain->kept()));
  }
  void following(uint64_t, MemberId) override { in_flight.clear(); }
  void broken(const Error& why) override {
    if (why.code != "log.unwritable") sim.fail(address_of(id) + ": " + why.detail);
    sim.counts_["failed disks"]++;
    in_flight.clear();
    mend_later();
  }
  void mend_later() {
    later(static_cast<unsigned>(sim.random(100, 1000)), [this] {
      disk.fail_writes(false);
      disk.lose_power(static_cast<size_t>(sim.random(0, int(disk.unsynced()) + 1)));
      if (!replica->reopen()) mend_later();
    });
  }
  void boot_up() {
    chain = std::make_unique<ToyChain>(disk);
    chain->on_line = [this](auto seq, auto& hash, auto body) { sim.line(id, seq, hash, body); };
    chain->tell_last();
    chain->on_applied = [this](uint64_t index) {
      for (; !in_flight.empty() && index >= in_flight.begin()->first; in_flight.erase(in_flight.begin()))
        sim.acknowledged_.insert(in_flight.begin()->second);
    };
    replica = std::make_unique<Replica>(id, address_of(id), disk, *chain, *this, *this, kSimTiming,
                                        sim.options_.rules);
    const auto opened = replica->open();  // A disk that fails just now is told of by broken().
    if (!opened && opened.error().code != "log.unwritable") sim.fail(opened.error().detail);
    beat();
  }
  void beat() {
    later(static_cast<unsigned>(sim.random(40, 60)), [this] {
      replica->tick();
      beat();
    });
  }
  void propose(std::string body) {
    uint64_t index = 0;
    if (in_flight.size() < sim.options_.in_flight && replica->propose(body, index))
      in_flight[index] = std::move(body);
  }

  Sim& sim;
  const MemberId id;
  FailingDisk disk;
  std::unique_ptr<ToyChain> chain;
  std::unique_ptr<Replica> replica;
  uint64_t boot = 0, slow_until = 0;
  std::map<uint64_t, std::string> in_flight;  ///< By index.
};

}  // namespace muster::consensus
