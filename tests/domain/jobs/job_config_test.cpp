// Shows how a job's config.yaml is read: every field, every fault at once, and files that mean harm.
#include "domain/jobs/job_config.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/run_limits.hpp"

using namespace muster;
using namespace muster::jobs;

namespace {

std::vector<Job> jobs_of(std::string_view text, std::string_view folder = "demo") {
  auto read = read_job_config(text, folder);
  INFO((read ? std::string{} : read.error().detail));
  REQUIRE(read);
  return *read;
}

Job job_of(std::string_view text, std::string_view folder = "demo") {
  const auto jobs = jobs_of(text, folder);
  REQUIRE(jobs.size() == 1);
  return jobs.front();
}

Error refused(std::string_view text, std::string_view folder = "demo") {
  const auto read = read_job_config(text, folder);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == "E_CONFIG");
  CHECK(read.error().detail.starts_with("config.yaml: "));
  return read.error();
}

bool says(const Error& error, std::string_view pointer, std::string_view message) {
  return std::any_of(error.fields.begin(), error.fields.end(), [&](const FieldError& field) {
    return field.pointer == pointer && field.message.find(message) != std::string::npos;
  });
}

const std::string kWhole = R"(version: 7
job: {id: demo.greet, name: Greet, summary: Says hello}
interpreter: "/usr/bin/env bash"
executor: Proc
env: {PORT: 8080, LOUD: true, NAME: x y}
timeout: 90
error_handling: {policy: retry, retries: 2, retry_backoff: 1}
env_inheritance: true
composition: Steps
steps:
  - {id: one, name: First, script: one.sh}
  - id: two
    script: two.sh
    needs: [one]
    executor: container
    container: {image: "alpine:3.20", network: bridge}
container:
  image: busybox
  resources: {cpu: 1.5, memory: 512Mi}
  network: none
  rootfs_writable: false
  capabilities: [NET_RAW]
  extra_args: []
  entrypoint: [/bin/sh, -c]
argspec:
  args:
    - {name: name, type: string, required: true, description: Whom, enum: [Ana, 1]}
    - {name: loud, type: boolean, default: false}
    - {name: tags, type: array, items_type: string, items_enum: [alpha, beta]}
    - {name: meta, type: object, value_type: string}
    - {name: secret_token, format: secret}
    - {name: pin, type: integer, secret: true}
arguments: {old: {type: int}}
aliases: [{from: demo/greet, to: greet, description: Short}]
concurrency: {group: db, policy: cancel-running}
placement: {role: server, labels: {site: north}}
priority: -5
unheard_of: {of: [anything]}
)";

}  // namespace

TEST_CASE("a config.yaml is read with every field of the contract", "[S3-02]") {
  const Job job = job_of(kWhole, "a/b");
  CHECK(job.id == "demo.greet");
  CHECK(job.name == "Greet");
  CHECK(job.summary == "Says hello");
  CHECK(job.folder == "a/b");
  CHECK(job.interpreter == "/usr/bin/env bash");
  CHECK(job.executor == "proc");
  CHECK(job.env == std::map<std::string, std::string>{{"PORT", "8080"}, {"LOUD", "true"}, {"NAME", "x y"}});
  CHECK(job.timeout_s == 90);
  CHECK(job.error_handling.policy == OnError::retry);
  CHECK(job.error_handling.retries == 2);
  CHECK(job.error_handling.backoff_s == 1);
  CHECK(job.env_inheritance);
  CHECK(job.concurrency.group == "db");
  CHECK(job.concurrency.policy == Concurrency::Policy::cancel_running);
  CHECK(job.placement.role == "server");
  CHECK(job.placement.labels.at("site") == "north");
  CHECK(job.priority == -5);
}

TEST_CASE("steps and containers are read as they are given, and what is not given stays open") {
  const Job job = job_of(kWhole);
  REQUIRE(job.stepped);
  REQUIRE(job.steps.size() == 2);
  CHECK(job.steps[0].name == "First");
  CHECK_FALSE(job.steps[0].container);
  const Step& two = job.steps[1];
  CHECK(two.needs == std::vector<std::string>{"one"});
  CHECK(two.executor == "container");
  REQUIRE(two.container);
  CHECK(two.container->image == "alpine:3.20");
  CHECK_FALSE(two.container->rootfs_writable);
  CHECK_FALSE(two.container->capabilities);
  REQUIRE(job.container);
  CHECK(job.container->resources->cpu == "1.5");
  CHECK(job.container->resources->memory == "512Mi");
  CHECK(job.container->rootfs_writable == false);
  CHECK(job.container->capabilities == std::vector<std::string>{"NET_RAW"});
  CHECK(job.container->extra_args == std::vector<std::string>{});
  CHECK(job.container->entrypoint->size() == 2);
}

