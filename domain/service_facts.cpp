// From facts to their one JSON form, and back.
#include "domain/service_facts.hpp"

#include "domain/fact_body.hpp"

namespace muster::services {

FactBody body_of(const Event& event) {
  return facts::body_of<FactBody>(event);
}

Result<Event> event_of(const FactBody& body, const std::string& pointer) {
  Event event;
  if (facts::read_as(body, event)) return event;
  const auto message = body.type.empty() ? "is required" : "is no type of fact";
  return Error{"field.invalid", "a fact's type " + std::string(message), {{pointer + "/type", message}}};
}

}  // namespace muster::services
