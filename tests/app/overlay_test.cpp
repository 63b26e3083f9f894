// Shows the bodies of overlay events: each field of the contract's table (supervisor, section 13), also when
// it is empty.
#include "app/overlay.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::app;

namespace {

const OverlayNames kNames{"events", "overlay", "supervisor"};
const std::string kClose = R"("ts":"2026-01-02T03:04:05.000Z","service":"supervisor","v":1})";

/// As one event of the log says it.
BusMessage told(AnyEvent event) {
  const auto message = overlay_message(kNames, given::record(9, given::kStart, std::move(event)), "c1");
  REQUIRE(message);
  CHECK(message->exchange == "events");
  CHECK(message->idempotency_key == "c1/9");
  return *message;
}

}  // namespace

TEST_CASE("an overlay event has every field of its kind, empty ones too", "[S2-31][S2-56][S2-59]") {
  const auto registered = told(given::registered("n1"));
  CHECK(registered.topic == "overlay.register");
  CHECK(registered.body == R"({"node_id":"n1","caps":{},)" + kClose);

  plans::Issued issued;
  issued.node = "n1";
  issued.role = "worker";
  issued.epoch = 3;
  CHECK(told(issued).topic == "overlay.plan");
  CHECK(told(issued).body == R"({"node_id":"n1","role":"worker","services":[],"epoch":3,)" + kClose);

  CHECK(told(lease::Granted{"n1", "http://a", 3}).topic == "overlay.leader");
  CHECK(told(lease::Granted{"n1", "http://a", 3}).body == R"({"leader_url":"http://a","epoch":3,)" + kClose);

  bootstrap::Reported reported{"n1", "broker", "apply", "ok", "", "g1", "", 0, 0};
  CHECK(told(reported).topic == "overlay.bootstrap.broker.ok");
  CHECK(told(reported).body ==
        R"({"node_id":"n1","component":"broker","action":"apply","status":"ok","generation":"g1",)" + kClose);
  reported.status = "error";
  reported.message = "away";
  CHECK(told(reported).topic == "overlay.bootstrap.broker.error");
  CHECK(
    told(reported).body ==
    R"({"node_id":"n1","component":"broker","action":"apply","status":"error","message":"away","generation":"g1",)" +
      kClose);

  nodes::Heartbeat beat;
  beat.report.node = "n1";
  const auto heard = overlay_message(kNames, nodes::Command{beat}, given::kStart);
  REQUIRE(heard);
  CHECK(heard->topic == "overlay.heartbeat");
  CHECK(heard->idempotency_key.empty());
  CHECK(heard->body == R"({"node_id":"n1","role":"","services_running":[],"versions":{},)" + kClose);
}
