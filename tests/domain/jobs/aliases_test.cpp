// Shows how flwd.yaml gives jobs further names, and what is said of names that it cannot give.
#include "domain/jobs/aliases.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

namespace {

Tree tree() {
  return make_tree({{"demo/build/config.d/config.yaml", "job: {summary: Builds}"},
                    {"demo/test/config.d/config.yaml", ""},
                    {"greet/config.d/config.yaml", "job: {id: Greet}"}},
                   "scripts");
}

Aliases aliases_of(std::string_view yaml, const Tree& of) {
  const auto declared = read_aliases(yaml);
  INFO((declared ? std::string{} : declared.error().detail));
  REQUIRE(declared);
  return Aliases(*declared, of);
}

std::string code_of(const Aliases& aliases, const Tree& of, std::string_view name) {
  const auto found = find_job(of, aliases, name);
  return found ? "" : found.error().code;
}

}  // namespace

TEST_CASE("from is the job and to its further name, found in any letter case", "[S3-14][S3-16]") {
  const auto jobs = tree();
  const auto aliases = aliases_of("aliases:\n  - {from: demo/build, to: Build, description: Short}\n", jobs);
  REQUIRE(aliases.listed().size() == 1);
  const Alias& alias = aliases.listed()[0];
  CHECK(alias.name == "Build");
  CHECK(alias.target_path == "demo/build");
  CHECK(alias.target_id == "demo.build");
  CHECK(alias.description == "Short");
  const auto found = find_job(jobs, aliases, "bUILD");
  REQUIRE(found);
  CHECK(found->job == jobs.find("demo.build"));
  CHECK(found->alias == &alias);
  CHECK(find_job(jobs, aliases, "DEMO.build")->alias == nullptr);
}

TEST_CASE("targets may be written as people write paths", "[S3-14]") {
  for (const std::string_view target :
       {"demo/build", " demo/build ", "/demo/build/", "demo\\build", "demo:build", "demo//build",
        "demo / build", "demo.build", "demo..build", "DEMO/Build"}) {
    INFO(target);
    const auto jobs = tree();
    const auto aliases = Aliases({{std::string(target), "b", ""}}, jobs);
    CHECK(aliases.listed().size() == 1);
    CHECK(find_job(jobs, aliases, "b"));
  }
  rc::check([](const std::string& text) {
    const auto path = alias_path(text);
    RC_ASSERT(alias_path(path).find("..") == std::string::npos);
    RC_ASSERT(!path.starts_with('/'));
    RC_ASSERT(!path.ends_with('/'));
  });
}

TEST_CASE("names that cannot be are diagnosed with their codes", "[S3-17][S3-18][S3-19]") {
  const auto jobs = tree();
  const auto aliases = aliases_of(
    "aliases:\n"
    "  - {from: demo/build, to: ':jobs'}\n"
    "  - {from: demo/build, to: GREET}\n"
    "  - {from: demo/buidl, to: b}\n"
    "  - {from: ':jobs', to: c}\n"
    "  - {from: demo/test, to: a/b}\n"
    "  - {from: demo/test, to: T}\n",
    jobs);
  CHECK(aliases.listed().size() == 1);
  CHECK(aliases.invalid().at(":jobs").code == "alias.reserved");
  CHECK(aliases.invalid().at("greet").code == "alias.name.conflict");
  CHECK(aliases.invalid().at("b").code == "alias.target.invalid");
  CHECK(aliases.invalid().at("b").detail == "no job has the id \"demo.buidl\"; did you mean 'demo.build'?");
  CHECK(aliases.invalid().size() == 4);
  REQUIRE(aliases.faults().size() == 1);
  CHECK(aliases.faults()[0].error.find("\"a/b\"") != std::string::npos);
  CHECK(code_of(aliases, jobs, ":JOBS") == "alias.reserved");
  CHECK(code_of(aliases, jobs, "b") == "alias.target.invalid");
  CHECK(code_of(aliases, jobs, "greet").empty());  // A job's own id goes first.
  CHECK(code_of(aliases, jobs, "a/b") == "job.unknown");
  CHECK(code_of(aliases, jobs, "nothing") == "job.unknown");
}

TEST_CASE("an alias of an alias leads nowhere and is told so", "[S3-17]") {
  const auto jobs = tree();
  const auto aliases = aliases_of("aliases: [{from: demo/build, to: b}, {from: b, to: bb}]", jobs);
  CHECK(aliases.listed().size() == 1);
  CHECK(aliases.invalid().at("bb").detail == "an alias cannot be the target of an alias");
}

TEST_CASE("a name that is declared twice is a collision with its contenders, a repetition is not",
          "[S3-17]") {
  const auto jobs = tree();
  const auto aliases = aliases_of(
    "aliases: [{from: demo/test, to: x}, {from: demo/build, to: X}, {from: demo/build, to: y}, "
    "{from: demo/build, to: y, description: again}]",
    jobs);
  REQUIRE(aliases.listed().size() == 2);
  CHECK(aliases.listed()[0].target_id == "demo.build");  // Sorted by from: the first is the one listed.
  REQUIRE(aliases.collisions().size() == 1);
  const auto& contenders = aliases.collisions().at("x");
  REQUIRE(contenders.size() == 2);
  CHECK(contenders[1].target_id == "demo.test");
  CHECK(code_of(aliases, jobs, "x") == "alias.collision");
  const auto told = find_job(jobs, aliases, "x").error();
  CHECK(told.detail == "the alias \"x\" is declared 2 times: demo/build, demo/test");
  CHECK(told.fields == std::vector<FieldError>{{"demo/build", "demo.build"}, {"demo/test", "demo.test"}});
  CHECK_FALSE(aliases.find("x"));
  CHECK(code_of(aliases, jobs, "y").empty());
}

TEST_CASE("an entry that lacks a name fails the whole file, with its line", "[S3-17]") {
  const auto refused = [](std::string_view text) {
    const auto read = read_aliases(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == "alias.configuration.invalid");
    return read.error().detail;
  };
  CHECK(refused("aliases:\n  - {from: a, to: b}\n  - {from: a}\n") ==
        "flwd.yaml: /aliases/1/to line 3: is required");
  CHECK(refused("aliases: [{from: ' ', to: b}]").find("must not be empty") != std::string::npos);
  CHECK(refused("aliases: 7").find("must be an array") != std::string::npos);
  CHECK(refused("aliases: [").find("is not YAML") != std::string::npos);
  for (const auto* text : {"", "# none\n", "other: 1", "aliases:"}) CHECK(read_aliases(text)->empty());
}
