// The grammar, suggestions, help, completion and exit statuses, without a node.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include <catch2/catch.hpp>

#include "app/cli/completion.hpp"
#include "app/cli/parse.hpp"
#include "app/cli/problem.hpp"
#include "app/cli/run.hpp"
#include "base/hash.hpp"

using namespace muster;
using namespace muster::cli;

namespace {

struct Said {
  int status = 0;
  std::string out, err;
};

Said say(const std::vector<std::string>& arguments,
         std::map<std::string, std::string, std::less<>> variables = {}) {
  std::istringstream in;
  std::ostringstream out, err;
  const Io io{in,
              out,
              err,
              {},
              {},
              [&](std::string_view name) -> std::optional<std::string> {
                const auto found = variables.find(name);
                if (found == variables.end()) return std::nullopt;
                return found->second;
              },
              system_now};
  const int status = run(arguments, io);
  return {status, out.str(), err.str()};
}

Parsed parsed(const std::string& verb, const std::vector<std::string>& arguments) {
  const auto result = parse(*find_verb(verb), arguments);
  INFO((result ? "" : result.error().detail));
  REQUIRE(result);
  return *result;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string read(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in);
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("a flag is the same with one dash or two, with a blank or an equals sign", "[S1-02]") {
  for (const std::vector<std::string>& form : std::vector<std::vector<std::string>>{{"-addr", ":8071"},
                                                                                    {"--addr", ":8071"},
                                                                                    {"--addr=:8071"},
                                                                                    {"-addr=:8071"},
                                                                                    {"--bind", ":8071"},
                                                                                    {"-bind", ":8071"}}) {
    const auto result = parsed(":config", form);
    REQUIRE(result.settings.size() == 1);
    CHECK(result.settings[0].name == "bind");
    CHECK(result.settings[0].text == ":8071");
    CHECK(form[0].starts_with(result.settings[0].where));
  }
}

TEST_CASE("a switch takes no value unless with an equals sign; after -- everything is a word") {
  CHECK(parsed(":config", {"--dev", "show"}).words == std::vector<std::string>{"show"});
  CHECK(parsed(":config", {"--dev=false"}).settings[0].text == "false");
  CHECK(parsed(":config", {"--json=false", "show"}).json == false);
  CHECK(parsed(":why", {"--", "--odd"}).words == std::vector<std::string>{"--odd"});
  CHECK_FALSE(parse(*find_verb(":log"), std::vector<std::string>{"--yes=perhaps"}));
}

TEST_CASE("an unknown flag, verb or word is a usage error that names the nearest") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
    {{":nodes", "--wtach"}, "did you mean '--watch'?"},
    {{":config", "-adrr", ":1"}, "did you mean '--addr'?"},
    {{":stauts"}, "did you mean ':status'?"},
    {{"status"}, "did you mean ':status'?"},
    {{"nodse"}, "did you mean ':nodes'?"},
    {{":token", "revok", "x"}, "did you mean 'revoke'?"},
    {{":config", "show", "jwks-ulr"}, "did you mean 'jwks-url'?"},
    {{"completion", "bahs"}, "did you mean 'bash'?"},
    {{":nodes", "--limit"}, "--limit needs a value"},
    {{":status", "extra"}, "does not take 'extra'"},
    {{":log", "compact"}, "needs --before"},
    {{":log", "compact", "--before", "soon"}, "neither a seq nor a time"},
  };
  for (const auto& [arguments, expected] : cases) {
    const auto said = say(arguments);
    INFO(said.err);
    CHECK(said.status == 2);
    CHECK(said.out.empty());
    CHECK(contains(said.err, expected));
  }
  CHECK(contains(say({"backup"}).err, "jobs come with a scripts folder"));
}

TEST_CASE("a flag of the node is unknown to a verb that only asks") {
  const auto said = say({":status", "--tls-cert", "x"});
  CHECK(said.status == 2);
  CHECK(contains(said.err, ":status has no flag '--tls-cert'"));
}

