// Facts of runs as JSON: how a node keeps them, and how POST /v1/nodes/{id}/runs takes them.
#pragma once

#include <string>

#include "base/result.hpp"
#include "domain/runs.hpp"

namespace muster::runs {

/// Any fact: its type, and the fields that this type has.
struct FactBody {
  std::string type, run, step, status, error, digest;
  uint64_t local_seq = 0, attempt = 0, bytes = 0, lines = 0, dropped = 0, last = 0;
  int64_t exit_code = 0;
  Time at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("type", self.type);
    visit("run", self.run);
    visit("local_seq", self.local_seq);
    visit("at", self.at);
    visit("step", self.step);
    visit("attempt", self.attempt);
    visit("exit_code", self.exit_code);
    visit("status", self.status);
    visit("error", self.error);
    visit("bytes", self.bytes);
    visit("lines", self.lines);
    visit("digest", self.digest);
    visit("dropped", self.dropped);
    visit("last", self.last);
  }
};

[[nodiscard]] FactBody body_of(const Told& fact);
/// Error: `field.invalid` for a type that is none; `pointer` is the fact's place in the request.
Result<Told> fact_of(const FactBody& body, const std::string& pointer = "");

}  // namespace muster::runs
