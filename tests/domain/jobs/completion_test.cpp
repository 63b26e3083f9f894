// Shows the candidates for each place on a command line, and that a thousand jobs do not slow them.
#include "domain/jobs/completion.hpp"

#include <algorithm>
#include <chrono>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "base/json.hpp"

using namespace muster;
using namespace muster::jobs;

namespace {

Arg arg(const std::string& name, const std::string& type, const std::string& description = "") {
  Arg made;
  made.name = name;
  made.type = type;
  made.description = description;
  return made;
}

const Job kGreeting = [] {
  Job job;
  auto tone = arg("tone", "string");
  tone.choices = {"Warm", "cold"};
  auto tags = arg("tags", "array");
  tags.item_choices = {"alpha", "beta"};
  job.args = {arg("name", "string", "Whom to greet"), arg("loud", "boolean", "Shout"), tone, tags,
              arg("json", "string", "shadowed")};
  return job;
}();

Command command(std::vector<std::string> words, const std::string& summary = "",
                const Job* job = &kGreeting) {
  Command made;
  made.words = std::move(words);
  made.summary = summary;
  made.job = job;
  return made;
}

std::vector<Command> tree() {
  std::vector<Command> all{command({"demo"}, "Says hello"), command({"ci", "build"}, "Builds"),
                           command({"ci", "Bench"}), command({"ci", "deploy", "web"})};
  all.push_back(command({"hello-demo"}, "Friendly"));
  all.back().alias_of = "demo";
  all.push_back(command({"hi"}));
  all.back().alias_of = "demo";
  all.push_back(command({":jobs"}, "Lists jobs", nullptr));
  all.back().flags = {{"all", 'a', "Show all", false, false, {}},
                      {"old", 0, "Not shown", false, true, {}},
                      {"format", 0, "How", true, false, {"json", "table"}}};
  return all;
}

using Words = std::vector<std::string>;

Words inserts(const Words& words) {
  const auto commands = tree();
  Words all;
  for (const auto& candidate : complete(commands, words)) all.push_back(candidate.insert);
  return all;
}

std::string display(const Words& words, const std::string& insert) {
  const auto commands = tree();
  for (const auto& candidate : complete(commands, words))
    if (candidate.insert == insert) return candidate.display;
  return "(none)";
}

}  // namespace

TEST_CASE("segments are jobs, folders and aliases; verbs only after a colon", "[S3-20]") {
  CHECK(inserts({}) == Words{"ci", "demo", "hello-demo", "hi"});
  CHECK(inserts({""}) == inserts({}));
  CHECK(inserts({"H"}) == Words{"hello-demo", "hi"});
  CHECK(inserts({":"}) == Words{":jobs"});
  CHECK(inserts({"ci", ""}) == Words{"Bench", "build", "deploy"});
  CHECK(inserts({"CI", "b"}) == Words{"Bench", "build"});
  CHECK(inserts({"ci", "deploy", ""}) == Words{"web"});
  CHECK(inserts({"nothing", ""}).empty());
  CHECK(display({""}, "demo") == "Says hello");
  CHECK(display({""}, "ci") == "ci");
  CHECK(display({""}, "hello-demo") == "hello-demo (alias -> demo, Friendly)");
  CHECK(display({""}, "hi") == "hi (alias -> demo)");
}

TEST_CASE("after a command come its flags and the common ones, after a flag its values", "[S3-21]") {
  const auto flags = inserts({"hello-demo", ""});
  for (const auto* flag : {"--name", "--loud", "--tone", "--tags", "--dry-run", "--json", "-v", "--on-error"})
    CHECK(std::count(flags.begin(), flags.end(), flag) == 1);
  CHECK(std::is_sorted(flags.begin(), flags.end()));
  CHECK(inserts({"hello-demo", "--lo"}) == Words{"--loud"});
  CHECK(inserts({"hello-demo", "--L"}) == Words{"--loud"});
  CHECK(display({"hello-demo", "--"}, "--name") == "Whom to greet");
  CHECK(display({"hello-demo", "--"}, "--json") == "Print events as JSON, one a line");
  CHECK(inserts({"hello-demo", "--", "--loud", ""}) == Words{"false", "true"});
  CHECK(inserts({"hello-demo", "--tone", ""}) == Words{"Warm", "cold"});
  CHECK(inserts({"hello-demo", "--tone", "w"}) == Words{"Warm"});
  CHECK(inserts({"demo", "--tags", "alpha", "--tags", ""}) == Words{"alpha", "beta"});
  CHECK(inserts({"demo", "--tone=c"}) == Words{"--tone=cold"});
  CHECK(display({"demo", "--tone=c"}, "--tone=cold") == "cold");
  CHECK(inserts({"demo", "--on-error", "r"}) == Words{"retry"});
}

