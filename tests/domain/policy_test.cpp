// Shows who may do what under each policy flag.
#include "domain/policy.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using policy::Caller;
using policy::Policy;

namespace {

std::string answer(const Policy& policy, policy::Action action, const Caller& caller = {}) {
  const auto allowed = policy::allow(policy, action, caller);
  return allowed ? "yes" : allowed.error().code;
}

Caller known(std::vector<std::string> scopes = {}) {
  return {"alice", false, std::move(scopes)};
}

Policy with(bool jwks, bool key) {
  Policy policy;
  policy.jwks_set = jwks;
  policy.key_set = key;
  return policy;
}

}  // namespace

TEST_CASE("a flag is true where Go's ParseBool says so, and nowhere else", "[S1-05][S1-06][S1-07]") {
  for (const auto* yes : {"1", "t", "T", "TRUE", "true", "True"}) CHECK(policy::parse_bool(yes));
  for (const auto* no : {"", "0", "f", "F", "FALSE", "false", "False", "tRUE", "yes", "on", " true", "2"})
    CHECK_FALSE(policy::parse_bool(no));
}

TEST_CASE("without key or JWKS the flags alone govern what anonymous callers may do", "[S1-11]") {
  Policy policy;
  CHECK(answer(policy, "register") == "unauthorized");
  CHECK(answer(policy, "heartbeat") == "unauthorized");
  CHECK(answer(policy, "plan.read") == "yes");
  CHECK(answer(policy, "bootstrap.apply") == "yes");
  for (const auto* action : {"open", "authenticated", "claims", "leader.claim", "read", "apply", "admin"})
    CHECK(answer(policy, action) == "yes");
}

TEST_CASE("anonymous proxies may register and beat when the flag says so", "[S1-05]") {
  for (const bool jwks : {false, true}) {
    Policy policy = with(jwks, false);
    CHECK(answer(policy, "register") == "unauthorized");
    policy.flags.allow_anonymous_proxy = true;
    CHECK(answer(policy, "register") == "yes");
    CHECK(answer(policy, "heartbeat") == "yes");
  }
}

TEST_CASE("plans need a credential when the flag says so", "[S1-06]") {
  for (const bool jwks : {false, true}) {
    Policy policy = with(jwks, false);
    CHECK(answer(policy, "plan.read") == "yes");
    policy.flags.require_auth_for_plan = true;
    CHECK(answer(policy, "plan.read") == "unauthorized");
    CHECK(answer(policy, "plan.read", known({"thatdam:read"})) == "yes");
  }
}

TEST_CASE("bootstrap needs a credential and the apply scope when the flag says so", "[S1-07]") {
  Policy policy = with(true, false);
  CHECK(answer(policy, "bootstrap.apply") == "yes");
  CHECK(answer(policy, "bootstrap.apply", known()) == "yes");
  policy.flags.require_auth_for_bootstrap = true;
  CHECK(answer(policy, "bootstrap.apply") == "unauthorized");
  CHECK(answer(policy, "bootstrap.apply", known()) == "forbidden");
  CHECK(answer(policy, "bootstrap.apply", known({"thatdam:apply"})) == "yes");
}

TEST_CASE("with only a key set nothing but the open routes is served without it", "[S1-09][S1-10]") {
  Policy policy = with(false, true);
  policy.flags.allow_anonymous_proxy = true;
  CHECK(answer(policy, "open") == "yes");
  for (const auto* action : {"authenticated", "claims", "register", "heartbeat", "plan.read",
                             "bootstrap.apply", "leader.claim", "read", "apply", "admin"}) {
    CHECK(answer(policy, action) == "unauthorized");
    CHECK(answer(policy, action, {"apikey", false, policy::all_scopes("thatdam")}) == "yes");
  }
}

TEST_CASE("with JWKS a caller without a token is anonymous, whether or not a key is set too", "[S1-08]") {
  for (const bool key : {false, true}) {
    const Policy policy = with(true, key);
    CHECK(answer(policy, "claims") == "yes");
    CHECK(answer(policy, "plan.read") == "yes");
    for (const auto* action : {"authenticated", "register", "leader.claim", "read", "apply", "admin"})
      CHECK(answer(policy, action) == "unauthorized");
  }
}

TEST_CASE("once tokens exist, reading and ruling need one", "[S1-11]") {
  Policy policy;
  policy.tokens_set = true;
  CHECK(answer(policy, "plan.read") == "yes");
  for (const auto* action : {"authenticated", "leader.claim", "read", "apply", "admin"})
    CHECK(answer(policy, action) == "unauthorized");
}

TEST_CASE("a known caller is told which scope is missing", "[S1-08]") {
  const Policy policy = with(true, false);
  const std::pair<policy::Action, std::string> needs[] = {
    {"register", "register"}, {"heartbeat", "register"}, {"plan.read", "read"},    {"read", "read"},
    {"apply", "apply"},       {"admin", "admin"},        {"leader.claim", "admin"}};
  for (const auto& [action, scope] : needs) {
    CHECK(answer(policy, action, known({"thatdam:" + scope})) == "yes");
    const auto refused = policy::allow(policy, action, known({"thatdam:other", scope, "x:" + scope}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "forbidden");
    CHECK(refused.error().detail == "forbidden: the scope thatdam:" + scope + " is missing");
  }
  for (const auto* action : {"open", "authenticated", "claims"})
    CHECK(answer(policy, action, known()) == "yes");
}

TEST_CASE("the prefix of the scopes is configurable") {
  Policy policy = with(true, false);
  policy.scope_prefix = "acme";
  CHECK(answer(policy, "read", known({"thatdam:read"})) == "forbidden");
  CHECK(answer(policy, "read", known({"acme:read"})) == "yes");
}

TEST_CASE("what has to do with jobs needs the scope of its name, or admin", "[S3-46]") {
  const Policy policy = with(true, false);
  for (const std::string scope :
       {"jobs:read", "runs:read", "runs:write", "events:read", "sources:read", "sources:write"}) {
    CHECK(answer(policy, scope) == "unauthorized");
    CHECK(answer({}, scope) == "yes");  // Nothing to authenticate with.
    for (const auto& enough : {scope, "thatdam:" + scope, std::string("thatdam:admin")})
      CHECK(answer(policy, scope, known({enough})) == "yes");
    const auto refused = policy::allow(policy, scope, known({"thatdam:read", "runs", "read", "x:" + scope}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "forbidden");
    CHECK(refused.error().detail == "missing required scope " + scope);
  }
}

TEST_CASE("an action that nobody defined is refused to everybody") {
  CHECK(answer({}, "no.such.action") == "forbidden");
  CHECK(answer({}, "no.such.action", known({"thatdam:admin"})) == "forbidden");
}
