// Shows how arguments are bound: from JSON, from words, by what rules, and what is said of wrong ones.
#include "domain/jobs/arguments.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/jobs/argument_values.hpp"
#include "domain/jobs/typed_words.hpp"
#include "domain/run_limits.hpp"

using namespace muster;
using namespace muster::jobs;

namespace {

Arg arg(const std::string& name, const std::string& type = "string") {
  Arg made;
  made.name = name;
  made.type = type;
  return made;
}

Arg with_default(Arg made, Json value) {
  made.otherwise = std::move(value);
  return made;
}

Job greeting() {
  Job job;
  auto name = arg("name");
  name.required = true;
  auto tags = arg("tags", "array");
  tags.item_choices = {"alpha", "beta"};
  auto token = arg("secret_token");
  token.secret = true;
  auto tone = arg("tone");
  tone.choices = {"warm", "cold"};
  job.args = {name,  with_default(arg("loud", "boolean"), false),
              tags,  arg("meta", "object"),
              token, arg("count", "integer"),
              tone};
  return job;
}

Job with(Arg one) {
  Job job;
  job.args = {std::move(one)};
  return job;
}

Json values(const Arguments& arguments) {
  Json all = Json::object();
  for (const auto& [arg, value] : arguments) all[arg->name] = value;
  return all;
}

Json json_of(const Job& job, const Json& args) {
  const auto bound = bind_json(job, args);
  return bound ? values(*bound) : Json{{"code", bound.error().code}, {"detail", bound.error().detail}};
}

Json words_of(const Job& job, const std::vector<std::string>& words) {
  Common common;
  const auto bound = bind_words(job, words, common);
  return bound ? values(*bound) : Json(bound.error().code + " | " + bound.error().detail);
}

Common common_of(const std::vector<std::string>& words) {
  Common common;
  const Job job;
  REQUIRE(bind_words(job, words, common));
  return common;
}

Json refused(const std::string& detail) {
  return "E_ARGS | E_ARGS: arg " + detail;
}

}  // namespace

TEST_CASE("whole numbers are read in any base, with underscores between digits") {
  const std::vector<std::pair<std::string, std::optional<int64_t>>> cases{{"5", 5},
                                                                          {"-5", -5},
                                                                          {"+7", 7},
                                                                          {"0x1f", 31},
                                                                          {"0X1F", 31},
                                                                          {"0o17", 15},
                                                                          {"017", 15},
                                                                          {"0b101", 5},
                                                                          {"1_000", 1000},
                                                                          {"0x_1f", 31},
                                                                          {"0_17", 15},
                                                                          {"0", 0},
                                                                          {"-0", 0},
                                                                          {"", {}},
                                                                          {"-", {}},
                                                                          {"_1", {}},
                                                                          {"1_", {}},
                                                                          {"1__0", {}},
                                                                          {"0x", {}},
                                                                          {"08", {}},
                                                                          {"1.5", {}},
                                                                          {"1e3", {}},
                                                                          {" 1", {}},
                                                                          {"0b2", {}},
                                                                          {"0_", {}},
                                                                          {"0x_", {}},
                                                                          {"--1", {}},
                                                                          {"1\n", {}},
                                                                          {"9223372036854775807", INT64_MAX},
                                                                          {"9223372036854775808", {}},
                                                                          {"-9223372036854775808", INT64_MIN},
                                                                          {"-9223372036854775809", {}},
                                                                          {"99999999999999999999999", {}}};
  for (const auto& [text, number] : cases) {
    INFO(text);
    CHECK(integer_of(text) == number);
  }
  CHECK(rc::check("any number is read as it was written",
                  [](int64_t number) { return integer_of(std::to_string(number)) == number; }));
}

TEST_CASE("values of every type are bound from JSON, in the order of the job's list") {
  const auto job = greeting();
  const auto given = Json::parse(
    R"({"count":3.0,"meta":{"k":"v=w"},"tags":["beta","alpha"],"name":"Ana","secret_token":"s3","tone":"warm","loud":true})");
  CHECK(
    json_of(job, given).dump() ==
    R"({"name":"Ana","loud":true,"tags":["beta","alpha"],"meta":{"k":"v=w"},"secret_token":"s3","count":3,"tone":"warm"})");
  CHECK(json_of(job, {{"name", "Ana"}, {"tone", nullptr}}).dump() == R"({"name":"Ana","loud":false})");
}