TEST_CASE("a flag may follow a switch, a value, or what only looks like a flag", "[S3-21]") {
  CHECK(inserts({"demo", "--loud", "--na"}) == Words{"--name"});
  CHECK(inserts({"demo", "--name", "--tone", "--lo"}) == Words{"--loud"});
  CHECK(inserts({"demo", "--name", ""}).empty());  // Any text, so nothing is offered.
  CHECK(inserts({"demo", "--name=x", "--lo"}) == Words{"--loud"});
  CHECK(inserts({"demo", "-v", "--lo"}) == Words{"--loud"});
  CHECK(inserts({"demo", "--tone", "Warm", ""}) == inserts({"demo", ""}));
}

TEST_CASE("a verb has its own flags, hidden ones are not shown", "[S3-21]") {
  CHECK(inserts({":jobs", ""}) == Words{"--all", "--format", "-a"});
  CHECK(inserts({":jobs", "--format", "j"}) == Words{"json"});
  CHECK(inserts({":jobs", "--all", ""}) == Words{"false", "true"});
}

TEST_CASE("a job has its words before an alias of the same", "[S3-20]") {
  auto commands = tree();
  commands.push_back(command({"demo"}, "Other"));
  commands.back().alias_of = "ci/build";
  std::reverse(commands.begin(), commands.end());
  const auto found = complete(commands, Words{"demo"});
  REQUIRE(found.size() == 1);
  CHECK(found[0].display == "Says hello");
}

TEST_CASE("a candidate is one line of JSON, whatever it shows", "[S3-20]") {
  CHECK(candidate_line({"--name", "Whom \"to\"\ngreet", Candidate::Type::flag}) ==
        R"({"insert":"--name","display":"Whom \"to\"\ngreet","type":"flag"})");
  CHECK(candidate_line({"a", "\xff", Candidate::Type::segment}) ==
        "{\"insert\":\"a\",\"display\":\"\xef\xbf\xbd\",\"type\":\"segment\"}");
}

TEST_CASE("words of any bytes have candidates that begin with the last", "[S3-20][S3-21]") {
  CHECK(rc::check("they do", [](std::vector<std::string> words) {
    if (*rc::gen::arbitrary<bool>()) words.insert(words.begin(), "demo");
    const auto commands = tree();
    for (const auto& found : complete(commands, words))
      RC_ASSERT(found.insert.size() >= (words.empty() ? 0 : words.back().size()));
  }));
}

TEST_CASE("a thousand jobs are looked through in far less than a call may take") {
  std::vector<Command> commands;
  for (int i = 0; i < 1000; i++) commands.push_back(command({"group", "job-" + std::to_string(i)}, "A job"));
  const std::vector<Words> calls{
    {""}, {"gr"}, {"group", ""}, {"group", "job-500", "--"}, {"group", "job-9", "--tone", ""}};
  constexpr int kRounds = 200;
  size_t found = 0;
  const auto from = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; i++)
    for (const auto& words : calls) found += complete(commands, words).size();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - from;
  WARN("ms a call: " << took.count() / (kRounds * static_cast<double>(calls.size())));
  // The budget's median, ten times over for a busy machine.
  CHECK(took.count() / (kRounds * static_cast<double>(calls.size())) < 250);
  CHECK(found > 1000U * kRounds);
}
