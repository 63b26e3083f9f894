// Shows what a policy makes of what a step asks for.
#include "domain/jobs/policy.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

namespace {

const std::vector<Profile> kAll{Profile::secure, Profile::permissive, Profile::disabled};

Wanted container() {
  Wanted wanted;
  wanted.in_container = true;
  wanted.image = "alpine:3.20";
  return wanted;
}

/// Everything that can be asked for, in a container.
Wanted everything() {
  auto wanted = container();
  wanted.network = "bridge";
  wanted.rootfs_writable = true;
  wanted.capabilities = {"cap_net_admin", "CHOWN", "NET_ADMIN"};
  wanted.env_inheritance = true;
  return wanted;
}

Bundle listing_everything() {
  Bundle bundle;
  bundle.overrides = {{"bridge", "host"}, true, {"NET_ADMIN", "CHOWN"}, true};
  return bundle;
}

std::vector<std::string> codes(const Judgement& judgement) {
  std::vector<std::string> all;
  for (const auto& denial : judgement.denials) all.push_back(denial.code);
  return all;
}

const Decision* decision(const Judgement& judgement, const std::string& subject) {
  const auto found = std::find_if(judgement.decisions.begin(), judgement.decisions.end(),
                                  [&](const Decision& one) { return one.subject == subject; });
  return found == judgement.decisions.end() ? nullptr : &*found;
}

const std::vector<std::string> kOverrides{"container.network", "container.rootfs", "container.capabilities",
                                          "env.inheritance"};

}  // namespace

TEST_CASE("a container that asks for nothing has none of it under any profile") {
  for (const auto profile : kAll) {
    const auto judged = judge(listing_everything(), profile, container());
    CHECK(judged.allowed());
    CHECK(judged.findings.empty());
    CHECK(judged.decisions.empty());
    const auto& settings = judged.settings;
    CHECK(settings.sandboxed);
    CHECK(settings.image == "docker.io/library/alpine:3.20");
    CHECK(settings.network == "none");
    CHECK_FALSE(settings.rootfs_writable);
    CHECK(settings.capabilities.empty());
    CHECK_FALSE(settings.env_inheritance);
    CHECK_FALSE(settings.cpu);
    CHECK_FALSE(settings.memory);
  }
}

TEST_CASE("secure denies every override, listed or not", "[S3-55][S3-70]") {
  for (const auto& bundle : {Bundle{}, listing_everything()}) {
    const auto judged = judge(bundle, *effective_profile({}), everything());
    CHECK(codes(judged) == std::vector<std::string>(4, "policy.denied"));
    CHECK(judged.findings.empty());
    REQUIRE(judged.decisions.size() == 4);
    for (size_t i = 0; i < 4; i++) {
      CHECK(judged.decisions[i].subject == kOverrides[i]);
      CHECK(judged.decisions[i].decision == Verdict::denied);
      CHECK(judged.decisions[i].code == "policy.denied");
      CHECK(judged.denials[i].detail == kOverrides[i] + ": " + judged.decisions[i].reason);
    }
    CHECK(judged.denials[0].detail ==
          "container.network: the network bridge is not allowed under the profile secure");
    CHECK(judged.settings.network == "none");
  }
}

TEST_CASE("permissive grants what the bundle lists, as information", "[S3-56][S3-71]") {
  const auto judged = judge(listing_everything(), Profile::permissive, everything());
  CHECK(judged.allowed());
  REQUIRE(judged.findings.size() == 4);
  for (size_t i = 0; i < 4; i++) {
    CHECK(judged.findings[i].code == "policy.override.allowed");
    CHECK(judged.findings[i].level == "info");
    CHECK(judged.findings[i].message.starts_with(kOverrides[i] + ": "));
    CHECK(judged.decisions[i] == Decision{kOverrides[i], Verdict::allowed, "policy.override.allowed",
                                          judged.findings[i].message.substr(kOverrides[i].size() + 2)});
  }
  CHECK(judged.settings.network == "bridge");
  CHECK(judged.settings.rootfs_writable);
  CHECK(judged.settings.capabilities == std::vector<std::string>{"CHOWN", "NET_ADMIN"});
  CHECK(judged.settings.env_inheritance);
  CHECK(codes(judge({}, Profile::permissive, everything())) == std::vector<std::string>(4, "policy.denied"));
}

TEST_CASE("overrides.network grants exactly the modes it lists", "[S3-66]") {
  Bundle bundle;
  bundle.overrides.network = {"bridge"};
  auto wanted = container();
  wanted.network = "bridge";
  CHECK(judge(bundle, Profile::permissive, wanted).settings.network == "bridge");
  for (const auto* mode : {"host", "bridge:ip=10.0.0.1", "Bridge", "container:db", "ns:/proc/1/ns/net"}) {
    wanted.network = mode;
    const auto judged = judge(bundle, Profile::permissive, wanted);
    CHECK(codes(judged) == std::vector<std::string>{"policy.denied"});
    CHECK(decision(judged, "container.network")->reason.find(mode) != std::string::npos);
  }
  wanted.network = "none";
  CHECK(judge({}, Profile::secure, wanted).allowed());
}