TEST_CASE("JSON of a wrong type or an unknown name is told as invalid arguments") {
  const auto job = greeting();
  const std::vector<std::pair<std::string, std::string>> cases{
    {R"({"name":1})", "name: must be a string"},
    {R"({"name":"a","loud":"true"})", "loud: must be true or false"},
    {R"({"name":"a","count":1.9})", "count: must be a whole number"},
    {R"({"name":"a","count":"1"})", "count: must be a whole number"},
    {R"({"name":"a","count":18446744073709551615})", "count: is out of range"},
    {R"({"name":"a","count":1e300})", "count: is out of range"},
    {R"({"name":"a","tags":"alpha"})", "tags: must be an array of strings"},
    {R"({"name":"a","tags":["alpha",1]})", "tags: must be an array of strings"},
    {R"({"name":"a","meta":{"k":1}})", "meta: must be an object of strings"},
    {R"({"name":"a","meta":["k=v"]})", "meta: must be an object of strings"},
    {R"({"nmae":"a"})", "nmae: unknown argument; did you mean 'name'?"},
    {R"([1])", "must be an object"},
    {R"("x")", "must be an object"}};
  for (const auto& [text, detail] : cases) {
    INFO(text);
    CHECK(json_of(job, Json::parse(text)) == Json{{"code", "arguments.invalid"}, {"detail", detail}});
  }
  CHECK(json_of(with(arg("x", "number")), {{"x", 1}})["detail"] == "x: unsupported type \"number\"");
  CHECK(json_of(Job{}, {{"x", 1}}) ==
        Json{{"code", "arguments.unwanted"}, {"detail", "job does not accept arguments"}});
  CHECK(json_of(Job{}, Json::object()) == Json::object());
  CHECK(json_of(Job{}, nullptr) == Json::object());
}

TEST_CASE("values that break a rule are all named, each with its argument") {
  const auto job = greeting();
  const auto bound =
    bind_json(job, Json::parse(R"({"tags":["alpha","gamma"],"tone":"loud","meta":{" ":"x"}})"));
  REQUIRE_FALSE(bound);
  CHECK(bound.error().code == "arguments.refused");
  CHECK(bound.error().detail == "name: required");
  CHECK(argument_errors(bound.error()) == Json::parse(R"([{"arg":"name","message":"required"},
    {"arg":"tags","message":"item \"gamma\" not in items_enum"},{"arg":"meta","message":"empty key"},
    {"arg":"tone","message":"value \"loud\" not in enum"}])"));
  CHECK(bound.error().fields[1].pointer == "/args/tags");
}

TEST_CASE("what is required must not be empty, and a default that is not empty meets it") {
  for (const auto* type : {"string", "array", "object"}) {
    auto one = arg("x", type);
    one.required = true;
    const Json empty = std::string(type) == "string"  ? Json("")
                       : std::string(type) == "array" ? Json::array()
                                                      : Json::object();
    CHECK(json_of(with(one), {{"x", empty}})["detail"] == "x: required");
    CHECK(json_of(with(one), Json::object())["detail"] == "x: required");
  }
  auto truth = with_default(arg("x", "boolean"), false);
  truth.required = true;
  CHECK(json_of(with(truth), Json::object()) == Json{{"x", false}});
  auto text = with_default(arg("x"), "");
  text.required = true;
  CHECK(json_of(with(text), Json::object())["detail"] == "x: required");
  CHECK(words_of(with(text), {}) == refused("x: required"));
}

TEST_CASE("defaults are read as the contract reads them") {
  const auto bound = [](const std::string& type, const Json& otherwise) {
    return json_of(with(with_default(arg("x", type), otherwise)), Json::object());
  };
  CHECK(bound("string", "a") == Json{{"x", "a"}});
  CHECK(bound("string", 5) == Json{{"x", ""}});
  CHECK(bound("integer", 5) == Json{{"x", 5}});
  CHECK(bound("integer", 1.9) == Json{{"x", 1}});
  CHECK(bound("integer", "1.9") == Json{{"x", 1}});
  CHECK(bound("integer", "0x1f") == Json{{"x", 31}});
  CHECK(bound("integer", "1e999") == Json::object());
  CHECK(bound("integer", "many") == Json::object());
  CHECK(bound("boolean", "TRUE") == Json{{"x", true}});
  CHECK(bound("boolean", "yes") == Json::object());
  CHECK(bound("array", "a, b,,c") == Json{{"x", {"a", "b", "c"}}});
  CHECK(bound("array", Json{"a", 1, true}) == Json{{"x", {"a", "1", "true"}}});
  CHECK(bound("object", Json{{"a", "b"}}) == Json::object());
  CHECK(bound("string", nullptr) == Json::object());
}