TEST_CASE("steps count only with their composition, and a composition only with steps") {
  CHECK_FALSE(job_of("steps: [{script: a.sh}]").stepped);
  CHECK_FALSE(job_of("steps: 7").stepped);
  CHECK_FALSE(job_of("composition: steps").stepped);
  CHECK(job_of("composition: STEPS\nsteps: [{}]").stepped);
}

TEST_CASE("arguments are read with their types, choices and secrets") {
  const auto args = job_of(kWhole).args;
  REQUIRE(args.size() == 6);
  CHECK(args[0].required);
  CHECK(args[0].choices == std::vector<std::string>{"Ana", "1"});
  CHECK(args[0].description == "Whom");
  CHECK(args[1].otherwise == Json(false));
  CHECK(args[2].item_choices == std::vector<std::string>{"alpha", "beta"});
  CHECK(args[3].value_type == "string");
  CHECK(args[4].type == "string");
  CHECK(args[4].secret);
  CHECK(args[5].secret);
  CHECK_FALSE(args[0].otherwise);
}

TEST_CASE("the older map of arguments is read in the order of the file, on one line or on several") {
  for (const std::string_view text :
       {"arguments:\n  zeta: {type: bool, default: true}\n  alpha: {type: int, choices: [1, 2]}\n  mid:\n",
        "arguments: {zeta: {type: bool, default: true}, alpha: {type: int, choices: [1, 2]}, mid: }"}) {
    const auto args = job_of(text).args;
    REQUIRE(args.size() == 3);
    CHECK(args[0].name == "zeta");
    CHECK(args[0].type == "boolean");
    CHECK(args[0].otherwise == Json(true));
    CHECK(args[1].name == "alpha");
    CHECK(args[1].type == "integer");
    CHECK(args[1].choices == std::vector<std::string>{"1", "2"});
    CHECK(args[2].type == "string");
  }
}

TEST_CASE("one file makes one job or several, with ids of their own or derived ones", "[S3-02]") {
  const auto jobs = jobs_of("job: {id: one}\njobs: [{id: two, name: Two}, {summary: third}]\n", "a/b");
  REQUIRE(jobs.size() == 3);
  CHECK(jobs[0].id == "one");
  CHECK(jobs[0].name == "one");
  CHECK(jobs[1].name == "Two");
  CHECK(jobs[2].id == "a.b");
  CHECK(jobs[2].summary == "third");
  CHECK(jobs[2].folder == "a/b");
  CHECK(job_of("interpreter: bash", "x/y/z").id == "x.y.z");
  CHECK(job_of("# nothing is said\n", "x").id == "x");
  CHECK(job_of("", "x").id == "x");
  CHECK(job_of("---\n", "x").name == "x");
  CHECK(read_job_config("", "", "tools")->front().id == "tools");
}

TEST_CASE("every fault of a file is told at once, with its line and field") {
  const auto error = refused(
    "job: {id: 'a/b'}\n"
    "timeout: soon\n"
    "error_handling: {policy: retyr}\n"
    "env: {A: [1]}\n"
    "argspec: {args: [{type: string}, {name: a b}, {name: x}, {name: x}]}\n"
    "priority: 5000\n"
    "concurrency: {policy: later}\n");
  CHECK(says(error, "/job/id", "line 1: must not contain '/'"));
  CHECK(says(error, "/timeout", "line 2: must be a whole number from 0 to"));
  CHECK(
    says(error, "/error_handling/policy", "line 3: must be abort, continue or retry; did you mean 'retry'?"));
  CHECK(says(error, "/env/A", "line 4: must be a string"));
  CHECK(says(error, "/argspec/args/0/name", "is required"));
  CHECK(says(error, "/argspec/args/1/name", "must be letters, digits"));
  CHECK(says(error, "/argspec/args/3/name", "two arguments \"x\""));
  CHECK(says(error, "/priority", "line 6"));
  CHECK(says(error, "/concurrency/group", "is required"));
  CHECK(says(error, "/concurrency/policy", "queue, skip or cancel-running"));
}