TEST_CASE("flags may stand before the verb") {
  const auto said = say({"--addr", ":9", ":config", "show", "bind", "--json"});
  CHECK(said.status == 0);
  CHECK(contains(said.out, R"("value":":9")"));
}

TEST_CASE("config show prints each value with its origin, and no secret") {
  const auto said =
    say({":config", "show", "--json", "-stale-ttl", "1m"}, {{"SUPERVISOR_API_KEY", "canary-5f0c"}});
  REQUIRE(said.status == 0);
  const auto document = parse_json(said.out);
  REQUIRE(document);
  CHECK((*document)["rows"].size() == config::settings().size());
  std::map<std::string, std::string> origins;
  for (const auto& row : (*document)["rows"]) origins[row["name"]] = row["origin"];
  CHECK(origins["stale-ttl"] == "-stale-ttl");
  CHECK(origins["api-key"] == "SUPERVISOR_API_KEY");
  CHECK(origins["bind"] == "default");
  CHECK_FALSE(contains(said.out, "canary"));
}

TEST_CASE("every verb has a summary, an example that parses, and help that names its flags") {
  for (const auto& verb : verbs()) {
    INFO(verb.name);
    CHECK_FALSE(verb.summary.empty());
    CHECK(verb.summary.size() <= 78);
    const auto said = say({std::string{verb.name}, "--help"});
    CHECK(said.status == 0);
    for (const auto& flag : verb.flags) CHECK(contains(said.out, "--" + std::string{flag.name}));
    CHECK(contains(said.out, "--json"));
    CHECK(contains(said.out, std::string{"muster "} + std::string{verb.name}));
    CHECK(contains(say({"--help"}).out, std::string{verb.name}));
  }
}

TEST_CASE("no flag of a verb hides a setting that the verb reads") {
  for (const auto& verb : verbs())
    for (const auto& flag : verb.flags) {
      const auto* setting = config::find_setting(flag.name);
      INFO(verb.name << " --" << flag.name);
      CHECK((setting == nullptr || setting->reader == config::Reader::node));
    }
}

TEST_CASE("exit statuses follow the catalog of errors") {
  const auto status_of = [](const Error& error) {
    std::istringstream in;
    std::ostringstream out, err;
    return print_problem({in, out, err, {}, {}, {}, {}}, error, false);
  };
  CHECK(status_of({"internal", ""}) == 1);
  CHECK(status_of({"field.invalid", ""}) == 2);
  CHECK(status_of({"forbidden", ""}) == 3);
  CHECK(status_of({"conflict", ""}) == 4);
  CHECK(status_of({"leader.lost", ""}) == 5);
  CHECK(say({":status", "--server", "http://127.0.0.1:1"}).status == 5);
  CHECK(contains(say({":status", "--server", "http://127.0.0.1:1"}).err, "muster :serve"));
  CHECK(say({":status", "--server", "file:///etc/passwd"}).status == 2);
  CHECK(say({":config", "--max-page", "0"}).status == 2);
}

TEST_CASE("a problem document is read as the error that it was", "[S3-105]") {
  const auto error =
    problem_of(404, R"({"code":"node.unknown","detail":"no n1","request":"r-1","errors":[]})");
  CHECK(error.code == "node.unknown");
  CHECK(error.detail == "no n1 (request r-1)");
  const auto lost = problem_of(503, R"({"code":"leader.lost","detail":"x","outcome":"unknown"})");
  CHECK(lost.outcome_unknown);
  const auto fields =
    problem_of(400, R"({"code":"field.invalid","detail":"x","errors":[{"pointer":"/a","message":"m"}]})");
  CHECK(fields.fields == std::vector<FieldError>{{"/a", "m"}});
  CHECK(problem_of(403, R"({"code":"of.tomorrow","detail":"x"})").code == "forbidden");
  CHECK(problem_of(401, "unauthorized\n").detail == "HTTP 401: unauthorized");
  CHECK(problem_of(502, "").code == "unreachable");
}

