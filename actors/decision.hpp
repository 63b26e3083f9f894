// What passes between the domains, the log and the folds: commands, decisions, committed lines. No CAF here:
// the simulator runs the same code.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/command.hpp"
#include "actors/world.hpp"
#include "events/log/chain.hpp"

namespace muster::actors {

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
  std::atomic<bool> alone{true};           ///< Nobody else can lead: what is committed here is all there is.
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
  bool prove = false;  ///< Its answer tells of what is committed: it waits for proof that this member leads.
  std::shared_ptr<const void>
    ask;  ///< The Ask it came from, for deciding again; null for a refusal that waits.
  int tries = 1;
};
using AppendPtr = std::shared_ptr<Append>;
/// Decisions of one domain that were made together, in order.
using AppendsPtr = std::shared_ptr<const std::vector<AppendPtr>>;

/// Lines that were committed, in order.
struct Committed {
  /// They are all on the disk, and here only those that more is to be done about than to fold them, and the
  /// last one.
  bool far = false;
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

/// Takes the world as it is; quick.
using ShowWorld = std::function<void(std::shared_ptr<const World>)>;

}  // namespace muster::actors