TEST_CASE("ids that could be paths, verbs or invisible are refused") {
  for (const std::string_view id :
       {"'../etc'", "a/b", "a..b", "'..'", "':jobs'", "\"a\\nb\"", "\"\\u202eevil\"", "' a'"})
    CHECK(says(refused("job: {id: " + std::string(id) + "}"), "/job/id", ""));
  CHECK(says(refused("", "a/..hidden"), "/id", "derived from the folder"));
}

TEST_CASE("names are lines that a run's record can hold") {
  const std::string most(runs::kMaxName, 'n');
  CHECK(job_of("job: {name: " + most + "}").name == most);
  for (const auto* where : {"job: {name: X}", "composition: steps\nsteps: [{id: X, script: a}]",
                            "composition: steps\nsteps: [{name: X, script: a}]", "concurrency: {group: X}"})
    for (const auto& name : {most + "n", std::string{"\"a\\nb\""}}) {
      std::string text = where;
      text.replace(text.find('X'), 1, name);
      CHECK_FALSE(read_job_config(text, "a"));
    }
}

TEST_CASE("an alias in a config.yaml has no effect, but a wrong one fails the file") {
  CHECK(job_of("aliases: [{from: demo/build, to: build}]").id == "demo");
  CHECK(says(refused("aliases: [{from: demo, to: a/b}]"), "/aliases/0/to", "must be one word"));
  CHECK(says(refused("aliases: [{from: demo, to: 'a:b'}]"), "/aliases/0/to", "must be one word"));
  CHECK(says(refused("aliases: [{from: demo}]"), "/aliases/0/to", "is required"));
}

TEST_CASE("files that mean harm are refused with their limit") {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'i'; c++) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; i++) bomb += std::string(i == 0 ? "*" : ", *") + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  CHECK(refused(bomb).detail.find("more than 10000 nodes, aliases included") != std::string::npos);
  std::string deep;
  for (int i = 0; i < 100; i++) deep += "- ";
  CHECK(refused(deep).detail.find("nests deeper") != std::string::npos);
  CHECK(refused(std::string(kMaxConfig + 1, '#') + "\nx: 1").detail.find("larger than 256 KiB") !=
        std::string::npos);
  CHECK(refused("job: {id: a}\njob: {id: b}\n").detail.find("the key \"job\" twice") != std::string::npos);
  CHECK(says(refused("interpreter: \"a\\0b\""), "/interpreter", "contains a NUL"));
  CHECK(refused(std::string("interpreter: a\n\0\nenv: 7", 24)).detail ==
        "config.yaml: line 2: has a NUL character");
  CHECK(says(refused("env: {\"A=B\": x}"), "/env/A=B", "neither '='"));
  CHECK(refused("interpreter: !!python/name os").code == "E_CONFIG");
  CHECK(refused("- a\n- b\n").detail.find("must be an object") != std::string::npos);
  CHECK(refused("\xff\xfe").detail.find("UTF-8") != std::string::npos);
  CHECK(refused("a: *nobody").code == "E_CONFIG");
  CHECK(refused("&a a: [*a").code == "E_CONFIG");
}

TEST_CASE("whatever bytes a file holds, reading it ends with jobs or with a refusal") {
  rc::check([](const std::string& noise, const std::string& more) {
    const std::string text = "job: " + noise + "\nargspec: {args: [" + more + "]}";
    for (const auto& each : {noise, text})
      if (const auto read = read_job_config(each, "x"))
        RC_ASSERT(!read->empty());
      else
        RC_ASSERT(read.error().code == "E_CONFIG");
  });
}

TEST_CASE("a change anywhere in a good file leaves jobs or faults that name a place") {
  rc::check([] {
    std::string text = kWhole;
    const auto at = *rc::gen::inRange<size_t>(0, text.size());
    text[at] = *rc::gen::element('{', '}', '[', ']', ':', '\n', ' ', '-', '&', '*', '"', '0', 'z');
    const auto read = read_job_config(text, "x");
    if (!read) RC_ASSERT(!read.error().fields.empty());
  });
}
