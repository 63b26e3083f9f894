// Every actor's interface: the map of who may be told what.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/command.hpp"
#include "actors/world.hpp"
#include "events/log/chain.hpp"

// Messages never leave the process: what they carry is passed by pointer.
namespace caf {
template <class T>
struct allowed_unsafe_message_type<std::shared_ptr<T>> : std::true_type {};
}  // namespace caf

namespace muster::actors {

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

/// A command, and the versions of the other streams that it was made from.
template <class D>
struct Reading {
  typename D::Command command;
  std::vector<Expectation> expects;
};

/// A command for domain D.
template <class D>
struct Ask {
  typename D::Command command;
  Origin origin;
  Answer answer;
  std::vector<Expectation> expects;
  /// Makes the command anew from what is published now; called when an expectation did not hold. Any thread.
  std::function<Reading<D>()> refresh;
};
template <class D>
using AskPtr = std::shared_ptr<const Ask<D>>;
/// Commands that came together, in order.
template <class D>
using AsksPtr = std::shared_ptr<const std::vector<AskPtr<D>>>;

/// How far one domain's appends have come; shared between its actor and the log's.
struct Flight {
  std::atomic<uint64_t> committed{0};      ///< Appends that were committed.
  std::atomic<uint64_t> committed_seq{0};  ///< The head when the last of them was.
};

/// A decision on its way into the log.
struct Append {
  size_t domain = 0;            ///< Index in the log actor's list of domains.
  uint64_t generation = 0;      ///< Of the working state it was decided on.
  std::vector<Record> records;  ///< Its events, without seq, prev and envelope; they move on into the entry.
  std::vector<std::string> streams, bodies;  ///< Of each event: its stream, and its part of the line.
  size_t bytes = 0;                          ///< All of them, about.
  Origin origin;
  std::vector<Expectation> expects;
  std::optional<log::KeptReply> kept;
  std::string result;
  Answer answer;
  std::shared_ptr<const void>
    ask;  ///< The Ask it came from, for deciding again; null for a refusal that waits.
  int tries = 1;
};
using AppendPtr = std::shared_ptr<Append>;
/// Decisions of one domain that were made together, in order.
using AppendsPtr = std::shared_ptr<const std::vector<AppendPtr>>;

/// Lines that were committed, in order.
struct Committed {
  std::vector<Record> records;
  std::vector<log::Line> lines;
  log::ChainHead head;
};
using CommittedPtr = std::shared_ptr<const Committed>;

/// A domain may decide, from this committed state on.
struct Lead {
  uint64_t generation = 0;
  std::shared_ptr<const World> world;
  std::vector<AppendPtr> undone;  ///< Decisions that were undone, in order: decide them again.
};
using LeadPtr = std::shared_ptr<const Lead>;

using flush_atom = caf::atom_constant<caf::atom("flush")>;
using tick_atom = caf::atom_constant<caf::atom("tick")>;
using lead_atom = caf::atom_constant<caf::atom("lead")>;
using unlead_atom = caf::atom_constant<caf::atom("unlead")>;
using stepdown_atom = caf::atom_constant<caf::atom("stepdown")>;
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

/// Owns the Raft replica, the chain's end and every write to disk. Detached: it blocks on the disk.
using Log = caf::typed_actor<
  /// Commit these decisions.
  caf::reacts_to<AppendsPtr>,
  /// Everything that was in the mailbox before is gathered: write it.
  caf::reacts_to<flush_atom>,
  /// Raft's clock.
  caf::reacts_to<tick_atom>,
  /// Load and open.
  caf::reacts_to<open_atom>,
  /// Give up leadership, for tests of what callers are told.
  caf::reacts_to<stepdown_atom>,
  /// Finish what is in flight and close.
  caf::replies_to<close_atom>::with<bool>>;

/// Takes the world as it is; quick.
using ShowWorld = std::function<void(std::shared_ptr<const World>)>;

/// Folds committed lines into the world and publishes the views.
using Projector = caf::typed_actor<caf::reacts_to<CommittedPtr>,
                                   /// Show the world as of the last line that was folded.
                                   caf::reacts_to<std::shared_ptr<const ShowWorld>>,
                                   /// The log leads with this generation for all domains; they start once
                                   /// their states are as of now.
                                   caf::reacts_to<lead_atom, uint64_t>,
                                   /// One domain starts over; the world is filled in here.
                                   caf::reacts_to<lead_atom, uint64_t, std::shared_ptr<Lead>>>;

/// Stores checkpoints. Detached: it blocks on the disk.
using Checkpointer = caf::typed_actor<
  /// Store this world.
  caf::reacts_to<std::shared_ptr<const World>>>;

/// Looks into the past: loads worlds as of a seq. Detached: it blocks on the disk.
using Historian = caf::typed_actor<
  /// Run this reading of the disk, apart from every other thread.
  caf::reacts_to<std::shared_ptr<const std::function<void()>>>>;

}  // namespace muster::actors
