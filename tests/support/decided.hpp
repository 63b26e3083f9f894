// Given events, when a command is decided, then these events or that error.
#pragma once

#include <string>
#include <vector>

#include "domain/decision.hpp"
#include "tests/support/given.hpp"

namespace muster::given {

/// A domain driven through its own decisions: what a test gives and what it looks at.
template <class State, class Command, class Event>
class Domain {
public:
  using Decide = Result<Decision<Event>> (*)(const State&, const Command&, Time);

  explicit Domain(Decide decide) : decide_(decide) {}

  State state;
  Time now = kStart;
  std::string result;              ///< Of the last command that was not refused.
  std::vector<FieldError> faults;  ///< Of the last refusal.
  std::vector<Record> log;         ///< Everything that was decided.

  /// The events; they are evolved. Refused: none, and refused() has the code.
  std::vector<Event> operator()(const Command& command) {
    auto decided = decide_(state, command, now);
    refused_.clear();
    faults.clear();
    if (!decided) {
      refused_ = decided.error().code;
      faults = decided.error().fields;
      return {};
    }
    result = decided->result;
    for (const auto& event : decided->events) {
      state = evolve(std::move(state), event);
      const auto any = match(event)([](const auto& e) -> AnyEvent { return e; });
      log.push_back(record(log.size() + 1, now, any));
    }
    return decided->events;
  }
  [[nodiscard]] const std::string& refused() const { return refused_; }
  /// The pointers of the last refusal.
  [[nodiscard]] std::vector<std::string> pointers() const {
    std::vector<std::string> all;
    for (const auto& fault : faults) all.push_back(fault.pointer);
    return all;
  }
  template <class View>
  [[nodiscard]] View view() const {
    View made;
    for (const auto& line : log) made.fold(line);
    return made;
  }

private:
  Decide decide_;
  std::string refused_;
};

}  // namespace muster::given
