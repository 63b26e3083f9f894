// Whole systems that reach each other through peerings, in one process; each has a wall clock of its own.
#pragma once

#include <future>
#include <thread>

#include <catch2/catch.hpp>

#include "actors/cosigner.hpp"
#include "actors/joining.hpp"
#include "actors/secret_sharing.hpp"
#include "consensus/peer_loopback.hpp"
#include "events/log/memory_disk.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/test_keys.hpp"

namespace muster {

using namespace std::chrono_literals;

inline std::string key_of(const std::string& name) {
  return sha256_hex(name);
}

inline RosterEntry entry_of(const std::string& name) {
  return {name, member_id(name, key_of(name)), name + ":1", "http://" + name, key_of(name)};
}

/// One member of a cluster that n1 founds.
class Member {
public:
  Member(consensus::PeerHub& hub, const std::string& name, const std::vector<RosterEntry>& all,
         const consensus::MembershipPolicy& policy, const std::function<void(Member&)>& also)
    : name_(name) {
    const auto self = entry_of(name);
    PeeringOptions talk;
    talk.self.node = name;
    talk.self.boot = name + "-boot";
    talk.self.feature_level = kFeatureLevel;
    talk.self.id = self.id;
    talk.self.address = self.address;
    talk.self.url = self.url;
    talk.self.key = self.key;
    talk.self.public_key = to_hex(keys.sign_public);
    talk.roster = all;
    talk.policy = policy;
    talk.now = [this] { return now(); };
    peering = std::make_unique<Peering>(std::move(talk));
    consensus::PeerEvents events;
    events.received = [this](const std::string& from, consensus::Envelope envelope) {
      peering->received(from, std::move(envelope));
    };
    sharing = std::make_unique<SecretSharing>(*peering);
    cosigner = std::make_unique<Cosigner>(*peering);
    events.stranger = [this](const consensus::Stranger& who, consensus::Envelope envelope, auto answer) {
      peering->stranger(who, std::move(envelope), std::move(answer));
    };
    network = std::make_unique<consensus::PeerLoopback>(hub, consensus::Peer{name, self.address, self.key},
                                                        std::move(events));
    SystemOptions options;
    options.node = name;
    options.version = "0";
    options.self = self.id;
    options.address = name;
    options.member_address = self.address;
    options.url = self.url;
    options.key = self.key;
    options.boot = name + "-boot";
    options.takes_lease = true;
    options.found = name == "n1";
    options.timing.election_ms = 500;
    options.now = [this] { return now(); };
    options.send = [this](consensus::MemberId to, std::string frame) { peering->send(to, std::move(frame)); };
    options.ticked = [this] { tick(); };
    options.may_lead = [this] { return peering->may_lead(); };
    options.on_lines = [this](const auto& records, const auto&) {
      peering->folded();
      sharing->on_records(records);
      cosigner->on_records(records);
    };
    auto made = System::make(disk, keys, std::move(options));
    REQUIRE(made);
    system = std::move(*made);
    sharing->attach(*system);
    cosigner->attach(*system);
    if (also) also(*this);
    peering->attach(*system, *network, {});
    system->open();
  }
  ~Member() {
    peering->stop();
    system->stop(100ms);
  }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void tick() {
    peering->tick();
    sharing->tick();
    if (cosigns) cosigner->tick();
    if (also_ticks) also_ticks();
  }

  [[nodiscard]] Time now() const { return system_now() + Millis{ahead_ms.load()}; }
  [[nodiscard]] bool leads() const { return system->ready() && system->gauges().leading; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] uint64_t id() const { return entry_of(name_).id; }

  /// What the member `node` answers to this one.
  std::optional<std::string> answer_of(const std::string& node, char matter,
                                       const std::string& request) const {
    auto told = std::make_shared<std::promise<Result<std::string>>>();
    peering->ask(node, matter, request,
                 [told](Result<std::string> said) { told->set_value(std::move(said)); });
    const auto said = told->get_future().get();
    return said ? std::optional{*said} : std::nullopt;
  }

  std::atomic<int64_t> ahead_ms{0};
  std::atomic<bool> cosigns{true};
  std::function<void()> also_ticks;  ///< Before it is opened, or never.
  log::MemoryDisk disk;
  Keys keys = test_keys();
  std::unique_ptr<Peering> peering;
  std::unique_ptr<consensus::PeerLoopback> network;
  std::unique_ptr<SecretSharing> sharing;
  std::unique_ptr<Cosigner> cosigner;
  std::unique_ptr<System> system;

private:
  const std::string name_;
};

/// n1, n2 and so on, which find each other as joiners do: n1 lets them in.
class Members {
public:
  /// `also` is done to each before it is attached to the network.
  explicit Members(int count, const consensus::MembershipPolicy& policy = {},
                   const std::function<void(Member&)>& also = {}) {
    std::vector<RosterEntry> all;
    for (int i = 1; i <= count; i++) all.push_back(entry_of("n" + std::to_string(i)));
    for (const auto& one : all) members.push_back(std::make_unique<Member>(hub, one.node, all, policy, also));
    carrier = std::thread{[this] {
      while (!ending) {
        hub.run();
        std::this_thread::yield();
      }
    }};
    REQUIRE(eventually([&] { return members[0]->leads(); }));
    for (size_t i = 1; i < members.size(); i++) join(entry_of(members[i]->name()));
  }
  ~Members() {
    for (auto& member : members) member->peering->stop();
    ending = true;
    carrier.join();
    members.clear();
  }

  void join(const RosterEntry& who) {
    cluster::Join join;
    join.member = {who.node, who.id, who.address, who.url, who.key, ""};
    join.holds_key = true;
    ask(cluster::Command{std::move(join)});
  }
  /// Of whoever leads by then; until it is done.
  void ask(const cluster::Command& command) {
    REQUIRE(eventually([&] {
      auto* asked = leader();
      if (!asked) return false;
      auto told = std::make_shared<std::promise<bool>>();
      asked->system->ask(cluster::Command{command}, {}, Answer{[told](const Result<Receipt>& outcome) {
                           told->set_value(outcome || outcome.error().code == "member.unknown");
                         }});
      return told->get_future().get();
    }));
  }

  [[nodiscard]] size_t voters() const {
    size_t voters = 0;
    if (const auto all = members[0]->system->members())
      for (const auto& one : *all) voters += one.role == consensus::Role::voter ? 1 : 0;
    return voters;
  }
  [[nodiscard]] Member* leader() const {
    for (const auto& member : members)
      if (member->leads()) return member.get();
    return nullptr;
  }

  consensus::PeerHub hub;
  std::atomic<bool> ending{false};
  std::thread carrier;
  std::vector<std::unique_ptr<Member>> members;
};

}  // namespace muster