TEST_CASE("a problem is one readable block, or with --json one line") {
  std::istringstream in;
  std::ostringstream out, err;
  const Io io{in, out, err, {}, {}, {}, {}};
  print_problem(io, {"field.invalid", "two fields are wrong", {{"/a", "is missing"}, {"/b", "is \x1b[2J"}}},
                false);
  CHECK(err.str() ==
        "muster: A field is not valid (field.invalid)\n  two fields are wrong\n  /a: is missing\n"
        "  /b: is ?[2J\n  -> Correct the fields that errors[] names.\n");
  err.str("");
  print_problem(io, {"conflict", "x"}, true);
  const auto json = parse_json(err.str());
  REQUIRE(json);
  CHECK((*json)["code"] == "conflict");
  CHECK((*json)["exit"] == 4);
}

TEST_CASE("completion offers verbs after a colon, words, flags and values", "[S3-20]") {
  const auto inserts = [](std::vector<std::string> words) {
    std::vector<std::string> all{"__complete", "1"};
    all.insert(all.end(), words.begin(), words.end());
    const auto said = say(all);
    CHECK(said.status == 0);
    std::vector<std::string> found;
    std::istringstream lines{said.out};
    for (std::string line; std::getline(lines, line);) {
      const auto candidate = parse_json(line);
      REQUIRE(candidate);
      found.push_back((*candidate)["insert"]);
    }
    return found;
  };
  using Words = std::vector<std::string>;
  CHECK(inserts({":no"}) == Words{":nodes"});
  CHECK(inserts({":"}).size() == verbs().size());
  CHECK(inserts({""}) == Words{"completion"});
  CHECK(inserts({":token", "re"}) == Words{"revoke"});
  CHECK(inserts({":config", "--log", ""}) == Words{"auto", "json", "text"});
  CHECK(inserts({":config", "--log=J"}) == Words{"--log=json"});
  CHECK(inserts({":config", "--log=j"}) == Words{"--log=json"});
  CHECK(inserts({":config", "--JWKS-U"}) == Words{"--jwks-url"});
  CHECK(inserts({":token", "--server", ""}).empty());
  CHECK(inserts({":unknown", ""}).empty());
  CHECK(say({"__complete"}).status == 1);
  CHECK(say({"__complete", "x"}).status == 1);
}

TEST_CASE("the packaged completion scripts are the ones that the binary prints",
          "[S3-10][S3-11][S3-12][S3-13]") {
  const std::string folder = SOURCE_DIR "/tools/completions/";
  for (const auto& [shell, file] : {std::pair{"bash", "muster.bash"},
                                    {"zsh", "_muster"},
                                    {"fish", "muster.fish"},
                                    {"powershell", "muster.ps1"}})
    CHECK(say({"completion", shell}).out == read(folder + file));
}

TEST_CASE("the doctor says what is wrong and what to do, and exits 4") {
  const auto said = say({":doctor", "--data", "/proc/nothing", "--json"});
  CHECK(said.status == 4);
  const auto report = parse_json(said.out);
  REQUIRE(report);
  CHECK((*report)["ok"] == false);
  for (const auto& row : (*report)["rows"])
    if (row["status"] != "ok") CHECK_FALSE(row["remedy"].get<std::string>().empty());
  CHECK(contains(say({":doctor", "--bind", "0.0.0.0:1"}).out, "--api-key-file"));
}

TEST_CASE("the doctor reads every plan template and names a broken one") {
  const std::filesystem::path folder =
    std::filesystem::temp_directory_path() / ("muster-doctor-" + random_hex(8));
  std::filesystem::create_directory(folder);
  std::ofstream{folder / "server.yaml"} << "apps:\n  - {name: a, kind: docker}\n";
  const auto doctor = [&] { return say({":doctor", "--plans-dir", folder.string()}).out; };
  CHECK(contains(doctor(), "1 templates in " + folder.string()));
  std::ofstream{folder / "broken.yaml"} << "apps:\n  - {kind: docker}\n";
  CHECK(contains(doctor(), "-> Correct " + (folder / "broken.yaml").string()));
  std::filesystem::remove_all(folder);
}
