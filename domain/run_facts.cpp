// From facts of runs to their one JSON form, and back.
#include "domain/run_facts.hpp"

#include "domain/fact_body.hpp"

namespace muster::runs {

FactBody body_of(const Told& fact) {
  return facts::body_of<FactBody>(fact);
}

Result<Told> fact_of(const FactBody& body, const std::string& pointer) {
  Told fact;
  if (facts::read_as(body, fact)) return fact;
  const auto message = body.type.empty() ? "is required" : "is no type of fact";
  return Error{"field.invalid", "a fact's type " + std::string(message), {{pointer + "/type", message}}};
}

}  // namespace muster::runs
