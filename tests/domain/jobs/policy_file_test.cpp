// Shows which profile is in force, and how a policy bundle is read.
#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "base/hash.hpp"
#include "domain/jobs/policy.hpp"

using namespace muster;
using namespace muster::jobs;

namespace {

Error refused(const std::string& text) {
  const auto bundle = parse_bundle(text, "flwd.policy.yaml");
  REQUIRE_FALSE(bundle);
  CHECK(bundle.error().code == "E_POLICY");
  CHECK(bundle.error().detail.starts_with("flwd.policy.yaml: "));
  return bundle.error();
}

bool says(const Error& error, const std::string& pointer, const std::string& message) {
  return std::any_of(error.fields.begin(), error.fields.end(), [&](const FieldError& field) {
    return field.pointer == pointer && field.message.find(message) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("the request's profile wins over the environment's, the configured one and secure", "[S3-59]") {
  CHECK(*effective_profile({}) == Profile::secure);
  CHECK(*effective_profile({"", "", "disabled"}) == Profile::disabled);
  CHECK(*effective_profile({"", "permissive", "disabled"}) == Profile::permissive);
  CHECK(*effective_profile({"secure", "permissive", "disabled"}) == Profile::secure);
  CHECK(*effective_profile({"DISABLED", "secure", ""}) == Profile::disabled);
}

TEST_CASE("a profile that nobody knows is refused wherever it is named") {
  for (const ProfileSources& sources : std::vector<ProfileSources>{
         {"strict", "", ""}, {"secure", "strict", ""}, {"", "secure", "strict"}, {"", "", "secure "}}) {
    const auto profile = effective_profile(sources);
    REQUIRE_FALSE(profile);
    CHECK(profile.error().code == "E_POLICY");
  }
  CHECK(
    effective_profile({"permisive", "", ""}).error().detail ==
    "the security profile \"permisive\" must be secure, permissive or disabled; did you mean 'permissive'?");
  const auto hostile = parse_profile(std::string("\x1b[31m\0\xff", 7) + std::string(100'000, 'x'));
  REQUIRE_FALSE(hostile);
  CHECK(hostile.error().detail.size() < 250);
  CHECK(hostile.error().detail.find('\x1b') == std::string::npos);
}

TEST_CASE("a bundle says what is verified, allowed, at most and granted",
          "[S3-62][S3-63][S3-64][S3-65][S3-66][S3-67][S3-68][S3-69]") {
  const std::string text = R"(verify_signatures: permissive
allowed_registries: [GHCR.io, "localhost:5000", index.docker.io]
ceilings: {cpu: 1000m, memory: 1Gi}
overrides:
  network: [bridge, host]
  rootfs_writable: true
  caps: [NET_BIND_SERVICE, cap_chown]
  env_inheritance: true
)";
  const auto bundle = parse_bundle(text, "flwd.policy.yaml");
  REQUIRE(bundle);
  CHECK(bundle->verify_signatures == Verify::permissive);
  CHECK(bundle->allowed_registries == std::vector<std::string>{"ghcr.io", "localhost:5000", "docker.io"});
  CHECK(bundle->max_cpu == 1000);
  CHECK(bundle->max_memory == 1 << 30);
  CHECK(bundle->overrides.network == std::vector<std::string>{"bridge", "host"});
  CHECK(bundle->overrides.rootfs_writable);
  CHECK(bundle->overrides.caps == std::vector<std::string>{"NET_BIND_SERVICE", "CHOWN"});
  CHECK(bundle->overrides.env_inheritance);
  CHECK(bundle->digest == sha256_hex(text));
}

TEST_CASE("what a bundle does not say is at its strictest, and nothing is limited") {
  const auto bundle = parse_bundle("{}", "p");
  REQUIRE(bundle);
  CHECK_FALSE(bundle->verify_signatures);
  CHECK(bundle->allowed_registries.empty());
  CHECK_FALSE(bundle->max_cpu);
  CHECK_FALSE(bundle->max_memory);
  CHECK(bundle->overrides.network.empty());
  CHECK_FALSE(bundle->overrides.rootfs_writable);
  CHECK(bundle->overrides.caps.empty());
  CHECK_FALSE(bundle->overrides.env_inheritance);
  CHECK(parse_bundle("ceilings: {cpu: 2, memory: 1048576}", "p")->max_cpu == 2000);
}

TEST_CASE("all faults of a bundle are told at once, each with its line") {
  const auto error = refused(R"(verify_signature: required
verify_signatures: requird
allowed_registries: ["https://r.io", "r.io/path", ok.io]
ceilings: {cpu: 1000M, memory: 1GB, disk: 1}
overrides:
  network: [bridge, "--privileged"]
  rootfs_writable: yes
  caps: ["NET_ADMIN,SYS_ADMIN", CHOWN]
  env_inheritance: 1
)");
  CHECK(says(error, "/verify_signature", "did you mean 'verify_signatures'?"));
  CHECK(says(error, "/verify_signatures", "line 2: must be required, permissive or disabled; did you mean"));
  CHECK(says(error, "/allowed_registries/0", "line 3: must be host or host:port"));
  CHECK(says(error, "/allowed_registries/1", "must be host or host:port"));
  CHECK(says(error, "/ceilings/cpu", "line 4: cpu \"1000M\""));
  CHECK(says(error, "/ceilings/memory", "memory \"1GB\""));
  CHECK(says(error, "/ceilings/disk", "unknown key"));
  CHECK(says(error, "/overrides/network/1", "line 6: must be a network mode"));
  CHECK(says(error, "/overrides/rootfs_writable", "must be true or false"));
  CHECK(says(error, "/overrides/caps/0", "must be a capability"));
  CHECK(says(error, "/overrides/env_inheritance", "must be true or false"));
  CHECK(error.fields.size() == 11);
}

TEST_CASE("a bundle that is empty, cut off, a bomb or no object is refused") {
  refused("");
  refused("# nothing\n");
  refused("overrides: {network: [bridge");
  refused("~");
  refused("[]");
  refused("a: 1\na: 2");
  refused("--- {}\n--- {}");
  refused(std::string(kMaxBundle + 1, ' '));
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; c++) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; i++) bomb += std::string("*") + static_cast<char>(c - 1) + ",";
    bomb += "]\n";
  }
  refused(bomb);
}

TEST_CASE("signatures are verified as the bundle says, else as the profile does", "[S3-62]") {
  Bundle bundle;
  CHECK(verify_mode(bundle, Profile::secure) == Verify::required);
  CHECK(verify_mode(bundle, Profile::permissive) == Verify::permissive);
  CHECK(verify_mode(bundle, Profile::disabled) == Verify::disabled);
  for (const auto mode : {Verify::required, Verify::permissive, Verify::disabled})
    for (const auto profile : {Profile::secure, Profile::permissive, Profile::disabled}) {
      bundle.verify_signatures = mode;
      CHECK(verify_mode(bundle, profile) == mode);
    }
}

TEST_CASE("no text makes reading a bundle fail in another way than by an error") {
  CHECK(rc::check("any text", [](const std::string& text) {
    const auto bundle = parse_bundle(text, "p");
    RC_ASSERT(bundle || bundle.error().code == "E_POLICY");
  }));
}
