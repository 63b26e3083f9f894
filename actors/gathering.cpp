// Gathering decisions.
#include "actors/gathering.hpp"

#include "events/line.hpp"

namespace muster::actors {

uint64_t epoch_after(uint64_t before, const AnyEvent& event) {
  if (const auto* granted = std::get_if<lease::Granted>(&event)) return std::max(before, granted->epoch);
  if (const auto* restored = std::get_if<cluster::Restored>(&event)) return std::max(before, restored->epoch);
  if (const auto* recovered = std::get_if<cluster::Recovered>(&event))
    return std::max(before, recovered->epoch);
  return before;
}

Gathering::Gathering(std::vector<std::shared_ptr<Flight>> flights, const log::ChainReader& chain,
                     GatherLimits limits)
  : flights_(std::move(flights)), chain_(chain), limits_(limits), lines_(flights_.size()) {}

void Gathering::alone(bool is_it) {
  for (const auto& flight : flights_) flight->alone = is_it;
}

uint64_t Gathering::begin() {
  leading_ = true;
  generation_++;
  for (auto& line : lines_) line = Line{generation_, 0, false, {}};
  streams_in_flight_.clear();
  return generation_;
}

void Gathering::lose_entry(const Error& why, const Entry& entry) {
  for (const auto& append : entry.appends) append->answer(why);
  for (const auto& answer : entry.barriers) answer(why);
}

void Gathering::lose(const Error& why) {
  leading_ = false;
  auto not_done = why;
  not_done.outcome_unknown = false;
  for (const auto& append : waiting_) append->answer(not_done);
  waiting_.clear();
  for (const auto& answer : std::exchange(barriers_, {})) answer(not_done);
  for (auto& line : lines_) {
    for (const auto& append : line.undone) append->answer(not_done);
    line.undone.clear();
  }
}

void Gathering::take_barrier(Answer answer) {
  if (!leading_) return answer(Error{"leader.starting", "this member does not lead", {}});
  if (barriers_.size() >= limits_.barriers)
    return answer(Error{
      "rate.limited", std::to_string(limits_.barriers) + " consistent reads wait for the next entry", {}});
  barriers_.push_back(std::move(answer));
}

Status Gathering::take(const AppendPtr& append) {
  try {
    take_readable(append);
  } catch (const log::Unreadable& failed) {
    append->answer(failed.error());
    return failed.error();
  }
  return Done{};
}

void Gathering::take_readable(const AppendPtr& append) {
  auto& line = lines_[append->domain];
  const bool stale = append->generation != line.generation && !limits_.planted.stale_decisions;
  if (!leading_ || stale) {
    if (leading_ && line.undoing && append->ask) return line.undone.push_back(append);
    return append->answer(Error{"leader.lost", "leadership changed before the decision was written", {}});
  }
  for (const auto& expected : append->expects)
    if (version(expected.stream) != expected.version) return undo(append);
  for (const auto& stream : append->streams) streams_in_flight_[stream]++;
  line.outstanding++;
  waiting_.push_back(append);
}

/// A decision read what has changed since: it, and what its domain decided after it, is decided again.
void Gathering::undo(const AppendPtr& append) {
  auto& line = lines_[append->domain];
  line.undoing = true;
  line.generation = ++generation_;
  append->tries++;
  line.undone.push_back(append);
}

std::vector<Gathering::Restart> Gathering::restarts() {
  std::vector<Restart> all;
  for (size_t i = 0; i < lines_.size(); i++) {
    auto& line = lines_[i];
    if (!line.undoing || line.outstanding != 0) continue;
    line.undoing = false;
    auto lead = std::make_shared<Lead>();
    lead->generation = line.generation;
    lead->undone = std::exchange(line.undone, {});
    all.push_back({i, std::move(lead)});
  }
  return all;
}

/// A stream with events in flight has a version that nobody can have read yet.
uint64_t Gathering::version(const std::string& stream) const {
  return streams_in_flight_.contains(stream) ? UINT64_MAX : chain_.version(stream);
}

void Gathering::landed(const std::string& stream) {
  const auto found = streams_in_flight_.find(stream);
  if (found != streams_in_flight_.end() && --found->second == 0) streams_in_flight_.erase(found);
}

bool Entry::see(uint64_t place, std::string_view text) {
  if (index != place) return false;
  fate = body == text ? Fate::landed : Fate::overtaken;
  return fate == Fate::landed;
}

void Entry::pass(uint64_t place) {
  if (fate == Fate::open && index <= place) fate = Fate::overtaken;
}

Entry Gathering::next(Time time, const std::string& node, uint64_t& epoch) {
  Entry entry;
  bool prove = false;
  entry.time = time;
  entry.records.reserve(waiting_.size());
  entry.appends.reserve(waiting_.size());
  while (!waiting_.empty() && entry.appends.size() < limits_.entry_commands &&
         (writer_.empty() || writer_.size() + waiting_.front()->bytes < limits_.entry_bytes)) {
    add(waiting_.front(), node, epoch, entry);
    prove = prove || waiting_.front()->prove;
    entry.appends.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  entry.events = entry.records.size();
  entry.barriers = std::exchange(barriers_, {});
  // By name: two leaders' barriers at one place would be the same entry, and the one would take the other for
  // its own.
  if (!entry.barriers.empty() || (prove && writer_.empty())) writer_.frame(log::Frame::barrier, node);
  if (!writer_.empty()) entry.body = writer_.take();
  return entry;
}

/// Adds one decision's events and its kept reply to the entry that is being made.
void Gathering::add(const AppendPtr& append, const std::string& node, uint64_t& epoch, Entry& entry) {
  for (size_t i = 0; i < append->records.size(); i++) {
    auto& record = append->records[i];
    epoch = epoch_after(epoch, record.event);
    const auto& origin = append->origin;
    record.envelope = {entry.time, epoch, node, origin.actor, origin.request, origin.cause};
    if (i > 0)
      record.envelope.cause = -static_cast<int64_t>(i);  // The decision's first event led to the others.
    suffix_.clear();
    append_envelope(suffix_, record.envelope);
    suffix_ += append->bodies[i];
    writer_.event(append->streams[i], suffix_);
    entry.records.push_back(std::move(record));
  }
  if (append->kept) writer_.frame(log::Frame::kept, log::encode(*append->kept));
}

void Gathering::settle(const Entry& entry, uint64_t head) {
  auto at = head - entry.events;
  for (const auto& append : entry.appends) {
    at += append->streams.size();
    lines_[append->domain].outstanding--;
    auto& flight = *flights_[append->domain];
    flight.committed_seq = at;
    flight.committed++;
    for (const auto& stream : append->streams) landed(stream);
    append->answer(Receipt{at, std::move(append->result)});
  }
  for (const auto& answer : entry.barriers) answer(Receipt{head, {}});
}

}  // namespace muster::actors