TEST_CASE("overrides.rootfs_writable grants a writable root and nothing else", "[S3-67]") {
  Bundle bundle;
  bundle.overrides.rootfs_writable = true;
  const auto judged = judge(bundle, Profile::permissive, everything());
  CHECK(judged.settings.rootfs_writable);
  CHECK(codes(judged) == std::vector<std::string>(3, "policy.denied"));
  CHECK(decision(judged, "container.rootfs")->decision == Verdict::allowed);
}

TEST_CASE("overrides.caps grants what it lists, and a denial names what it does not", "[S3-68]") {
  Bundle bundle;
  bundle.overrides.caps = {"CHOWN"};
  auto wanted = container();
  wanted.capabilities = {"cap_chown"};
  CHECK(judge(bundle, Profile::permissive, wanted).settings.capabilities ==
        std::vector<std::string>{"CHOWN"});
  wanted.capabilities = {"CHOWN", "SYS_ADMIN", "NET_RAW"};
  const auto judged = judge(bundle, Profile::permissive, wanted);
  REQUIRE_FALSE(judged.allowed());
  CHECK(judged.denials[0].detail.starts_with("container.capabilities: NET_RAW, SYS_ADMIN is not allowed"));
  CHECK(judged.settings.capabilities.empty());
  wanted.capabilities = {"ALL"};
  CHECK_FALSE(judge(bundle, Profile::permissive, wanted).allowed());
  bundle.overrides.caps = {"ALL"};
  CHECK(judge(bundle, Profile::permissive, wanted).allowed());
  wanted.capabilities = {"SYS_ADMIN"};
  CHECK(judge(bundle, Profile::permissive, wanted).allowed());
}

TEST_CASE("overrides.env_inheritance grants the host's environment and nothing else", "[S3-69]") {
  Bundle bundle;
  bundle.overrides.env_inheritance = true;
  const auto judged = judge(bundle, Profile::permissive, everything());
  CHECK(judged.settings.env_inheritance);
  CHECK(codes(judged) == std::vector<std::string>(3, "policy.denied"));
}

TEST_CASE("disabled grants everything and says so with a warning", "[S3-57][S3-72]") {
  const auto judged = judge({}, Profile::disabled, everything());
  CHECK(judged.allowed());
  REQUIRE(judged.findings.size() == 4);
  for (const auto& finding : judged.findings) {
    CHECK(finding.code == "policy.override.allowed");
    CHECK(finding.level == "warning");
  }
  REQUIRE(judged.decisions.size() == 4);
  for (const auto& one : judged.decisions) {
    CHECK(one.decision == Verdict::allowed);
    CHECK(one.reason.ends_with("is allowed under the profile disabled"));
  }
  CHECK(judged.settings.network == "bridge");
  CHECK(judged.settings.rootfs_writable);
}

TEST_CASE("words that would smuggle an argument are refused under every profile") {
  for (const auto profile : kAll) {
    auto wanted = container();
    for (const auto* mode : {"--privileged", "host --privileged", "-v", "a,b", "x\n", "$(id)"}) {
      wanted.network = mode;
      CHECK(codes(judge(listing_everything(), profile, wanted)) == std::vector<std::string>{"E_CONFIG"});
    }
    wanted.network = "";
    for (const auto* name : {"CHOWN,SYS_ADMIN", "", "--privileged", "CHOWN ", "1", "CAP_"}) {
      wanted.capabilities = {name};
      CHECK(codes(judge(listing_everything(), profile, wanted)) == std::vector<std::string>{"E_CONFIG"});
    }
  }
}

TEST_CASE("allowed_registries hold under every profile", "[S3-63][S3-98]") {
  Bundle bundle;
  bundle.allowed_registries = {"ghcr.io", "localhost:5000"};
  auto wanted = container();
  for (const auto profile : kAll) {
    for (const auto* image : {"ghcr.io/a/b", "GHCR.IO/a", "localhost:5000/x:1"}) {
      wanted.image = image;
      const auto judged = judge(bundle, profile, wanted);
      CHECK(judged.allowed());
      CHECK(decision(judged, "image.registry")->decision == Verdict::allowed);
    }
    for (const auto* image : {"alpine:3.20", "localhost/x", "localhost:5001/x", "ghcr.io.evil.io/a",
                              "evil.io/ghcr.io/a", "ghcr.io:443/a"}) {
      wanted.image = image;
      const auto judged = judge(bundle, profile, wanted);
      CHECK(codes(judged) == std::vector<std::string>{"image.registry.not.allowed"});
      CHECK(
        judged.denials[0].detail.ends_with("is not among the allowed registries: ghcr.io, localhost:5000"));
      CHECK(decision(judged, "image.registry")->code == "image.registry.not.allowed");
    }
  }
}

