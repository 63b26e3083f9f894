// Shows which sources are recorded, replaced, pinned and removed.
#include "domain/sources.hpp"

#include <catch2/catch.hpp>

#include "domain/names.hpp"
#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::sources;
using Events = std::vector<Event>;
using Domain = given::Domain<State, Command, Event>;
using Pointers = std::vector<std::string>;

namespace {

Added source(const std::string& name) {
  Added made;
  made.name = name;
  made.kind = "git";
  made.ref = "main";
  made.url = "https://git.example/jobs";
  made.expose = "read";
  made.aliases = {{"demo/build", "build", ""}};
  return made;
}

}  // namespace

TEST_CASE("a source of the same name is replaced, and the same one changes nothing", "[S3-42]") {
  Domain decide{sources::decide};
  CHECK(decide(Add{source("jobs")}) == Events{source("jobs")});
  CHECK(decide.result == R"({"name":"jobs","replaced":false})");
  CHECK(decide(Add{source("jobs")}).empty());
  CHECK(decide.result == R"({"name":"jobs","replaced":true})");
  auto other = source("jobs");
  other.ref = "v2";
  CHECK(decide(Add{other}) == Events{other});
  CHECK(decide(Add{source("jobs")}).size() == 1);
}

TEST_CASE("a pin counts until the source is added anew", "[S3-81]") {
  Domain decide{sources::decide};
  const Pinned pin{"jobs", "", "c0ffee", "sha256:1"};
  CHECK(decide(Pin{pin}).empty());
  CHECK(decide.refused() == "not.found");
  decide(Add{source("jobs")});
  CHECK(decide(Pin{pin}) == Events{pin});
  CHECK(decide(Pin{pin}).empty());
  CHECK(decide(Pin{Pinned{"jobs", "", "", "sha256:1"}}).empty());
  CHECK(decide(Add{source("jobs")}).size() == 1);
  CHECK(decide(Pin{pin}).size() == 1);
}

TEST_CASE("a source that is removed is gone, and may come again", "[S3-44]") {
  Domain decide{sources::decide};
  CHECK(decide(Remove{"jobs"}).empty());
  CHECK(decide.refused() == "not.found");
  decide(Add{source("jobs")});
  CHECK(decide(Remove{"jobs"}) == Events{Removed{"jobs"}});
  CHECK(decide(Add{source("jobs")}).size() == 1);
}

TEST_CASE("there are only so many sources") {
  Domain decide{sources::decide};
  for (size_t i = 0; i < kMaxSources; i++)
    decide.state = evolve(std::move(decide.state), source("s" + std::to_string(i)));
  CHECK(decide(Add{source("more")}).empty());
  CHECK(decide.refused() == "rate.limited");
  auto changed = source("s1");
  changed.ref = "v2";
  CHECK(decide(Add{changed}).size() == 1);
}

TEST_CASE("a record that does not fit is refused with the place of every fault") {
  Domain decide{sources::decide};
  auto bad = source("a\\b");
  bad.kind = "ftp";
  bad.ref = "a\nb";
  bad.url = std::string(kMaxField + 1, 'u');
  bad.trust.text = "[]";
  bad.metadata.text = "{\"a\":}";
  bad.aliases = {{"\xff", "", ""}};
  bad.pull_policy = "always";
  bad.expose = "";
  CHECK(decide(Add{bad}).empty());
  CHECK(decide.pointers() == Pointers{"/name", "/type", "/ref", "/url", "/trust", "/aliases/0/from",
                                      "/metadata", "/pull_policy", "/expose"});
  for (const auto* name : {"", "..", "a/b", "a\n"}) {
    decide(Add{source(name)});
    CHECK(decide.pointers() == Pointers{"/name"});
  }
  auto many = source("many");
  many.aliases.assign(kMaxAliases + 1, {"a", "b", ""});
  decide(Add{many});
  CHECK(decide.pointers() == Pointers{"/aliases"});
}
