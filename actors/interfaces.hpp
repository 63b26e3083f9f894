// Every actor's interface: the map of who may be told what.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/decision.hpp"

// Messages never leave the process: what they carry is passed by pointer.
namespace caf {
template <class T>
struct allowed_unsafe_message_type<std::shared_ptr<T>> : std::true_type {};
}  // namespace caf

namespace muster::actors {

/// Of every actor system of this program. `threads`: of the scheduler; detached actors have one each.
struct ActorConfig : caf::actor_system_config {
  explicit ActorConfig(size_t threads) {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", threads);
    set("logger.console-verbosity", caf::atom("quiet"));
  }
};

namespace detail {
template <class Handle, class State>
struct SelfOf {
  static_assert(!std::is_aggregate_v<State>,
                "declare State() = default: CAF 0.17 under C++20 would build an aggregate from self");
  using Type = typename Handle::template stateful_pointer<State>;
};
}  // namespace detail

/// `self` of the actor that implements Handle and owns State.
template <class Handle, class State>
using Self = typename detail::SelfOf<Handle, State>::Type;

using flush_atom = caf::atom_constant<caf::atom("flush")>;
using tick_atom = caf::atom_constant<caf::atom("tick")>;
using lead_atom = caf::atom_constant<caf::atom("lead")>;
using unlead_atom = caf::atom_constant<caf::atom("unlead")>;
using open_atom = caf::atom_constant<caf::atom("open")>;
using close_atom = caf::atom_constant<caf::atom("close")>;
using wanted_atom = caf::atom_constant<caf::atom("wanted")>;

/// Decides one domain's commands on its working state.
template <class D>
using Aggregate = caf::typed_actor<
  /// Commands; the answer of each is called once.
  caf::reacts_to<AsksPtr<D>>,
  /// Leadership began, or a decision of this domain was undone: start from this state.
  caf::reacts_to<lead_atom, LeadPtr>,
  /// Leadership ended: refuse until it begins again.
  caf::reacts_to<unlead_atom>,
  /// Time passes: sweep deadlines.
  caf::reacts_to<tick_atom>>;

class Keeper;
/// A frame that a member sent to this one's replica; the log takes its bytes.
struct Frame {
  uint64_t from = 0;  ///< The sender, as Raft knows it.
  std::string bytes;
};
using FramePtr = std::shared_ptr<Frame>;
/// Something to be done on the log's thread; quick.
using KeeperTaskPtr = std::shared_ptr<const std::function<void(Keeper&)>>;

/// Owns the Raft replica, the chain's end and every write to disk. Detached: it blocks on the disk.
using Log = caf::typed_actor<
  /// Commit these decisions.
  caf::reacts_to<AppendsPtr>,
  /// A member said something.
  caf::reacts_to<FramePtr>,
  /// Ask the keeper for a barrier, a change of members, a step down.
  caf::reacts_to<KeeperTaskPtr>,
  /// Everything that was in the mailbox before is gathered: write it.
  caf::reacts_to<flush_atom>,
  /// Raft's clock.
  caf::reacts_to<tick_atom>,
  /// Load and open.
  caf::reacts_to<open_atom>,
  /// Finish what is in flight and close.
  caf::replies_to<close_atom>::with<bool>>;

class Folding;
/// Something to be done with the folds, in order with what they are told.
using FoldingTaskPtr = std::shared_ptr<const std::function<void(Folding&)>>;

/// Folds committed lines into the world and publishes the views.
using Projector = caf::typed_actor<caf::reacts_to<CommittedPtr>,
                                   /// Show the world as of the last line that was folded.
                                   caf::reacts_to<std::shared_ptr<const ShowWorld>>,
                                   /// The log leads with this generation for all domains; they start once
                                   /// their states are as of now.
                                   caf::reacts_to<lead_atom, uint64_t>,
                                   /// One domain starts over; the world is filled in here.
                                   caf::reacts_to<lead_atom, uint64_t, std::shared_ptr<Lead>>,
                                   /// Begin again from a peer's checkpoint.
                                   caf::reacts_to<FoldingTaskPtr>,
                                   /// The log leads no more: domains stop deciding.
                                   caf::reacts_to<unlead_atom>>;

/// Stores checkpoints. Detached: it blocks on the disk.
using Checkpointer = caf::typed_actor<
  /// Store this world.
  caf::reacts_to<std::shared_ptr<const World>>>;

/// Tells neighbours of this node, and looks for them. Detached: it may wait for the network.
using Discoverer = caf::typed_actor<
  /// Look now: some time has passed, or something was heard.
  caf::reacts_to<tick_atom>>;

struct Look;
/// What a reconciler is to do.
using LookPtr = std::shared_ptr<const Look>;
struct Looked;
/// What came of it.
using LookedPtr = std::shared_ptr<Looked>;

/// Makes one component of a node's environment as the profile says. Detached: it blocks on its server.
using Reconciler = caf::typed_actor<
  /// Look, or prune, now.
  caf::replies_to<LookPtr>::with<LookedPtr>>;

struct Round;
/// A look at the components, one after the other.
using RoundPtr = std::shared_ptr<Round>;
/// Something to be done later.
using LaterPtr = std::shared_ptr<const std::function<void()>>;

/// Says which component of a node's environment looks when. It blocks on nobody.
using Rounds = caf::typed_actor<
  /// Begin this round.
  caf::reacts_to<RoundPtr>,
  /// The time for this has come.
  caf::reacts_to<LaterPtr>>;

/// Looks into the past: loads worlds as of a seq. Detached: it blocks on the disk.
using Historian = caf::typed_actor<
  /// Run this reading of the disk, apart from every other thread.
  caf::reacts_to<std::shared_ptr<const std::function<void()>>>>;

}  // namespace muster::actors
