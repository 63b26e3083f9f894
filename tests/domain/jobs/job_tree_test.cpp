// Shows which files of a tree are jobs, what their ids are, and which words of a command line name them.
#include "domain/jobs/job_tree.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

namespace {

using Given = std::vector<std::pair<std::string, std::string>>;
using Words = std::vector<std::string>;

std::vector<std::string> ids_of(const Tree& tree) {
  std::vector<std::string> ids;
  for (const auto& entry : tree.jobs()) ids.push_back(entry.job->id);
  return ids;
}

std::string named_by(const Tree& tree, const Words& words) {
  const auto found = tree.command(words);
  return found.job ? found.job->id + "+" + std::to_string(words.size() - found.words) : "";
}

Words segments_of(const Tree& tree, const Words& words) {
  Words made;
  for (const auto& segment : tree.segments(words)) made.push_back(segment.word + (segment.job ? "!" : ""));
  return made;
}

}  // namespace

TEST_CASE("jobs are the config.yaml in every config.d, in any letter case, sorted by path", "[S3-02]") {
  const auto tree = make_tree(Given{{"z/config.d/config.yaml", ""},
                                    {"a/b/config.d/Config.YAML", ""},
                                    {"a/config.d/config.yaml", ""},
                                    {"m/config.d/other.yaml", ""},
                                    {"m/Config.d/deeper/config.d/x.yaml", ""},
                                    {"flwd.yaml", "aliases: []"},
                                    {"a/config.d/vars/config.yaml", "not a job"},
                                    {".git/config.yaml", "no"}},
                              "scripts");
  CHECK(ids_of(tree) == Words{"a.b", "a", "z"});
  CHECK(tree.faults().empty());
  CHECK(tree.jobs()[0].file->shown() == "a/b/config.d");
}

TEST_CASE("a plain config.yaml is a job where the folder has no other") {
  const auto tree = make_tree(Given{{"a/config.yaml", "job: {id: plain-a}"},
                                    {"b/config.yaml", "job: {id: plain-b}"},
                                    {"b/config.d/config.yaml", "job: {id: b}"},
                                    {"c/config.yaml", "job: {id: plain-c}"},
                                    {"c/config.d/config.yaml", "timeout: never"}},
                              "scripts");
  CHECK(ids_of(tree) == Words{"plain-a", "b"});
  CHECK(tree.jobs()[0].file->shown() == "a");
  REQUIRE(tree.faults().size() == 1);  // The broken one is not replaced by what stands beside it.
  CHECK(tree.faults()[0].path == "c/config.d/config.yaml");
}

TEST_CASE("the root is a job by the root's own name", "[S3-02]") {
  const auto tree = make_tree(Given{{"config.d/config.yaml", ""}, {"a/config.d/config.yaml", ""}}, "tools");
  CHECK(ids_of(tree) == Words{"a", "tools"});
  CHECK(named_by(tree, {"a"}) == "a+0");
  CHECK(named_by(tree, {"tools"}).empty());
}

TEST_CASE("a broken file is one fault, and the others load", "[S3-02]") {
  const auto tree =
    make_tree(Given{{"a/config.d/config.yaml", "timeout: x\npriority: y\n"}, {"b/config.d/config.yaml", ""}},
              "scripts");
  CHECK(ids_of(tree) == Words{"b"});
  REQUIRE(tree.faults().size() == 1);
  CHECK(tree.faults()[0].error.find("/timeout line 1: must be") != std::string::npos);
  CHECK(tree.faults()[0].error.find("; /priority line 2: must be") != std::string::npos);
}

TEST_CASE("of two jobs with one id the first by path stays, and the other is reported") {
  const auto tree = make_tree(Given{{"b/config.d/config.yaml", "job: {id: Same, name: second}"},
                                    {"a/config.d/config.yaml", "job: {id: same, name: first}"},
                                    {"c/config.d/config.yaml", "jobs: [{}, {}]"}},
                              "scripts");
  CHECK(ids_of(tree) == Words{"same", "c"});
  CHECK(tree.find("SAME")->name == "first");
  REQUIRE(tree.faults().size() == 2);
  CHECK(tree.faults()[0].path == "b/config.d/config.yaml");
  CHECK(tree.faults()[0].error ==
        "job.id.conflict: the id \"Same\" is that of the job in a/config.d/config.yaml");
}

TEST_CASE("ids are looked up ignoring case") {
  const auto tree = make_tree(Given{{"Demo/config.d/config.yaml", "job: {id: demo.Greet}"}}, "scripts");
  REQUIRE(tree.find("DEMO.greet"));
  CHECK(tree.find("DEMO.greet")->folder == "Demo");
  CHECK_FALSE(tree.find("demo"));
  CHECK_FALSE(tree.find(""));
}

TEST_CASE("words name the job of their folder at any depth, and leave the rest") {
  const auto tree = make_tree(Given{{"a/b/c/config.d/config.yaml", "job: {id: deep}"},
                                    {"a/d/config.d/config.yaml", ""},
                                    {"a/d/e/config.d/config.yaml", ""},
                                    {".hidden/x/config.d/config.yaml", "job: {id: hidden}"},
                                    {"a-b/config.d/config.yaml", ""},
                                    {"two/config.d/config.yaml", "jobs: [{id: first}, {id: second}]"}},
                              "scripts");
  CHECK(named_by(tree, {"a", "b", "c", "x"}) == "deep+1");
  CHECK(named_by(tree, {"a", "b"}).empty());
  CHECK(named_by(tree, {"a", "d", "e"}) == "a.d+1");  // A job has no words below it...
  CHECK(tree.find("a.d.e"));                          // ...but what is below is a job by its id.
  CHECK(named_by(tree, {".hidden", "x"}).empty());
  CHECK(tree.find("hidden"));
  CHECK(named_by(tree, {"two"}) == "first+0");
  CHECK(named_by(tree, {}).empty());
  CHECK(segments_of(tree, {}) == Words{"a", "a-b!", "two!"});
  CHECK(segments_of(tree, {"a"}) == Words{"b", "d!"});
  CHECK(segments_of(tree, {"a", "d"}).empty());
  CHECK(segments_of(tree, {"nowhere"}).empty());
}

TEST_CASE("every job that words lead to is found by its id, too") {
  rc::check([](const std::vector<std::vector<uint8_t>>& folders) {
    Given given;
    for (const auto& folder : folders) {
      std::string path;
      for (const auto part : folder) path += std::string(1, static_cast<char>('a' + part % 4)) + "/";
      given.emplace_back(path + "config.d/config.yaml", "");
    }
    const auto tree = make_tree(given, "root");
    RC_ASSERT(tree.jobs().size() + tree.faults().size() == given.size());
    std::vector<Words> open{{}};
    while (!open.empty()) {
      const auto words = open.back();
      open.pop_back();
      for (const auto& segment : tree.segments(words)) {
        auto longer = words;
        longer.push_back(segment.word);
        if (segment.job) {
          RC_ASSERT(tree.command(longer).job == segment.job);
          RC_ASSERT(tree.find(segment.job->id) == segment.job);
        } else {
          open.push_back(longer);
        }
      }
    }
  });
}