TEST_CASE("declarations that cannot be met are told") {
  auto secret = with_default(arg("x"), "hunter2");
  secret.secret = true;
  CHECK(json_of(with(secret), {{"x", "y"}}) ==
        Json{{"code", "arguments.refused"}, {"detail", "x: default forbidden for secret"}});
  auto list = arg("x", "array");
  list.items_type = "integer";
  CHECK(json_of(with(list), Json::object())["detail"] == "x: items_type not supported in Phase 1");
  auto map = arg("x", "object");
  map.value_type = "integer";
  CHECK(words_of(with(map), {}) == refused("x: value_type not supported in Phase 1"));
  CHECK(words_of(with(arg("x", "number")), {"--x", "1"}) == refused("x: unsupported type \"number\""));
  for (const auto* name : {"", "a b", "a=b", "-a", "a\nb", "\xff"})
    CHECK(json_of(with(arg(name)), Json::object())["detail"].get<std::string>().find("cannot be a flag") !=
          std::string::npos);
}

TEST_CASE("words set arguments in every spelling", "[S3-04]") {
  const auto job = greeting();
  CHECK(
    words_of(job, {"--name", "Ana", "--loud", "--tags", "alpha", "--tags=beta", "--meta", "a=1", "--meta",
                   " b =x=y", "--meta=a=2", "--count", "1_000", "--secret_token=s3"})
      .dump() ==
    R"({"name":"Ana","loud":true,"tags":["alpha","beta"],"meta":{"a":"2","b":"x=y"},"secret_token":"s3","count":1000})");
  CHECK(words_of(job, {"--name=a", "--name=b", "--loud=T", "--loud=f"}) ==
        Json{{"name", "b"}, {"loud", false}});
  CHECK(words_of(job, {"--name=a", "--count=-0x10"})["count"] == -16);
  CHECK(words_of(with(arg("l", "array")), {"--l", "a,b"}) == Json{{"l", {"a,b"}}});
}

TEST_CASE("words that look like flags, or hold lines, quotes and commands, are values as they are",
          "[S3-04]") {
  const auto job = greeting();
  for (const std::string value : {"--loud", "-v", "--", "a\nb", "it's \"x\"", "$(reboot)", "`id`", "a;b|c&d",
                                  "-", "\xc3\xa9", "\x1b[31m", "%s%n", "../../etc/passwd"}) {
    INFO(value);
    CHECK(words_of(job, {"--name", value}) == Json{{"name", value}, {"loud", false}});
    CHECK(words_of(job, {"--name=" + value})["name"] == value);
  }
  CHECK(words_of(job, {"--name", std::string("a\0b", 3)}) == refused("name: must not contain NUL"));
  CHECK(words_of(job, {"--name", "\xff"}) == refused("name: is not UTF-8"));
  CHECK(json_of(job, {{"name", std::string("a\0b", 3)}})["code"] == "arguments.refused");
  CHECK(json_of(with(arg("m", "object")), {{"m", {{std::string("a\0", 2), "x"}}}})["detail"] ==
        "m: must not contain NUL");
}

TEST_CASE("wrong words are told as the contract says it") {
  const auto job = greeting();
  CHECK(words_of(job, {}) == "E_ARGS | required flag(s) \"name\" not set");
  auto two = job;
  two.args[5].required = true;
  CHECK(words_of(two, {}) == "E_ARGS | required flag(s) \"count\", \"name\" not set");
  CHECK(words_of(job, {"--name", ""}) == refused("name: required"));
  CHECK(words_of(job, {"--name"}) == "E_ARGS | flag needs an argument: --name");
  CHECK(words_of(job, {"--nmae=secret"}) == "E_ARGS | unknown flag: --nmae; did you mean 'name'?");
  CHECK(words_of(job, {"-x"}) == "E_ARGS | unknown shorthand flag: 'x'");
  CHECK(words_of(job, {"--name=a", "--loud=maybe"}) == refused("loud: invalid boolean \"maybe\""));
  CHECK(words_of(job, {"--name=a", "--count", "5x"}) == refused("count: invalid integer \"5x\""));
  CHECK(words_of(job, {"--name=a", "--meta", "nothing"}) ==
        refused("meta: invalid pair \"nothing\", expected k=v"));
  CHECK(words_of(job, {"--name=a", "--meta", " =v"}) == refused("meta: empty key"));
  CHECK(words_of(job, {"--name=a", "--tags", "x"}) == refused("tags: item \"x\" not in items_enum"));
  CHECK(words_of(job, {"--name=a", "--tone", "x"}) == refused("tone: value \"x\" not in enum"));
}