TEST_CASE("an image that cannot be read is denied") {
  for (const auto* image : {"", "--privileged", "oci:/tmp/x", "A"}) {
    auto wanted = container();
    wanted.image = image;
    CHECK(codes(judge({}, Profile::disabled, wanted)) == std::vector<std::string>{"E_IMAGE_POLICY"});
  }
}

TEST_CASE("ceilings.cpu and ceilings.memory hold under every profile, for containers and processes",
          "[S3-64][S3-65]") {
  Bundle bundle;
  bundle.max_cpu = 1000;
  bundle.max_memory = 1 << 30;
  for (const auto profile : kAll)
    for (auto wanted : {container(), Wanted{}}) {
      CHECK(judge(bundle, profile, wanted).settings.cpu == 1000);  // Not asked for: as much as there may be.
      CHECK(judge(bundle, profile, wanted).settings.memory == 1 << 30);
      wanted.resources = {"1", "1Gi"};
      CHECK(judge(bundle, profile, wanted).allowed());
      wanted.resources = {"500m", "64Mi"};
      const auto judged = judge(bundle, profile, wanted);
      CHECK(judged.settings.cpu == 500);
      CHECK(judged.settings.memory == 64 << 20);
      CHECK(decision(judged, "resources.cpu")->decision == Verdict::allowed);
      wanted.resources = {"1001m", "1073741825"};
      const auto denied = judge(bundle, profile, wanted);
      CHECK(codes(denied) == std::vector<std::string>(2, "E_IMAGE_POLICY"));
      CHECK(denied.denials[0].detail == "resources.cpu: 1001m is more than the ceiling of 1000m");
      CHECK(denied.denials[1].detail ==
            "resources.memory: 1073741825 bytes is more than the ceiling of 1073741824 bytes");
      wanted.resources = {"lots", "-1"};
      CHECK(codes(judge({}, profile, wanted)) == std::vector<std::string>(2, "E_IMAGE_POLICY"));
    }
}

TEST_CASE("a process is judged as a container is", "[S3-70][S3-71]") {
  Wanted process;
  process.network = "host";
  process.rootfs_writable = true;
  process.env_inheritance = true;
  CHECK(codes(judge(listing_everything(), Profile::secure, process)) ==
        std::vector<std::string>(3, "policy.denied"));
  CHECK(codes(judge({}, Profile::permissive, process)) == std::vector<std::string>(3, "policy.denied"));
  const auto judged = judge(listing_everything(), Profile::permissive, process);
  CHECK(judged.allowed());
  CHECK(judged.settings.sandboxed);
  CHECK(judged.settings.network == "host");
  CHECK(judged.settings.rootfs_writable);
  CHECK(judged.settings.env_inheritance);
  process = {};
  process.network = "bridge";
  process.capabilities = {"CHOWN"};
  process.extra_args = {"--privileged"};
  CHECK(codes(judge(listing_everything(), Profile::disabled, process)) ==
        std::vector<std::string>(3, "E_CONFIG"));
}

TEST_CASE("a process has limits under secure, and without a sandbox it is told") {
  const auto secure = judge({}, Profile::secure, {});
  CHECK(secure.allowed());
  CHECK(secure.settings.cpu == kProcessCpu);
  CHECK(secure.settings.memory == kProcessMemory);
  CHECK(secure.settings.processes == kMaxProcesses);
  Wanted more;
  more.resources = {"8", "16Gi"};
  CHECK(judge({}, Profile::secure, more).settings.cpu == 8000);
  const auto permissive = judge({}, Profile::permissive, {});
  CHECK_FALSE(permissive.settings.cpu);
  CHECK(permissive.settings.processes == kMaxProcesses);
  const auto disabled = judge({}, Profile::disabled, {});
  CHECK(disabled.allowed());
  CHECK_FALSE(disabled.settings.sandboxed);
  CHECK_FALSE(disabled.settings.processes);
  REQUIRE(disabled.findings.size() == 1);
  CHECK(disabled.findings[0].level == "warning");
  CHECK(decision(disabled, "process.sandbox")->decision == Verdict::allowed);
}

