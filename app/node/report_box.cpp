// Keeping the newest report of each component.
#include "app/node/report_box.hpp"

#include <algorithm>

namespace muster::app {

bool ReportBox::put(const environment::Report& report) {
  const std::lock_guard lock{mutex_};
  const auto before = told_.find(report.component);
  if (!environment::is_news(report, before == told_.end() ? nullptr : &before->second)) return false;
  told_.insert_or_assign(report.component, report);
  const Json body{{"node_id", node_},
                  {"component", environment::to_text(report.component)},
                  {"action", report.wrote() ? "apply" : "check"},
                  {"status", environment::status_of(report)},
                  {"message", environment::message_of(report)},
                  {"generation", report.generation},
                  // A report that is told twice is one; the next one under the same key is another.
                  {"idempotency_key", report.key + "@" + to_rfc3339(report.at)},
                  {"attempt", report.attempt},
                  {"duration_ms", report.took.count()}};
  waiting_[report.component] = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return true;
}

std::optional<std::string> ReportBox::waiting() const {
  const std::lock_guard lock{mutex_};
  return waiting_.empty() ? std::nullopt : std::optional{waiting_.begin()->second};
}

void ReportBox::drop(const std::string& body) {
  const std::lock_guard lock{mutex_};
  std::erase_if(waiting_, [&](const auto& one) { return one.second == body; });
}

}  // namespace muster::app
