// Shows how the environment profile is read and published.
#include "domain/profile.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "base/hash.hpp"

using namespace muster;

namespace {

const std::string kContract =
  R"({"generation":"g","storage":[{"name":"media","versioned":true,"lifecycle":[{"id":"tmp-7d","prefix":"tmp/","expire_days":7}],"tags":{"owner":"platform"}}],
 "broker":{"exchanges":[{"name":"overlay.events","type":"topic"}],"queues":[{"name":"overlay.q","ttl":3600,"dlx":"overlay.dlx"}],"bindings":[{"exchange":"overlay.events","queue":"overlay.q","key":"overlay.*"}]},
 "index":{"classes":[{"name":"Asset","properties":[{"name":"title","type":"text"}]}]}})";

Error refused(const std::string& text) {
  const auto parsed = profile::parse(text, "p.yaml");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == "profile.invalid");
  return parsed.error();
}

bool says(const Error& error, const std::string& pointer, const std::string& message) {
  return std::any_of(error.fields.begin(), error.fields.end(), [&](const FieldError& field) {
    return field.pointer == pointer && field.message.find(message) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("the contract's profile is published as it was read", "[S1-19]") {
  const auto parsed = profile::parse(kContract, "p.json");
  REQUIRE(parsed);
  const auto json = profile::to_json(*parsed);
  auto expected = Json::parse(kContract);
  expected["topics"] = Json::array();
  expected["generation"] = profile::generation(*parsed);
  CHECK(canonical_json(json) == canonical_json(expected));
  CHECK(json.begin().key() == "generation");
  expected.erase("generation");
  CHECK(profile::generation(*parsed) == sha256_hex(canonical_json(expected)));
  CHECK(*profile::parse(json.dump(), "again") == *parsed);
}

TEST_CASE("the same profile in YAML and in JSON has one generation", "[S1-19]") {
  const auto yaml = profile::parse(R"(storage:
  - name: media
    versioned: true
    lifecycle: [{id: tmp-7d, prefix: tmp/, expire_days: 7}]
    tags: {owner: platform}
broker:
  exchanges: [{name: overlay.events, type: topic}]
  queues: [{name: overlay.q, ttl: 3600, dlx: overlay.dlx}]
  bindings: [{exchange: overlay.events, queue: overlay.q, key: overlay.*}]
index: {classes: [{name: Asset, properties: [{name: title, type: text}]}]}
)",
                                   "p.yaml");
  REQUIRE(yaml);
  CHECK(profile::generation(*yaml) == profile::generation(*profile::parse(kContract, "p.json")));
}

TEST_CASE("without a profile every section is there and empty", "[S1-19]") {
  const auto parsed = profile::parse("", "p.yaml");
  REQUIRE(parsed);
  CHECK(
    profile::sections(*parsed).dump() ==
    R"({"storage":[],"broker":{"exchanges":[],"queues":[],"bindings":[]},"index":{"classes":[]},"topics":[]})");
}

TEST_CASE("the shipped profile is valid", "[S1-19]") {
  std::ifstream in(std::string(SOURCE_DIR) + "/plans/profile.yaml");
  std::stringstream text;
  text << in.rdbuf();
  const auto parsed = profile::parse(text.str(), "profile.yaml");
  REQUIRE(parsed);
  CHECK(parsed->storage.front().name == "media");
  CHECK(parsed->queues.size() == 2);
}

TEST_CASE("a queue whose dead letters go to an exchange that nobody makes is warned of", "[S2-24]") {
  CHECK(profile::warnings(*profile::parse(kContract, "p.json")) ==
        std::vector<std::string>{
          R"(dead letters of queue "overlay.q" are lost: no exchange is named "overlay.dlx")"});
  CHECK(profile::warnings(*profile::parse(R"(broker:
  exchanges: [{name: dead, type: fanout}]
  queues: [{name: a, dlx: dead}, {name: b}, {name: c, dlx: amq.fanout}]
)",
                                          "p.yaml"))
          .empty());
  profile::Profile many;
  for (int i = 0; i < 1000; i++) many.queues.push_back({"q" + std::to_string(i), 0, "ded\n"});
  const auto warnings = profile::warnings(many);
  REQUIRE(warnings.size() == 11);
  CHECK(warnings.front() == R"(dead letters of queue "q0" are lost: no exchange is named "ded\n")");
  CHECK(warnings.back() == "so are those of 990 more");
}

TEST_CASE("all faults of a profile are told at once, with pointer and line", "[S1-19]") {
  const auto error = refused(R"(storage:
  - {name: media, lifecycle: [{id: a, expire_days: 1}, {id: a, expire_days: 0}]}
  - {name: media, versioned: yes}
  - {name: a/b, tag: {}}
broker:
  exchanges: [{name: e, type: headers}]
  queues: [{name: q, ttl: -1}]
  bindings: [{exchange: e, queue: other}, {exchange: amq.topic, queue: q}, {exchange: gone, queue: q}]
index:
  classes: [{name: C, properties: [{name: p, type: txt}, {name: p, type: "text[]"}, {name: r, type: Other}]}]
topics: [{name: t, partitions: 0}, {name: a.b}, {name: a_b}, {name: a b}]
brokers: {}
)");
  CHECK(says(error, "/storage/0/lifecycle/1/id", "line 2: \"a\" is also the id of /storage/0/lifecycle/0"));
  CHECK(says(error, "/storage/0/lifecycle/1/expire_days", "from 1"));
  CHECK(says(error, "/storage/1/name", "line 3: \"media\" is also"));
  CHECK(says(error, "/storage/1/versioned", "must be true or false"));
  CHECK(says(error, "/storage/2/name", "'/'"));
  CHECK(says(error, "/storage/2/tag", "did you mean 'tags'?"));
  CHECK(says(error, "/broker/exchanges/0/type", "topic, fanout or direct"));
  CHECK(says(error, "/broker/queues/0/ttl", "from 0"));
  CHECK(says(error, "/broker/bindings/0/queue", "no queue is named \"other\""));
  CHECK(says(error, "/broker/bindings/2/exchange", "no exchange is named \"gone\""));
  CHECK(says(error, "/index/classes/0/properties/0/type", "did you mean 'text'?"));
  CHECK(says(error, "/index/classes/0/properties/1/name", "is also the name"));
  CHECK(says(error, "/topics/0/partitions", "from 1"));
  CHECK(says(error, "/topics/2/name", "\"a_b\" is also the name of /topics/1"));
  CHECK(says(error, "/topics/3/name", "letters, digits"));
  CHECK(says(error, "/brokers", "did you mean 'broker'?"));
  CHECK(error.fields.size() == 16);
}

TEST_CASE("a profile of more than 10,000 entries is refused") {
  std::string half;
  for (int i = 0; i < 6000; i++) half += "{\"name\":\"n" + std::to_string(i) + "\"},";
  half.pop_back();
  const auto error = refused("{\"storage\":[" + half + "],\"topics\":[" + half + "]}");
  CHECK(says(error, "", "more than 10000 entries"));
}

TEST_CASE("the idempotency key is the contract's", "[S2-45]") {
  const auto hash = profile::desired_hash(Json::object());
  CHECK(hash == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  CHECK(profile::idempotency_key("n1", "storage", "g-1", hash) ==
        "657c8285d2544f64ef0160f4ba12d79fc0ef909997ce4605f05cb50eeaff5fbc");
}