TEST_CASE("extra arguments that undo the sandbox are denied but under disabled") {
  auto wanted = container();
  wanted.extra_args = {"--label", "a=b", "--privileged"};
  for (const auto profile : {Profile::secure, Profile::permissive}) {
    const auto judged = judge(listing_everything(), profile, wanted);
    CHECK(codes(judged) == std::vector<std::string>{"policy.denied"});
    CHECK(judged.denials[0].detail.find("--privileged") != std::string::npos);
    CHECK(judged.settings.extra_args.empty());
  }
  const auto judged = judge({}, Profile::disabled, wanted);
  CHECK(judged.allowed());
  CHECK(judged.settings.extra_args == wanted.extra_args);
  REQUIRE(judged.findings.size() == 1);
  CHECK(judged.findings[0].level == "warning");
  CHECK(judged.findings[0].message.starts_with("container.extra_args: --privileged is allowed"));
}

TEST_CASE("verify_signatures decides what a bad signature means", "[S3-62][S3-100]") {
  const auto judged = [](Verify mode, bool verified) {
    Bundle bundle;
    bundle.verify_signatures = mode;
    auto made = judge(bundle, Profile::secure, container());
    CHECK(made.settings.verify == mode);
    judge_signature(made, verified, "no matching signatures");
    return made;
  };
  CHECK(judged(Verify::required, true).allowed());
  CHECK(decision(judged(Verify::required, true), "image.signature")->decision == Verdict::allowed);
  const auto denied = judged(Verify::required, false);
  REQUIRE(codes(denied) == std::vector<std::string>{"image.signature.required"});
  CHECK(denied.denials[0].detail == "docker.io/library/alpine:3.20: no matching signatures");
  CHECK(decision(denied, "image.signature")->decision == Verdict::denied);
  const auto warned = judged(Verify::permissive, false);
  CHECK(warned.allowed());
  REQUIRE(warned.findings.size() == 1);
  CHECK(warned.findings[0].code == "image.signature.permissive");
  CHECK(warned.findings[0].level == "warning");
  CHECK(decision(warned, "image.signature")->decision == Verdict::warn);
  CHECK(judged(Verify::disabled, false).decisions.empty());
}

TEST_CASE("a source that asks for a signature gets one that is good, or is denied") {
  const auto judged = [](Profile profile, bool verified) {
    Judgement judgement;
    judgement.settings.image = "r.io/a";
    judge_source_signature(judgement, profile, verified, "no signature");
    return judgement;
  };
  CHECK(judged(Profile::secure, true).allowed());
  CHECK(judged(Profile::permissive, true).allowed());
  for (const auto& judgement : {judged(Profile::permissive, false), judged(Profile::disabled, true)}) {
    REQUIRE(codes(judgement) == std::vector<std::string>{"source-signature-invalid"});
    CHECK(judgement.denials[0].detail.starts_with("r.io/a: "));
    CHECK(decision(judgement, "image.signature")->decision == Verdict::denied);
  }
}

TEST_CASE("whatever is asked for, what is not granted is not in force", "[S3-70]") {
  const auto some = [](std::vector<std::string> of) {
    return rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::move(of)));
  };
  CHECK(rc::check("any bundle, profile and wish", [&] {
    Bundle bundle;
    bundle.overrides = {*some({"bridge", "host"}), *rc::gen::arbitrary<bool>(),
                        *some({"CHOWN", "ALL", "KILL"}), *rc::gen::arbitrary<bool>()};
    Wanted wanted;
    wanted.in_container = *rc::gen::arbitrary<bool>();
    wanted.image = *rc::gen::element<std::string>("alpine", "-x", "r.io/a");
    wanted.network = *rc::gen::element<std::string>("", "none", "bridge", "host", "-x");
    wanted.rootfs_writable = *rc::gen::arbitrary<bool>();
    wanted.capabilities = *some({"CHOWN", "SYS_ADMIN", "a,b"});
    wanted.env_inheritance = *rc::gen::arbitrary<bool>();
    wanted.extra_args = *some({"--privileged", "--init", "x"});
    const auto profile = *rc::gen::elementOf(kAll);
    const auto judged = judge(bundle, profile, wanted);
    const auto denied = std::count_if(judged.decisions.begin(), judged.decisions.end(),
                                      [](const auto& one) { return one.decision == Verdict::denied; });
    RC_ASSERT(static_cast<size_t>(denied) == judged.denials.size());
    const auto& settings = judged.settings;
    if (profile == Profile::secure) {
      RC_ASSERT(settings.network == "none" && !settings.rootfs_writable && !settings.env_inheritance);
      RC_ASSERT(settings.capabilities.empty() && settings.sandboxed);
    }
    RC_ASSERT(!settings.rootfs_writable || wanted.rootfs_writable);
    RC_ASSERT(!settings.env_inheritance || wanted.env_inheritance);
    RC_ASSERT(settings.network == "none" || settings.network == wanted.network);
    if (judged.allowed()) RC_ASSERT(settings.rootfs_writable == wanted.rootfs_writable);
  }));
}
