// Refused joins: who asked from where, under which name, and why not.
#include "app/cluster/join_log.hpp"

#include <utility>

#include <spdlog/spdlog.h>

#include "actors/joining.hpp"
#include "base/error_catalog.hpp"
#include "consensus/peer_frame.hpp"

namespace muster::app {
namespace {

constexpr int kSaidPerSecond = 5;

}  // namespace

int JoinLog::take() {
  const std::lock_guard lock{mutex_};
  const auto now = std::chrono::steady_clock::now();
  if (now - second_ >= std::chrono::seconds{1}) {
    second_ = now;
    said_ = 0;
  }
  if (said_ >= kSaidPerSecond) {
    unsaid_++;
    return -1;
  }
  said_++;
  return std::exchange(unsaid_, 0);
}

void JoinLog::answered(const consensus::Stranger& who, const std::string& asked, const std::string& answer) {
  const auto told = from_json_text<JoinAnswer>(answer);
  if (!told || told->code.empty() || error_kind(told->code).retryable) return;
  const auto unsaid = take();
  if (unsaid < 0) return;
  const auto request = from_json_text<JoinRequest>(asked);
  const auto node = request ? consensus::printable(request->node) : std::string{};
  spdlog::warn("join refused from={} node={} code={} reason={}{}", who.address, node, told->code,
               consensus::printable(told->detail),
               unsaid == 0 ? "" : " (" + std::to_string(unsaid) + " others were not told)");
}

}  // namespace muster::app
