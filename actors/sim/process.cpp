// Wiring one node, as actors/system.cpp does it among actors.
#include "actors/sim/process.hpp"

#include <utility>

namespace muster::sim {
namespace {

// Small, so that a minute sees snapshots, checkpoints and members that need them.
constexpr consensus::Timing kTiming{.snapshot_every = 60, .trailing = 15};
constexpr uint64_t kCheckpointEvery = 100;
constexpr Millis kKeepReplies = std::chrono::hours{24 * 365 * 20};  // Clocks jump, keys must not end.

}  // namespace

Node::Process::Process(Node& node, World start) : kept(node.disk, "the secret of all members", kKeepReplies) {
  for (size_t i = 0; i < kDomains; i++) {
    flights.push_back(std::make_shared<actors::Flight>());
    flights.back()->committed_seq = start.set.seq;
  }
  published->store(std::make_shared<const ViewSet>(start.set));
  actors::KeeperOptions keeping;
  keeping.node = node.name();
  keeping.self = node.id_;
  keeping.address = node.name();
  keeping.found = false;
  keeping.start_epoch = start.set.epoch;
  keeping.start_time = start.set.time;
  keeping.limits.planted = node.ground_.planted;
  keeping.limits.apart = 1;
  keeping.timing = kTiming;
  keeping.rules = node.ground_.rules;
  make_domains(node);
  make_folding(node, std::move(start));
  keeper = std::make_unique<actors::Keeper>(node.disk, static_cast<actors::Surroundings&>(node), flights,
                                            gauges, std::move(keeping));
}

void Node::Process::make_domains(Node& node) {
  [&]<size_t... I>(std::index_sequence<I...>) {
    ((std::get<I>(domains) = std::make_unique<actors::Deciding<std::tuple_element_t<I, Domains>>>(
        actors::AggregateDeps{[&node](actors::AppendsPtr appends) {
                                node.tell(kFromDomain + I,
                                          [&node, appends] { node.process_->keeper->append(*appends); });
                              },
                              I,
                              flights[I],
                              [&node] { return node.now(); },
                              &kept,
                              {gauges, &gauges->writable},
                              node.ground_.planted})),
     ...);
  }
  (std::make_index_sequence<kDomains>{});
}

void Node::Process::make_folding(Node& node, World start) {
  actors::FoldingDeps deps;
  deps.disk = &node.disk;
  deps.start = std::move(start);
  deps.published = published;
  [&]<size_t... I>(std::index_sequence<I...>) {
    (deps.domains.push_back([&node](const actors::LeadPtr& lead) {
      node.tell(kToDomain + I, [&node, lead] {
        auto& deciding = *std::get<I>(node.process_->domains);
        if (lead)
          deciding.lead(*lead);
        else
          deciding.unlead();
        if (I == 0 && lead && lead->undone.empty()) node.start_member();
      });
    }),
     ...);
  }
  (std::make_index_sequence<kDomains>{});
  deps.node = node.name();
  deps.begun = [this] { started = true; };
  deps.ended = [this] { started = false; };
  deps.checkpoint = [&node](std::shared_ptr<const World> world) { node.checkpoint(std::move(world)); };
  deps.checkpoint_every = kCheckpointEvery;
  deps.on_lines = [&node](const actors::CommittedPtr& committed) {
    for (const auto& record : committed->records)
      if (const auto* dropped = std::get_if<cluster::Compacted>(&record.event)) node.drop_lines(dropped->to);
  };
  folding = std::make_unique<actors::Folding>(std::move(deps));
}

}  // namespace muster::sim
