// What clients do.
#include "actors/sim/client.hpp"

#include <utility>

#include "actors/sim/process.hpp"

namespace muster::sim {
namespace {

constexpr Time kFar{std::chrono::seconds{4'000'000'000}};
constexpr int kAnswerMs = 2000;

std::string hash_of(const std::string& claim) {
  return sha256_hex("the token of " + claim);
}

template <class D>
void put(Node& node, typename D::Command command, Origin origin, Answer answer) {
  auto asked = std::make_shared<actors::Ask<D>>();
  asked->command = std::move(command);
  asked->origin = std::move(origin);
  asked->answer = std::move(answer);
  node.ask<D>(std::move(asked));
}

nodes::Registered record_of(const std::string& name) {
  nodes::Registered record;
  record.node = name;
  record.host = name + ".example";
  return record;
}

services::Event fact_of(uint64_t number) {
  services::Healthy fact;
  fact.name = "web";
  fact.run = "run-1";
  fact.local_seq = number;
  return fact;
}

}  // namespace

void Client::later(int from, int below, void (Client::*what)()) {
  town_.ground.clock.later(town_.ground.chance.ms(from, below), [this, what, turn = turn_] {
    if (turn == turn_) (this->*what)();
  });
}

void Client::next() {
  turn_++;
  if (!town_.open) return;
  auto& chance = town_.ground.chance;
  if (chance.hits(0.2)) return read();
  op_ = Op{++town_.ops, static_cast<Op::Kind>(chance.random(0, 6))};
  if (op_.kind == Op::Kind::lease && held_ != 0 && chance.hits(0.5)) op_.kind = Op::Kind::give_back;
  op_.epoch = held_;
  if (op_.kind == Op::Kind::fulfil && town_.opened.empty()) op_.kind = Op::Kind::open;
  // The newest: whoever else wants it as well is likely to come at the same time.
  if (op_.kind == Op::Kind::fulfil)
    op_.claim = town_.opened[town_.opened.size() - 1 - size_t(chance.random(0, 2)) % town_.opened.size()];
  if (op_.kind == Op::Kind::fact) op_.number = ++told_;
  op_.node = name_;
  attempt();
}

Node& Client::guess() {
  auto& chance = town_.ground.chance;
  const auto& known = *town_.nodes[favourite_];
  if (const auto follows = known.follows(); follows != 0 && chance.hits(0.9))
    favourite_ = follows - 1;
  else if (!known.leads() || chance.hits(0.05))
    favourite_ = size_t(chance.random(0, int(town_.nodes.size())));
  return *town_.nodes[favourite_];
}

void Client::attempt() {
  turn_++;
  const bool leases = op_.kind == Op::Kind::lease || op_.kind == Op::Kind::give_back;
  const auto attempt = (leases ? "lease" : "op") + std::to_string(op_.id) + "." + std::to_string(++op_.tries);
  auto& ground = town_.ground;
  later(kAnswerMs, 2 * kAnswerMs, &Client::attempt);
  if (ground.faults && ground.chance.hits(0.03)) return;
  auto& node = guess();
  Answer answer{[this, attempt, &node, op = op_, turn = turn_](const Result<Receipt>& result) {
    // Kept replies are read from the disk, also while it refuses writes.
    if (result && result->seq > town_.ground.history.seq()) node.show_written();
    town_.ground.history.told(op, attempt, result);
    if (town_.ground.faults && town_.ground.chance.hits(0.03)) return;
    town_.ground.clock.later(town_.ground.chance.ms(0, 4),
                             [this, op, turn, result] { answered(op, turn, result); });
  }};
  ground.clock.later(ground.chance.ms(0, 4),
                     [this, &node, attempt, op = op_, answer] { send(op, node, attempt, answer); });
}

void Client::send(const Op& op, Node& node, const std::string& attempt, Answer answer) {
  Origin origin;
  origin.actor = name_;
  origin.request = attempt;
  const auto name = "op" + std::to_string(op.id);
  if (op.kind < Op::Kind::lease) origin.key = origin.fingerprint = name;
  switch (op.kind) {
    case Op::Kind::node:
      return put<NodesDomain>(node, nodes::Register{record_of(name)}, std::move(origin), std::move(answer));
    case Op::Kind::token:
      return put<TokensDomain>(node, tokens::Create{attempt, name, sha256_hex(attempt), {"read"}, {}},
                               std::move(origin), std::move(answer));
    case Op::Kind::open:
      return put<ClaimsDomain>(node, claims::Open{attempt, hash_of(name), kFar}, std::move(origin),
                               std::move(answer));
    case Op::Kind::fulfil:
      return put<ClaimsDomain>(node, claims::Fulfill{"", hash_of(op.claim), name_, {}}, std::move(origin),
                               std::move(answer));
    case Op::Kind::lease:
      return put<LeaseDomain>(node, lease::Claim{name_, "http://" + name_, town_.ground.chance.hits(0.5)},
                              std::move(origin), std::move(answer));
    case Op::Kind::fact:
      return put<ServicesDomain>(node, services::Report{name_, "the store of " + name_, {fact_of(op.number)}},
                                 std::move(origin), std::move(answer));
    case Op::Kind::give_back:
      town_.ground.history.gives_back(attempt, op.epoch);
      return put<LeaseDomain>(node, lease::Lapse{op.epoch}, std::move(origin), std::move(answer));
  }
}

void Client::answered(const Op& op, uint64_t turn, const Result<Receipt>& result) {
  if (result && op.kind == Op::Kind::open) town_.opened.push_back("op" + std::to_string(op.id));
  if (result && op.kind == Op::Kind::lease && result->result.find("\"granted\":true") != std::string::npos)
    held_ = std::stoull(result->result.substr(result->result.find("\"epoch\":") + 8));
  if (turn != turn_) return;
  turn_++;
  const auto passing = !result && (result.error().outcome_unknown || result.error().code.starts_with("le") ||
                                   result.error().code == "log.unwritable");
  if (passing)
    later(20, 300, &Client::attempt);
  else
    later(0, 30, &Client::next);
}

/// Everything that was acknowledged to anybody by now is to be seen, and everything that any read has shown.
void Client::read() {
  turn_++;
  later(kAnswerMs, 2 * kAnswerMs, &Client::next);
  const auto wanted = town_.ground.history.to_be_seen();
  Answer answer{[this, wanted, turn = turn_](const Result<Receipt>& result) {
    if (result) town_.ground.history.read(wanted, result->seq);
    town_.ground.clock.later(1, [this, turn] {
      if (turn == turn_) next();
    });
  }};
  town_.ground.clock.later(town_.ground.chance.ms(0, 4), [&node = guess(), answer] { node.read(answer); });
}

}  // namespace muster::sim
