// Shows what a script's environment and command line hold, and what never is in them.
#include "domain/jobs/environment.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/jobs/redaction.hpp"

using namespace muster;
using namespace muster::jobs;

namespace {

struct Case {
  Job job;
  Arguments arguments;

  void add(const std::string& name, const std::string& type, const Json& value, bool secret = false) {
    Arg arg;
    arg.name = name;
    arg.type = type;
    arg.secret = secret;
    job.args.push_back(arg);
    values.push_back(value);
    arguments.clear();
    for (size_t i = 0; i < values.size(); i++) arguments.push_back({&job.args[i], values[i]});
  }

  std::vector<Json> values;
};

const Surroundings kAround{
  {{"PATH", "/host/bin"}, {"HOME", "/root"}, {"ARG_NAME", "host"}}, "/data", "/data/runs/r1"};

Case greeting() {
  Case made;
  made.add("name", "string", "Ana");
  made.add("loud-er.x", "boolean", true);
  made.add("quiet", "boolean", false);
  made.add("count", "integer", -5);
  made.add("tags", "array", {"a", "b"});
  made.add("meta", "object", {{"k", "v"}});
  made.add("token", "string", "hunter2", true);
  return made;
}

}  // namespace

TEST_CASE("scalars are variables, and all arguments are one JSON object with sorted keys", "[S3-114]") {
  const auto given = greeting();
  const auto made = script_environment(given.job, given.arguments, kAround);
  REQUIRE(made);
  CHECK(*made == Environment{{"PATH", "/host/bin"},
                             {"ARG_NAME", "Ana"},
                             {"ARG_LOUD_ER.X", "true"},
                             {"ARG_QUIET", "false"},
                             {"ARG_COUNT", "-5"},
                             {"DATA_DIR", "/data"},
                             {"FLOWD_DATA_DIR", "/data"},
                             {"RUN_DIR", "/data/runs/r1"},
                             {"FLOWD_RUN_DIR", "/data/runs/r1"},
                             {"FLWD_RUN_DIR", "/data/runs/r1"},
                             {"FLWD_ARGS_JSON",
                              R"({"count":-5,"loud-er.x":true,"meta":{"k":"v"},"name":"Ana","quiet":false,)"
                              R"("tags":["a","b"],"token":"[secret]"})"}});
}

TEST_CASE("no secret is in the environment unless the host's may be inherited", "[S3-114]") {
  const auto given = greeting();
  auto around = kAround;
  const auto in_any = [](const Environment& made, const std::string& text) {
    return std::any_of(made.begin(), made.end(),
                       [&](const auto& one) { return one.second.find(text) != std::string::npos; });
  };
  CHECK_FALSE(in_any(*script_environment(given.job, given.arguments, around), "hunter2"));
  around.inherit = true;
  const auto made = *script_environment(given.job, given.arguments, around);
  CHECK(in_any(made, "hunter2"));
  CHECK(made.count("ARG_TOKEN") == 0);
}

TEST_CASE("later parts overwrite, but the host's only fill what is not there") {
  auto given = greeting();
  given.job.env = {{"PATH", "/job/bin"},     {"ARG_NAME", "job"}, {"DATA_DIR", "/elsewhere"},
                   {"FLWD_ARGS_JSON", "{}"}, {"RUN_DIR", "x"},    {"OWN", "1"}};
  auto around = kAround;
  around.inherit = true;
  around.host["RUN_DIR"] = around.host["OWN"] = "host";
  const auto made = *script_environment(given.job, given.arguments, around);
  CHECK(made.at("PATH") == "/job/bin");
  CHECK(made.at("ARG_NAME") == "Ana");
  CHECK(made.at("RUN_DIR") == "/data/runs/r1");
  CHECK(made.at("OWN") == "1");
  CHECK(made.at("HOME") == "/root");
  CHECK(made.at("FLWD_ARGS_JSON") != "{}");
  CHECK(script_environment(given.job, given.arguments, kAround)->count("HOME") == 0);
}

TEST_CASE("a job's own DATA_DIR is its scripts' data folder; its run stays where the node's runs are") {
  auto given = greeting();
  given.job.env = {{"DATA_DIR", "/elsewhere"}};
  const auto made = *script_environment(given.job, given.arguments, kAround);
  CHECK(made.at("DATA_DIR") == "/elsewhere");
  CHECK(made.at("FLOWD_DATA_DIR") == "/elsewhere");
  CHECK(made.at("FLWD_RUN_DIR") == "/data/runs/r1");
}

TEST_CASE("a name or value that no environment can hold is told") {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
         {"", "x"}, {"A=B", "x"}, {std::string("A\0B", 3), "x"}, {"A", std::string("x\0y", 3)}}) {
    Job job;
    job.env[name] = value;
    const auto made = script_environment(job, {}, kAround);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == "E_CONFIG");
  }
}

TEST_CASE("flags are in the job's order, without secrets, arrays and objects") {
  CHECK(script_flags(greeting().arguments) ==
        std::vector<std::string>{"--name=Ana", "--loud-er.x", "--count=-5"});
  Case hostile;
  hostile.add("x", "string", "--dry-run\n$(id) 'q'");
  CHECK(script_flags(hostile.arguments) == std::vector<std::string>{"--x=--dry-run\n$(id) 'q'"});
}

TEST_CASE("a secret's file has a name that stays in its folder", "[S3-113]") {
  CHECK(secret_file("secret_token") == "secret_token");
  CHECK(secret_file("a/../b c") == "a_.._b_c");
  CHECK(secret_file("..") == "_..");
  CHECK(secret_file("") == "_");
  CHECK(secret_file("\xc3\xa9") == "__");
  CHECK(secret_text("a\nb") == "a\nb");
  CHECK(secret_text(5) == "5");
  CHECK(secret_text(Json{{"b", "1"}, {"a", "2"}}) == R"({"a":"2","b":"1"})");
  CHECK(rc::check("no name leaves the folder", [](const std::string& name) {
    const auto file = secret_file(name);
    RC_ASSERT(file.find('/') == std::string::npos);
    RC_ASSERT(file != "." && file != ".." && !file.empty());
  }));
}
