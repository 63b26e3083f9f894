// What a node loses when its power fails: memory, wired as the product wires its actors.
#pragma once

#include "actors/sim/node.hpp"

namespace muster::sim {

using Domains = std::tuple<ClusterDomain, NodesDomain, LeaseDomain, ClaimsDomain, TokensDomain, SecretsDomain,
                           PlansDomain, BootstrapDomain, ServicesDomain, RunsDomain, SourcesDomain>;
constexpr size_t kDomains = std::tuple_size_v<Domains>;

template <class All>
struct DecidingAll;
template <class... D>
struct DecidingAll<std::tuple<D...>> {
  using Type = std::tuple<std::unique_ptr<actors::Deciding<D>>...>;
};

/// The lines of messages between actors: each is in order, and none knows of another.
constexpr size_t kToFolds = 0, kToKeeper = 1, kToDisk = 2, kFromDomain = 3,
                 kToDomain = kFromDomain + kDomains, kLines = kToDomain + kDomains;

struct Node::Process {
  KeptReplies kept;  // First: answers that are still owed at the end go through it.
  std::vector<std::shared_ptr<actors::Flight>> flights;
  std::shared_ptr<actors::LogGauges> gauges = std::make_shared<actors::LogGauges>();
  std::shared_ptr<actors::Published> published = std::make_shared<actors::Published>();
  DecidingAll<Domains>::Type domains;
  std::unique_ptr<actors::Folding> folding;
  std::unique_ptr<actors::Keeper> keeper;
  std::array<std::deque<std::function<void()>>, kLines> lines;
  std::array<uint64_t, kLines> due{};  ///< When the last of each line arrives.
  bool started = false;

  Process(Node& node, World start);

private:
  void make_domains(Node& node);
  void make_folding(Node& node, World start);
};

/// The place of a domain among all.
template <class D, size_t I = 0>
constexpr size_t index_of() {
  if constexpr (std::is_same_v<std::tuple_element_t<I, Domains>, D>)
    return I;
  else
    return index_of<D, I + 1>();
}

template <class D>
void Node::ask(actors::AskPtr<D> ask) {
  if (!process_) return;  // Dropped: the answer says that its outcome is unknown.
  tell(kToDomain + index_of<D>(), [this, ask = std::move(ask)] {
    auto& deciding = *std::get<index_of<D>()>(process_->domains);
    if constexpr (std::is_same_v<D, LeaseDomain>)
      if (auto lapse = std::get_if<lease::Lapse>(&ask->command); lapse && ground_.broken.epochs_ignored) {
        auto ignorant = std::make_shared<actors::Ask<D>>(*ask);
        ignorant->command = lease::Lapse{deciding.state().lease.epoch};
        deciding.ask(ignorant);
        return deciding.submit();
      }
    deciding.ask(ask);
    deciding.submit();
  });
}

}  // namespace muster::sim
