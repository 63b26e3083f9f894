// What a node has to report of its environment and has not told yet: the newest of each component.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "domain/environment.hpp"

namespace muster::app {

class ReportBox {
public:
  explicit ReportBox(std::string node) : node_(std::move(node)) {}

  /// True when it is news: something changed, or is not as it was told last.
  bool put(const environment::Report& report);
  /// One that waits: the body of POST /v1/bootstrap/events, with an idempotency key of its own.
  [[nodiscard]] std::optional<std::string> waiting() const;
  /// The one with this body was taken, or never will be.
  void drop(const std::string& body);

private:
  const std::string node_;
  mutable std::mutex mutex_;
  std::map<environment::Component, environment::Report> told_;
  std::map<environment::Component, std::string> waiting_;
};

}  // namespace muster::app
