// Folding what nodes report of applying the profile.
#include "projections/bootstrap.hpp"

namespace muster::bootstrap {

std::string View::key(std::string_view node, std::string_view component) {
  return std::string(node).append("\n").append(component);
}

void View::fold(const Record& record) {
  const auto* e = std::get_if<Reported>(&record.event);
  if (!e) return;
  reports[key(e->node, e->component)] = {Shared(*e), record.envelope.time, record.seq};
  about.changed = record.seq;
}

}  // namespace muster::bootstrap
