// Members on a quiet network.
#include "cluster.hpp"

#include <algorithm>
#include <stdexcept>

#include "consensus/raft_store.hpp"

namespace muster::consensus {
namespace {

std::string address_of(MemberId id) {
  return "n" + std::to_string(id);
}

}  // namespace

void Cluster::Node::later(unsigned ms, std::function<void()> task) {
  cluster.clock.later(ms, [this, at = boot, task = std::move(task)] {
    if (at == boot) task();
  });
}

void Cluster::Node::send(MemberId to, std::string frame) {
  if (cluster.on_send && !cluster.on_send(id, to, frame)) return;
  if (cluster.cut_off.contains(id) || cluster.cut_off.contains(to)) return;
  cluster.clock.later(2, [&all = cluster.nodes, from = id, to, frame = std::move(frame)] {
    if (const auto it = all.find(to); it != all.end() && it->second->replica)
      it->second->replica->receive(from, frame);
  });
}

void Cluster::Node::broken(const Error& why) {
  throw std::runtime_error(address_of(id) + ": " + why.detail);
}

void Cluster::Node::boot_up() {
  chain.reload();
  replica = std::make_unique<Replica>(id, address_of(id), disk, chain, *this, *this, cluster.options_.timing,
                                      cluster.options_.rules);
  if (auto opened = replica->open(); !opened) broken(opened.error());
  beat();
}

void Cluster::Node::beat() {
  later(50, [this] {
    replica->tick();
    beat();
  });
}

std::pair<uint64_t, uint64_t> Cluster::Node::log_end() const {
  const auto stored = load_stored(disk);
  if (!stored) throw std::runtime_error(stored.error().detail);
  if (!stored->entries.empty())
    return {stored->entries.back().term, stored->first_index + stored->entries.size() - 1};
  return stored->snapshot ? std::pair{stored->snapshot->term, stored->snapshot->index} : std::pair{0ul, 0ul};
}

Cluster::Cluster(MemberId voters, ClusterOptions options) : chance(options.seed), options_(options) {
  Members members;
  for (MemberId id = 1; id <= voters; id++) members.push_back({id, address_of(id), Role::voter});
  for (const auto& member : members) start(member.id, members);
  await([this] { return leader() != nullptr; });
}

Cluster::~Cluster() = default;

void Cluster::start(MemberId id, const Members& first) {
  nodes[id] = std::make_unique<Node>(*this, id);
  if (!first.empty())
    if (auto written = Replica::bootstrap(nodes[id]->disk, first); !written)
      throw std::runtime_error(written.error().detail);
  nodes[id]->boot_up();
}

void Cluster::crash(MemberId id) {
  auto& node = *nodes.at(id);
  if (!node.replica) return;
  node.boot++;
  node.replica.reset();
  node.disk.lose_power(chance() % (node.disk.unsynced() + 1));
}

void Cluster::restart(MemberId id) {
  if (!nodes.at(id)->replica) nodes.at(id)->boot_up();
}

Cluster::Node* Cluster::leader() {
  for (auto& [id, node] : nodes)
    if (node->replica && node->replica->leading() && !cut_off.contains(id)) return node.get();
  return nullptr;
}

std::optional<Role> Cluster::role_of(MemberId id) {
  if (const auto* leading = leader())
    for (const auto& member : leading->replica->members())
      if (member.id == id) return member.role;
  return std::nullopt;
}

void Cluster::commit(int count) {
  for (int i = 0; i < count; i++) {
    uint64_t index = 0;
    await([&] { return leader() && leader()->replica->propose(std::to_string(++proposed), index); });
    await([&] { return leader() && leader()->chain.head().index >= index; });
  }
}

void Cluster::run_for(uint64_t ms) {
  for (const auto end = clock.now() + ms; clock.step(end);) {
  }
}

bool Cluster::same_everywhere() const {
  std::set<std::pair<uint64_t, Digest>> heads;
  for (const auto& [id, node] : nodes) heads.emplace(node->chain.head().seq, node->chain.head().hash);
  return heads.size() == 1;
}

bool Cluster::electable() const {
  return std::any_of(nodes.begin(), nodes.end(), [this](const auto& candidate) {
    if (!candidate.second->replica || cut_off.contains(candidate.first)) return false;
    const auto end = candidate.second->log_end();
    bool own = false;
    size_t voters = 0, votes = 0;
    for (const auto& member : candidate.second->replica->members()) {
      if (member.role != Role::voter) continue;
      voters++;
      own |= member.id == candidate.first;
      const auto it = nodes.find(member.id);
      votes += it != nodes.end() && it->second->replica && !cut_off.contains(member.id) &&
               it->second->log_end() <= end;
    }
    return own && votes > voters / 2;
  });
}

void Cluster::never_came() {
  throw std::runtime_error("what was waited for did not come");
}

}  // namespace muster::consensus
