// Deciding one domain's commands on its working state. No CAF here: the simulator runs the same code.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "actors/decision.hpp"
#include "actors/kept_replies.hpp"
#include "actors/planted.hpp"

namespace muster::actors {

/// Whether an answer without events waits for proof that this member still leads. Telemetry needs none, nor
/// does what nobody asked for.
enum class Proof { needed, not_needed };

/// What an aggregate depends on; all of it outlives the actor.
struct AggregateDeps {
  std::function<void(AppendsPtr)> append;  ///< Takes decisions into the log, in order.
  size_t domain = 0;                       ///< Its index, as the log and the projector know it.
  std::shared_ptr<Flight> flight;
  Now now;
  KeptReplies* kept = nullptr;
  std::shared_ptr<const std::atomic<bool>> writable;  ///< False while the disk fails.
  Planted planted{};
  Proof unchanged = Proof::needed;  ///< Of all that this domain answers without events.
};

/// The working state: committed state plus this domain's events in flight.
template <class D>
class Deciding {
public:
  explicit Deciding(AggregateDeps deps) : deps_(std::move(deps)) {}

  [[nodiscard]] bool leading() const { return leading_; }
  [[nodiscard]] const typename D::State& state() const { return working_; }
  [[nodiscard]] Time now() const { return deps_.now(); }

  void lead(const Lead& begin) {
    working_ = std::get<typename D::State>(begin.world->states);
    generation_ = begin.generation;
    submitted_ = deps_.flight->committed;
    leading_ = true;
    for (const auto& append : begin.undone) decide_again(*append);
    submit();
  }

  void unlead() {
    leading_ = false;
    working_ = {};
  }

  /// Hands the log what was decided since the last call, as one message. At the end of every turn.
  void submit() {
    if (!decided_.empty())
      deps_.append(std::make_shared<const std::vector<AppendPtr>>(std::exchange(decided_, {})));
  }

  /// Decides `ask`; true when the domain did not refuse it.
  bool ask(const AskPtr<D>& ask, Proof proof = Proof::needed) {
    if (!leading_) {
      ask->answer(why_not_leading());
      return false;
    }
    KeptReplies::Begun begun{false, {}, ask->answer};
    const bool keyed = !ask->origin.key.empty();
    if (keyed) begun = deps_.kept->begin(ask->origin, ask->answer, deps_.now());
    if (begun.answered) return false;
    auto append = blank(std::move(begun.answer));
    append->ask = ask;
    append->origin = ask->origin;
    if (keyed && !deps_.planted.lost_keys) append->kept = std::move(begun.record);
    return decide_and_send(std::move(append), ask->command, ask->expects, proof);
  }

private:
  [[nodiscard]] Error why_not_leading() const {
    if (deps_.writable && !*deps_.writable)
      return {"log.unwritable", "the disk does not take writes; reads are served", {}};
    return {"leader.starting", "the leader is starting", {}};
  }

  void decide_again(const Append& undone) {
    const auto asked = std::static_pointer_cast<const Ask<D>>(undone.ask);
    auto append = blank(undone.answer);
    append->ask = undone.ask;
    append->origin = undone.origin;
    append->kept = undone.kept;
    append->tries = undone.tries;
    if (append->tries > kMaxTries)
      return append->answer(Error{"conflict", "what the decision was based on kept changing", {}});
    if (!asked->refresh) return void(decide_and_send(std::move(append), asked->command, asked->expects));
    auto fresh = asked->refresh();
    decide_and_send(std::move(append), fresh.command, std::move(fresh.expects));
  }

  bool decide_and_send(AppendPtr append, const typename D::Command& command, std::vector<Expectation> expects,
                       Proof proof = Proof::needed) {
    auto decision = decide(working_, command, deps_.now());
    if (!decision) {
      refuse(append->answer, decision.error());
      return false;
    }
    const bool prove = proof == Proof::needed && deps_.unchanged == Proof::needed && !deps_.flight->alone;
    if (decision->events.empty() && !append->kept && in_flight() == 0 && !prove) {
      append->answer(Receipt{deps_.flight->committed_seq, std::move(decision->result)});
      return true;
    }
    append->records.reserve(decision->events.size());
    for (auto& event : decision->events) add(*append, std::move(event));
    if (append->bytes > kMaxAppendBytes) {
      refuse(append->answer,
             Error{"body.too.large",
                   "what would be recorded is larger than " + std::to_string(kMaxAppendBytes) + " bytes",
                   {}});
      return false;
    }
    for (const auto& record : append->records) fold_state(working_, record);
    append->expects = std::move(expects);
    if (append->kept && !append->kept->one_time) append->kept->result = decision->result;
    append->result = std::move(decision->result);
    append->prove = prove;
    send(std::move(append));
    return true;
  }

  static void add(Append& append, typename D::Event event) {
    auto& record = append.records.emplace_back();
    std::visit([&](auto& e) { record.event = std::move(e); }, event);
    record.type = type_of(record.event);
    record.stream = stream_of(record.event);
    append.streams.push_back(record.stream);
    auto& body = append.bodies.emplace_back();
    body.reserve(kUsualBody);
    append_event(body, record.event, record.stream);
    append.bytes += append.bodies.back().size() + append.streams.back().size() + 512;  // With the envelope.
  }

  /// A refusal waits, too, until what it was decided against is committed; among others also until it is sure
  /// that this member still leads: one that was deposed and does not know it would refuse by what was.
  void refuse(const Answer& answer, const Error& error) {
    const bool alone = deps_.flight->alone;
    if ((in_flight() == 0 && alone) || deps_.planted.early_refusals) return answer(error);
    auto append = blank(Answer{[answer, error](Result<Receipt> outcome) {
      answer(outcome ? Result<Receipt>{error} : std::move(outcome));
    }});
    append->prove = !alone;
    send(std::move(append));
  }

  [[nodiscard]] uint64_t in_flight() const { return submitted_ - deps_.flight->committed; }

  [[nodiscard]] AppendPtr blank(Answer answer) const {
    auto append = std::make_shared<Append>();
    append->domain = deps_.domain;
    append->generation = generation_;
    append->answer = std::move(answer);
    return append;
  }

  void send(AppendPtr append) {
    submitted_++;
    decided_.push_back(std::move(append));
    if (decided_.size() >= kSubmitAtOnce) submit();  // The log works on them while the others are decided.
  }

  static constexpr int kMaxTries = 5;
  static constexpr size_t kSubmitAtOnce = 16;
  static constexpr size_t kUsualBody = 500;
  static constexpr size_t kMaxAppendBytes = 900 << 10;  // Fits into one entry (consensus::kMaxBody).
  AggregateDeps deps_;
  typename D::State working_;
  uint64_t generation_ = 0, submitted_ = 0;
  bool leading_ = false;
  std::vector<AppendPtr> decided_;  // In this turn.
};

}  // namespace muster::actors
