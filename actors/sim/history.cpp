// What must never happen.
#include "actors/sim/history.hpp"

#include <algorithm>
#include <sstream>

namespace muster::sim {
namespace {

constexpr size_t kLastNotes = 40;
constexpr size_t kMostNotes = 2'000'000;

/// "op12" of "op12.3": attempts are numbered.
std::string op_of(const std::string& attempt) {
  return attempt.substr(0, attempt.find('.'));
}

/// These may come of any command at any time, and say nothing of the state.
bool passing(const Error& error) {
  static const std::set<std::string> codes{"leader.lost", "leader.starting", "log.unwritable", "rate.limited",
                                           "conflict"};
  return codes.contains(error.code);
}

}  // namespace

void History::line(consensus::MemberId by, uint64_t seq, const log::Line& line, const Record& record) {
  if (seq == lines_.size() + 1) {
    if (record.seq != seq) fail("line " + std::to_string(seq) + " says it is " + std::to_string(record.seq));
    const auto before = hashes_.empty() ? kNoDigest : hashes_.back();
    std::string place;
    append_place(place, seq, before);
    if (!line->starts_with(place)) fail("line " + std::to_string(seq) + " does not continue the chain");
    lines_.push_back(line);
    hashes_.push_back(sha256(*line));
    return first_seen(seq, record);
  }
  if (seq > lines_.size()) fail("n" + std::to_string(by) + " skips to line " + std::to_string(seq));
  if (*lines_[seq - 1] != *line) fail("n" + std::to_string(by) + " has another line " + std::to_string(seq));
}

void History::head(consensus::MemberId by, uint64_t seq, const Digest& hash) {
  if (seq == 0) return;
  if (seq > hashes_.size() || hashes_[seq - 1] != hash)
    fail("n" + std::to_string(by) + " has another hash of line " + std::to_string(seq));
}

void History::first_seen(uint64_t seq, const Record& record) {
  const auto& attempt = record.envelope.request;
  note("line " + std::to_string(seq) + " " + record.type + " by " + record.envelope.node + " for " + attempt);
  if (record.envelope.epoch < epoch_) fail("the epoch goes back at line " + std::to_string(seq));
  epoch_ = record.envelope.epoch;
  if (const auto* granted = std::get_if<lease::Granted>(&record.event))
    if (const auto [it, is_new] = holders_.try_emplace(granted->epoch, granted->node); !is_new)
      fail("epoch " + std::to_string(granted->epoch) + " is granted twice, to " + it->second + " and to " +
           granted->node);
  if (const auto* lapsed = std::get_if<lease::Lapsed>(&record.event))
    if (const auto given = given_back_.find(attempt);
        given != given_back_.end() && given->second != lapsed->epoch)
      fail(attempt + " gave epoch " + std::to_string(given->second) + " back, and that ended epoch " +
           std::to_string(lapsed->epoch));
  if (std::holds_alternative<cluster::Created>(record.event) && ++founded_ > 1)
    fail("the cluster is founded twice");
  if (const auto* done = std::get_if<claims::Fulfilled>(&record.event))
    if (!fulfilled_.try_emplace(op_of(done->claim), seq).second)
      fail("claim " + done->claim + " is fulfilled twice");
  if (const auto* fact = std::get_if<services::Healthy>(&record.event)) {
    auto& last = facts_[fact->node];
    if (fact->local_seq != last + 1)
      fail("fact " + std::to_string(fact->local_seq) + " of " + fact->node + " follows fact " +
           std::to_string(last));
    last = fact->local_seq;
  }
  attempts_.insert(attempt);
  if (!attempt.starts_with("op")) return;  // A lease may change hands as often as it likes.
  auto& lines = done_[op_of(attempt)];
  lines.push_back(seq);
  if (lines.size() > 1)
    fail(op_of(attempt) + " is done twice, in lines " + std::to_string(lines[0]) + " and " +
         std::to_string(seq));
}

void History::leads(consensus::MemberId by, uint64_t term) {
  note("n" + std::to_string(by) + " leads in term " + std::to_string(term));
  const auto [it, is_new] = leaders_.try_emplace(term, by);
  if (it->second != by) fail("two leaders in term " + std::to_string(term));
}

void History::told(const Op& op, const std::string& attempt, const Result<Receipt>& result) {
  if (over_) return;
  note(attempt + " is told " + (result ? "of line " + std::to_string(result->seq) : result.error().code));
  if (!result) return refused(op, attempt, result.error());
  const auto name = op_of(attempt);
  if (op.kind == Op::Kind::lease) {
    const auto at = result->result.find("\"epoch\":");
    const auto epoch = at == std::string::npos ? 0 : std::stoull(result->result.substr(at + 8));
    const auto held = holders_.find(epoch);
    if (result->result.find("\"granted\":true") != std::string::npos &&
        (held == holders_.end() || held->second != op.node))
      fail(op.node + " was told that it holds epoch " + std::to_string(epoch) + ", which it does not");
    return;
  }
  if (op.kind == Op::Kind::give_back) return;
  const auto found = done_.find(name);
  if (found == done_.end()) fail(name + " was told that it is done, and it is not");
  // A fact that was told before is no event: its teller hears how far its facts are there.
  if (op.kind == Op::Kind::fact && found->second.front() < result->seq) {
    if (result->result.find("\"taken_to\":") == std::string::npos || facts_[op.node] < op.number)
      fail(name + " was told " + result->result + " of fact " + std::to_string(op.number));
  } else if (found->second.front() != result->seq)
    fail(name + " was told of line " + std::to_string(result->seq) + ", and is in line " +
         std::to_string(found->second.front()));
  acknowledged_[name] = found->second.front();
  acknowledged_seq_ = std::max(acknowledged_seq_, result->seq);
}

void History::refused(const Op& op, const std::string& attempt, const Error& error) {
  if (!error.outcome_unknown && attempts_.contains(attempt))
    fail(attempt + " was told " + error.code + " and that it is not done, and it is");
  if (!error.outcome_unknown) not_done_.insert(attempt);
  if (passing(error)) return;
  const auto name = op_of(attempt);
  if (done_.contains(name)) fail(name + " was told " + error.code + ", and it is done");
  // Nothing but a fulfilment that stands in the log closes a claim here: claims stay open for years.
  if (op.kind == Op::Kind::fulfil && error.code == "claim.invalid" && fulfilled_.contains(op.claim)) return;
  fail(name + " was told " + error.code + " (" + error.detail + ") for a reason that is not in the log");
}

void History::read(uint64_t least, uint64_t got) {
  reads_++;
  shown_seq_ = std::max(shown_seq_, got);
  if (got < least)
    fail("a consistent read saw line " + std::to_string(got) + ", and line " + std::to_string(least) +
         " was acknowledged, or shown by another one, before it was asked");
}

void History::close() const {
  for (const auto& attempt : not_done_)
    if (attempts_.contains(attempt)) fail(attempt + " was told that it is not done, and it is");
  for (const auto& [name, seq] : acknowledged_)
    if (const auto found = done_.find(name); found == done_.end() || found->second != std::vector{seq})
      fail("lost the acknowledged " + name);
}

void History::note(std::string what) {
  what = std::to_string(now_ms_()) + " ms: " + what;
  for (const auto c : what) mixed_ = (mixed_ ^ static_cast<uint8_t>(c)) * 1099511628211U;
  if (notes_.size() < kMostNotes) notes_.push_back(std::move(what));
}

std::vector<std::string> History::shortened(const std::string& violation) const {
  constexpr std::string_view kDigits = "0123456789";
  std::set<std::string> names;  // Of operations wherever they are told of, of nodes where they do something.
  std::istringstream words{violation};
  for (std::string word; words >> word;) {
    const auto name = word.substr(0, word.find_last_of(kDigits) + 1);
    if (name.size() > 2 && name.starts_with("op")) names.insert(name);
    if (name.size() > 1 && name[0] == 'n') names.insert("ms: " + name);
  }
  const auto is_named = [&](const std::string& note) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      const auto at = note.find(name);
      return at != std::string::npos && kDigits.find(note[at + name.size()]) == std::string_view::npos;
    });
  };
  std::vector<std::string> shown;
  for (size_t i = 0; i < notes_.size(); i++)
    if (i + kLastNotes >= notes_.size() || is_named(notes_[i])) shown.push_back(notes_[i]);
  return shown;
}

void History::fail(const std::string& what) const {
  throw Violation("at " + std::to_string(now_ms_()) + " ms: " + what);
}

std::string History::digest() const {
  return sha256_hex(to_hex(hashes_.empty() ? kNoDigest : hashes_.back()) + std::to_string(mixed_));
}

}  // namespace muster::sim
