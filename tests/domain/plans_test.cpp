// Shows when a template, the profile or a node's plan is news.
#include "domain/plans.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::plans;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;
const TemplateLoaded kServer{"server.yaml", "g1", {"[]"}};
const ProfileLoaded kProfile{"g1", {"{}"}};

}  // namespace

TEST_CASE("a template that reads as before is no event", "[S1-26]") {
  Domain decide{plans::decide};
  CHECK(decide(LoadTemplate{kServer}) == Events{kServer});
  CHECK(decide(LoadTemplate{kServer}).empty());
  const TemplateLoaded edited{"server.yaml", "g2", {"[{}]"}};
  CHECK(decide(LoadTemplate{edited}) == Events{edited});
}

TEST_CASE("a broken template is one event for each reason, and mending it is one", "[S1-26]") {
  Domain decide{plans::decide};
  const TemplateRejected broken{"server.yaml", "line 3: no mapping"};
  decide(LoadTemplate{kServer});
  CHECK(decide(RejectTemplate{broken}) == Events{broken});
  CHECK(decide(RejectTemplate{broken}).empty());
  CHECK(decide(RejectTemplate{{"server.yaml", "is missing"}}).size() == 1);
  CHECK(decide(LoadTemplate{kServer}) == Events{kServer});
  CHECK(decide(RejectTemplate{broken}) == Events{broken});
}

TEST_CASE("a template too large for an event is rejected by an event", "[S1-26]") {
  Domain decide{plans::decide};
  const TemplateLoaded large{"server.yaml", "g1", {"[\"" + std::string(kMaxContent, 'x') + "\"]"}};
  const auto events = decide(LoadTemplate{large});
  REQUIRE(events.size() == 1);
  CHECK(std::holds_alternative<TemplateRejected>(events[0]));
  CHECK(decide(LoadTemplate{large}).empty());
}

TEST_CASE("a long reason is cut between characters", "[S1-26]") {
  Domain decide{plans::decide};
  std::string reason = "x";
  while (reason.size() < 5000) reason += "é";
  const auto events = decide(RejectTemplate{{"server.yaml", reason}});
  REQUIRE(events.size() == 1);
  const auto& kept = std::get<TemplateRejected>(events[0]).reason;
  CHECK(kept.size() == 4095);
  CHECK(is_utf8(kept));
  CHECK(decide(RejectTemplate{{"server.yaml", reason}}).empty());
}

TEST_CASE("a template file without a proper name or content is refused", "[S1-26]") {
  Domain decide{plans::decide};
  decide(LoadTemplate{{"../x", "g", {"[]"}}});
  CHECK(decide.pointers() == std::vector<std::string>{"/file"});
  decide(LoadTemplate{{"x.yaml", "", {"{}"}}});
  CHECK(decide.pointers() == std::vector<std::string>{"/generation", "/apps"});
}

TEST_CASE("the profile is news when its generation or its fault is", "[S1-19][S2-62]") {
  Domain decide{plans::decide};
  CHECK(decide(LoadProfile{kProfile}) == Events{kProfile});
  CHECK(decide(LoadProfile{kProfile}).empty());
  CHECK(decide(RejectProfile{{"bad"}}) == Events{ProfileRejected{"bad"}});
  CHECK(decide(RejectProfile{{"bad"}}).empty());
  CHECK(decide(LoadProfile{kProfile}) == Events{kProfile});
  decide(LoadProfile{{"", {"[]"}}});
  CHECK(decide.pointers() == std::vector<std::string>{"/generation", "/document"});
}

TEST_CASE("a plan is issued when anything in it differs from the node's last", "[S1-15][S2-57]") {
  Domain decide{plans::decide};
  Issued plan{"n1", "server.yaml", "g1", "worker", {"api"}, 1};
  CHECK(decide(Issue{plan}) == Events{plan});
  CHECK(decide(Issue{plan}).empty());
  const auto differs = [&](auto change) {
    change(plan);
    CHECK(decide(Issue{plan}) == Events{plan});
    CHECK(decide(Issue{plan}).empty());
  };
  differs([](Issued& p) { p.file = "camera-proxy.yaml"; });
  differs([](Issued& p) { p.generation = "g2"; });
  differs([](Issued& p) { p.role = "leader"; });
  differs([](Issued& p) { p.services.emplace_back("store"); });
  differs([](Issued& p) { p.epoch = 2; });
  differs([](Issued& p) { p.node = "n2"; });
}

TEST_CASE("templates are bounded", "[S1-26]") {
  Domain decide{plans::decide};
  for (size_t i = 0; i < kMaxTemplates; i++)
    decide.state = evolve(std::move(decide.state), TemplateLoaded{std::to_string(i), "g", {"[]"}});
  decide(LoadTemplate{kServer});
  CHECK(decide.refused() == "rate.limited");
  CHECK(decide(LoadTemplate{{"7", "g2", {"[]"}}}).size() == 1);
}
