// Shows how the manifest of an add-on is read, and what is refused.
#include "domain/jobs/addon_manifest.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

namespace {

const std::string kHead = R"(apiVersion: flwd.addon/v1
kind: AddOn
metadata:
  name: Build tools
  id: demo.build-tools
  version: 1.2.3-rc.1+build.5
)";
const std::string kJobs = R"(jobs:
  - id: build
    name: Build
    summary: Builds it
    argspec: {}
)";

std::string refused(const std::string& text) {
  const auto manifest = parse_manifest(text);
  REQUIRE_FALSE(manifest);
  CHECK(manifest.error().code == "E_ADDON_MANIFEST");
  CHECK(manifest.error().detail.size() < 20'000);
  return manifest.error().detail;
}

}  // namespace

TEST_CASE("a manifest with every key is read") {
  const auto manifest = parse_manifest(kHead + R"(  summary: Tools
  description: Many tools
  homepage: https://tools.example
  license: MIT
  maintainers: [{name: Ana, email: ana@example.org, url: https://ana.example}]
requires:
  flwd: {min: 1.2.0}
  permissions: [runs:write]
  containers: [{image: alpine:3.20, platform: linux/amd64, verify_signatures: true}]
jobs:
  - id: build
    name: Build
    summary: Builds it
    description: All of it
    extends: [demo.build]
    argspec:
      args:
        - {name: level, type: integer, title: Level, description: How much, minimum: 1, maximum: 9, default: 3}
        - {name: ratio, type: number, minimum: 0.5, multipleOf: 0.25}
        - {name: mode, enum: [fast, slow], minLength: 1, maxLength: 9, required: true, deprecated: false}
        - {name: tags, type: array, items_type: string, items_enum: [a, b], minItems: 0, maxItems: 2}
        - {name: meta, type: object, value_type: string}
        - {name: token, format: secret}
        - {name: key, secret: true}
    requirements: {tools: [{name: make, version: "4"}, {name: cc}]}
  - id: t:e-s.t_1
    name: T
    summary: Tests it
    argspec: {args: []}
)");
  REQUIRE(manifest);
  CHECK(manifest->summary == "Tools");
  CHECK(manifest->requires_flwd.at("min") == "1.2.0");
  CHECK(manifest->permissions == std::vector<std::string>{"runs:write"});
  CHECK(manifest->containers.at(0).platform == "linux/amd64");
  CHECK(manifest->containers.at(0).verify_signatures == true);
  REQUIRE(manifest->jobs.size() == 2);
  const auto& job = manifest->jobs[0];
  CHECK(job.extends == std::vector<std::string>{"demo.build"});
  REQUIRE(job.args.size() == 7);
  CHECK(job.args[1].type == "number");
  CHECK(job.args[3].item_choices == std::vector<std::string>{"a", "b"});
  CHECK(job.args[4].value_type == "string");
  CHECK((job.args[5].secret && job.args[6].secret && !job.args[0].secret));
  REQUIRE(job.tools.size() == 2);
  CHECK(job.tools[1].name == "cc");
  CHECK(manifest->jobs[1].id == "t:e-s.t_1");
}

TEST_CASE("what a manifest says is there afterwards") {
  const auto manifest = parse_manifest(kHead + R"(  maintainers: [{name: Ana}]
requires: {containers: [{image: alpine}]}
jobs:
  - id: build
    name: Build
    summary: Builds it
    argspec:
      args:
        - {name: level, type: integer, default: 3}
        - {name: token, format: secret, required: true}
        - {name: mode, enum: [fast, 2]}
    requirements: {tools: [{name: make, version: 4}]}
)");
  REQUIRE(manifest);
  CHECK(manifest->id == "demo.build-tools");
  CHECK(manifest->version == "1.2.3-rc.1+build.5");
  CHECK(manifest->maintainers.at(0).name == "Ana");
  CHECK(manifest->containers.at(0).image == "alpine");
  CHECK_FALSE(manifest->containers.at(0).verify_signatures);
  const auto& job = manifest->jobs.at(0);
  CHECK(job.id == "build");
  REQUIRE(job.args.size() == 3);
  CHECK(job.args[0].type == "integer");
  CHECK(*job.args[0].otherwise == 3);
  CHECK(job.args[1].secret);
  CHECK(job.args[1].required);
  CHECK(job.args[2].type == "string");
  CHECK(job.args[2].choices == std::vector<std::string>{"fast", "2"});
  CHECK(job.tools.at(0).version == "4");
  CHECK(parse_manifest(kHead + "requires: {}\n" + kJobs));
}

TEST_CASE("every fault of a manifest is told, with its field", "[S3-101]") {
  const auto detail = refused(R"(apiVersion: flwd.addon/v2
kind: Addon
metadata:
  name: ab
  id: -x
  version: 1.0
  sumary: x
requires:
  containers: [{image: "-x"}, {}]
  network: true
jobs:
  - id: Build
    name: B
    summary: s
    argspec:
      args:
        - {name: --x, type: strng, format: color, minimum: low, maxLength: -1, pattern: x}
        - {type: string}
    requirements: {tools: [{version: 1}]}
  - {id: ok1, name: n, summary: s}
  - {id: ok1, name: n, summary: s, argspec: {args: [{name: a}, {name: a}]}}
extra: 1
)");
  for (const auto* part : {"apiVersion: must be \"flwd.addon/v1\"",
                           "kind: must be \"AddOn\"",
                           "metadata.name: must have at least 3",
                           "metadata.id: must be 3 to 64",
                           "metadata.version: must be a semantic version",
                           "metadata.sumary: unknown key \"sumary\"; did you mean 'summary'?",
                           "requires.containers[0].image: the image",
                           "requires.containers[1].image: is required",
                           "requires.network: unknown key",
                           "jobs[0].id: must be 3 to 128",
                           "jobs[0].argspec.args[0].name: must be letters",
                           "jobs[0].argspec.args[0].type: must be one of",
                           "jobs[0].argspec.args[0].format: must be one of",
                           "jobs[0].argspec.args[0].minimum: must be a number",
                           "jobs[0].argspec.args[0].maxLength: must be a whole number",
                           "jobs[0].argspec.args[0].pattern: unknown key",
                           "jobs[0].argspec.args[1].name: is required",
                           "jobs[0].requirements.tools[0].name: is required",
                           "jobs[1].argspec: is required",
                           "jobs[2].id: \"ok1\" is there twice",
                           "jobs[2].argspec.args[1].name: \"a\" is there twice",
                           "extra: unknown key"}) {
    CAPTURE(part);
    CHECK(detail.find(part) != std::string::npos);
  }
  size_t faults = 1;
  for (size_t at = 0; (at = detail.find("; ", at)) != std::string::npos; at += 2)
    if (detail.compare(at, 15, "; did you mean ") != 0) faults++;
  CHECK(faults == 22);
}

TEST_CASE("what a manifest must have is missed", "[S3-101]") {
  CHECK(refused("{}") ==
        "apiVersion: is required; kind: is required; metadata: is required; requires: is required; jobs: is "
        "required");
  CHECK(refused("[]").find("manifest: must be an object") != std::string::npos);
  CHECK(refused(kHead + "requires: {}\njobs: []\n") == "jobs: must have at least one");
  CHECK(refused(kHead + "requires: {}\njobs: {}\n") == "jobs: must be an array");
  CHECK(refused(kHead + kJobs) == "requires: is required");
  CHECK(refused(kHead + "requires: {}\njobs: [{id: job, name: J, summary: \"\", argspec: {}}]\n") ==
        "jobs[0].summary: must not be empty");
}

TEST_CASE("summaries are at most 240 characters", "[S3-101]") {
  std::string wide;
  for (int i = 0; i < 240; i++) wide += "ä";
  CHECK(parse_manifest(kHead + "  summary: " + wide + "\nrequires: {}\n" + kJobs));
  CHECK(refused(kHead + "  summary: " + wide + "x\nrequires: {}\n" + kJobs) ==
        "metadata.summary: is longer than 240 characters");
}

TEST_CASE("a manifest of 10 MB, a bomb or what is no YAML is refused before it is read", "[S3-101]") {
  CHECK(refused(std::string(10'000'000, 'x')) == "manifest: is larger than 512 KiB");
  CHECK(refused(kHead + "# " + std::string(10 << 20, '#')) == "manifest: is larger than 512 KiB");
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; c++) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; i++) bomb += std::string("*") + static_cast<char>(c - 1) + ",";
    bomb += "]\n";
  }
  CHECK(refused(bomb).find("nodes, aliases included") != std::string::npos);
  CHECK(refused(std::string(10'000, '[')).starts_with("manifest: "));
  CHECK(refused("").starts_with("manifest: "));
  CHECK(refused("\xff\xfe").starts_with("manifest: is not UTF-8"));
  std::string many = kHead + "requires: {}\njobs:\n";
  for (size_t i = 0; i <= kMaxAddonJobs; i++) many += "- {id: job" + std::to_string(i) + "}\n";
  CHECK(refused(many) == "jobs: has more than 500 entries");
}

TEST_CASE("versions are semantic ones") {
  for (const auto* good : {"0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7",
                           "1.0.0-x-y.z", "1.0.0+001", "1.0.0-rc.1+build.5", "1.0.0+a-b"}) {
    CAPTURE(good);
    CHECK(is_semver(good));
  }
  for (const auto* bad :
       {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "v1.2.3", "1.2.3-", "1.2.3+", "1.2.3-01",
        "1.2.3-a..b", "1.2.3 ", "1.2.x", "-1.2.3", "1.2.3-\xc3\xa4", "1..3"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_semver(bad));
  }
}

TEST_CASE("no text makes reading a manifest fail in another way than by an error", "[S3-101]") {
  CHECK(rc::check("any text", [](const std::string& text) {
    const auto manifest = parse_manifest(text);
    RC_ASSERT(manifest || manifest.error().code == "E_ADDON_MANIFEST");
  }));
}
