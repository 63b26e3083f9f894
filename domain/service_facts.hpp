// Facts of services as JSON: how a node keeps them, and how POST /v1/nodes/{id}/services takes them.
#pragma once

#include <string>

#include "base/result.hpp"
#include "events/services.hpp"

namespace muster::services {

/// Any fact: its type, and the fields that this type has.
struct FactBody {
  std::string type, name, run, hash, executor, reason, message, generation;
  uint64_t local_seq = 0, pid = 0, code = 0, signal = 0;
  bool known = false, done = false, killed = false;
  Time at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("type", self.type);
    visit("name", self.name);
    visit("local_seq", self.local_seq);
    visit("at", self.at);
    visit("run", self.run);
    visit("hash", self.hash);
    visit("executor", self.executor);
    visit("pid", self.pid);
    visit("known", self.known);
    visit("done", self.done);
    visit("code", self.code);
    visit("signal", self.signal);
    visit("reason", self.reason);
    visit("killed", self.killed);
    visit("message", self.message);
    visit("generation", self.generation);
  }
};

[[nodiscard]] FactBody body_of(const Event& event);
/// Error: `field.invalid` for a type that is none; `pointer` is the fact's place in the request.
Result<Event> event_of(const FactBody& body, const std::string& pointer = "");

}  // namespace muster::services