TEST_CASE("a secret of any type is in no message") {
  for (const std::string type : {"string", "boolean", "integer", "array", "object"}) {
    auto one = arg("s", type);
    one.secret = true;
    one.choices = one.item_choices = {"other"};
    const auto said = words_of(with(one), {"--s=hunter2"}).dump();
    INFO(said);
    CHECK(said.find("hunter2") == std::string::npos);
    CHECK(said.find("[secret]") != std::string::npos);
  }
}

TEST_CASE("a boolean takes its value only with an equals sign, and a stray word is kept apart") {
  Common common;
  const auto job = greeting();
  const auto bound =
    bind_words(job, std::vector<std::string>{"--name=a", "--loud", "false", "--", "--tone"}, common);
  REQUIRE(bound);
  CHECK(values(*bound) == Json{{"name", "a"}, {"loud", true}});
  CHECK(common.stray == std::vector<std::string>{"false", "--tone"});
}

TEST_CASE("common flags are read in every spelling") {
  const auto all =
    common_of({"--dry-run", "-vv", "-v", "-q", "--strict", "--on-error", "continue", "--report=yaml",
               "--report-file", "out", "--profile", "permissive", "--json", "--node=n2", "--exit-code"});
  CHECK((all.dry_run && all.quiet && all.strict && all.json && all.exit_code));
  CHECK(all.verbose == 3);
  CHECK(all.on_error == OnError::go_on);
  CHECK(
    (all.report == "yaml" && all.report_file == "out" && all.profile == "permissive" && all.node == "n2"));
  CHECK(common_of({"--json=false", "--verbose", "--verbose=2"}).verbose == 2);
  CHECK(common_of({"-vq"}).quiet);
  CHECK(common_of({"-v=5"}).verbose == 5);
  CHECK_FALSE(common_of({"--json", "--json=false"}).json);
}

TEST_CASE("wrong common flags are refused") {
  const Job job;
  CHECK(words_of(job, {"--on-error", "explode"}) ==
        "E_ARGS | --on-error: \"explode\" is none of abort, continue, retry");
  CHECK(words_of(job, {"--report", "xml"}) == "E_ARGS | --report: \"xml\" is none of json, yaml");
  CHECK(words_of(job, {"--report-file", "x"}) ==
        "E_ARGS | --report-file needs --report json or --report yaml");
  CHECK(words_of(job, {"--json=maybe"}) == "E_ARGS | --json: \"maybe\" is neither true nor false");
  CHECK(words_of(job, {"--verbose=-1"}) == "E_ARGS | --verbose: \"-1\" is no count");
  CHECK(words_of(job, {"--node"}) == "E_ARGS | flag needs an argument: --node");
}

TEST_CASE("a common flag shadows an argument of its name") {
  auto job = with(arg("profile"));
  Common common;
  const auto bound = bind_words(job, std::vector<std::string>{"--profile", "secure"}, common);
  REQUIRE(bound);
  CHECK(bound->empty());
  CHECK(common.profile == "secure");
  job.args[0].required = true;
  CHECK(words_of(job, {"--profile", "secure"}) ==
        "E_ARGS | required flag(s) \"profile\" not set; a common flag shadows it: only the API can set it");
  CHECK(json_of(job, {{"profile", "x"}}) == Json{{"profile", "x"}});
}

TEST_CASE("help asks for nothing else") {
  Common common;
  const auto job = greeting();
  CHECK(bind_words(job, std::vector<std::string>{"-h"}, common));
  CHECK(common.help);
}

TEST_CASE("arguments that no variable could hold are refused by size") {
  const auto job = with(arg("x"));
  CHECK(json_of(job, {{"x", std::string(runs::kMaxArguments + 1, 'a')}})["detail"] ==
        "x: with it the arguments exceed 122880 bytes");
  // Each becomes six characters of JSON.
  CHECK(json_of(job, {{"x", std::string(runs::kMaxArguments / 4, '\x01')}})["code"] == "arguments.refused");
  CHECK(json_of(job, {{"x", std::string(runs::kMaxArguments / 2, 'a')}})["x"].get<std::string>().size() ==
        runs::kMaxArguments / 2);
}

TEST_CASE("any text is bound alike from JSON and from a word") {
  CHECK(rc::check("both forms agree", [] {
    const auto job = with(arg("x"));
    const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    RC_ASSERT((words_of(job, {"--x", text}) == Json{{"x", text}}));
    RC_ASSERT((words_of(job, {"--x=" + text}) == json_of(job, {{"x", text}})));
  }));
}

TEST_CASE("words of any bytes never break the binding") {
  CHECK(rc::check("there is a result or an error", [](const std::vector<std::string>& words) {
    Common common;
    const auto job = greeting();
    auto all = words;
    for (const auto& word : words) all.push_back("--meta=" + word);
    (void)bind_words(job, all, common);
  }));
}
