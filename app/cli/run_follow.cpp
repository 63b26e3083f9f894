// Connecting again behind the last entry that was shown.
#include "app/cli/run_follow.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error_catalog.hpp"

namespace muster::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{5'000};

}  // namespace

Result<bool> RunFollower::follow() {
  auto pause = kFirstPause;
  for (;;) {
    Lines lines;
    ServerEvents events;
    const auto before = seq_;
    const auto ended = client_.stream(
      with_query("/runs/" + path_segment(run_) + "/events",
                 {{"last_event_id", seq_ == 0 ? std::string{} : std::to_string(seq_)}}),
      [&](std::string_view bytes) {
        stood_ = true;
        const auto take = [&](std::string_view line) {
          return events.take(line, [this](uint64_t id, const std::string& type, const Json& data) {
            return show(id, type, data);
          }) && !(left_ = !tick_());
        };
        return lines.take(bytes, take);
      },
      [this] { return !(left_ = !tick_()); });
    if (ended_) return true;
    if (left_) return false;
    if (!ended && ended.error().code == "cursor.expired") return end_without_stream(ended.error());
    if (!ended && (!stood_ || !error_kind(ended.error().code).retryable)) return ended.error();
    if (seq_ != before) pause = kFirstPause;
    if (!wait(pause)) return false;
    pause = std::min(pause * 2, kLongestPause);
  }
}

/// False: nothing more is wanted.
bool RunFollower::show(uint64_t id, const std::string& type, const Json& data) {
  left_ = !show_(id, type, data);
  if (id != 0) seq_ = id;  // Not before it was shown: a connection may break within an event.
  ended_ = type == "run.finish";
  return !ended_ && !left_;
}

bool RunFollower::wait(std::chrono::milliseconds pause) const {
  for (const auto until = SteadyClock::now() + pause; SteadyClock::now() < until;) {
    std::this_thread::sleep_for(kFirstPause);
    if (!tick_()) return false;
  }
  return true;
}

Result<bool> RunFollower::end_without_stream(const Error& why) {
  const auto shown = client_.get("/runs/" + path_segment(run_));
  if (!shown) return shown.error();
  if (!shown->contains("finished_at")) return why;
  (void)show(seq_, "run.finish", {{"run_id", run_}, {"status", shown->value("status", "")}});
  return true;
}

}  // namespace muster::cli
