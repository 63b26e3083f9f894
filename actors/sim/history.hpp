// What happened in a simulated cluster, seen from above, and what must never happen.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/command.hpp"
#include "consensus/replica.hpp"
#include "events/line.hpp"
#include "events/log/chain.hpp"

namespace muster::sim {

/// What must never happen, happened; or, when nothing is lost, what had to happen did not.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One operation of a client: however often it is tried, it is to be done once.
struct Op {
  enum class Kind : uint8_t { node, token, open, fulfil, lease, fact, give_back };
  uint64_t id = 0;
  Kind kind = Kind::node;
  std::string claim{};  ///< Of fulfil: the operation that opened the claim.
  std::string node{};   ///< Of lease: who wants it, or has it.
  uint64_t epoch = 0;   ///< Of give_back: the one that it believes to hold.
  uint64_t number = 0;  ///< Of fact: how its teller numbers it.
  unsigned tries = 0;
};

/// Throws Violation as soon as something is told that does not fit.
class History {
public:
  explicit History(const std::function<uint64_t()>& now_ms) : now_ms_(now_ms) {}

  /// A member has this line committed.
  void line(consensus::MemberId by, uint64_t seq, const log::Line& line, const Record& record);
  void head(consensus::MemberId by, uint64_t seq, const Digest& hash);
  /// A client gives the lease of this epoch back.
  void gives_back(const std::string& attempt, uint64_t epoch) { given_back_[attempt] = epoch; }
  void leads(consensus::MemberId by, uint64_t term);
  /// A node answered: `attempt` is the request's name.
  void told(const Op& op, const std::string& attempt, const Result<Receipt>& result);
  /// A read after a barrier showed line `got`. `least` is what to_be_seen() said when it was asked.
  void read(uint64_t least, uint64_t got);
  /// Once nothing moves any more.
  void close() const;

  /// What is told from now on is not heard: the simulated world ends.
  void end() { over_ = true; }

  /// For the last lines of a failing run, and the digest of every run.
  void note(std::string what);
  [[noreturn]] void fail(const std::string& what) const;

  [[nodiscard]] uint64_t seq() const { return lines_.size(); }
  [[nodiscard]] uint64_t acknowledged() const { return acknowledged_.size(); }
  /// The line that a read which is asked now has to show at least: whatever was acknowledged to anybody, and
  /// whatever any read has shown, also of what nobody was told yet.
  [[nodiscard]] uint64_t to_be_seen() const { return std::max(acknowledged_seq_, shown_seq_); }
  [[nodiscard]] bool has(uint64_t seq, std::string_view line) const {
    return seq <= lines_.size() && *lines_[seq - 1] == line;
  }
  [[nodiscard]] uint64_t leaders() const { return leaders_.size(); }
  [[nodiscard]] uint64_t reads() const { return reads_; }
  [[nodiscard]] std::string digest() const;
  /// What led to a violation: all that is about what it names, and what happened last.
  [[nodiscard]] std::vector<std::string> shortened(const std::string& violation) const;

private:
  void first_seen(uint64_t seq, const Record& record);
  void refused(const Op& op, const std::string& attempt, const Error& error);

  const std::function<uint64_t()>& now_ms_;
  std::vector<log::Line> lines_;
  std::vector<Digest> hashes_;
  std::map<uint64_t, consensus::MemberId> leaders_;    ///< Of every term: there is one.
  std::map<uint64_t, std::string> holders_;            ///< Of every epoch: there is one.
  std::map<std::string, std::vector<uint64_t>> done_;  ///< The lines of every operation.
  std::set<std::string> attempts_;                     ///< Those that became lines.
  std::map<std::string, uint64_t> fulfilled_;          ///< By the claim's operation.
  std::map<std::string, uint64_t> facts_;              ///< The last number of each who tells facts.
  std::map<std::string, uint64_t> acknowledged_;       ///< Operations, with their lines.
  std::set<std::string> not_done_;  ///< Attempts of which it was said that they never will be.
  bool over_ = false;
  uint64_t acknowledged_seq_ = 0, shown_seq_ = 0, epoch_ = 0, founded_ = 0, reads_ = 0;
  std::map<std::string, uint64_t> given_back_;  ///< The epoch that each attempt to give a lease back names.
  std::vector<std::string> notes_;
  uint64_t mixed_ = 1469598103934665603U;  ///< Of all notes.
};

}  // namespace muster::sim
