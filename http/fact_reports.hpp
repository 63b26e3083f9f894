// What nodes report, as bodies: facts in the order of their numbers, each fault of each named at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/names.hpp"
#include "http/routes.hpp"

namespace muster::http {

/// Whether a report has to hold a fact.
enum class Empty : uint8_t { allowed, refused };

/// Reads `body.facts` with `fact_of(body, pointer)` into `facts`. `body.source` is required. Error:
/// `field.invalid`.
template <class Body, class Fact, class FactOf>
Status read_facts(const Body& body, size_t most, Empty empty, std::vector<Fact>& facts, FactOf&& fact_of) {
  const auto limit = std::to_string(most);
  if (body.facts.size() > most)
    return Error{"field.invalid",
                 "a report has at most " + limit + " facts (limit max-facts)",
                 {{"/facts", "has more than " + limit + " entries"}}};
  std::vector<FieldError> faults;
  if (body.source.empty()) faults.push_back({"/source", "is required"});
  if (body.facts.empty() && empty == Empty::refused) faults.push_back({"/facts", "is required"});
  for (size_t i = 0; i < body.facts.size(); i++) {
    auto fact = fact_of(body.facts[i], "/facts/" + std::to_string(i));
    if (fact)
      facts.push_back(std::move(*fact));
    else
      faults.insert(faults.end(), fact.error().fields.begin(), fact.error().fields.end());
  }
  if (faults.size() > kMaxFieldErrors) faults.resize(kMaxFieldErrors);
  if (faults.empty()) return Done{};
  return Error{"field.invalid", faults.front().pointer + " " + faults.front().message, faults};
}

}  // namespace muster::http
