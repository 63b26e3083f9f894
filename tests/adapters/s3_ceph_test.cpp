// Shows S3 storage under the contract of every object storage, against a real server: Ceph's gateway.
#include <catch2/catch.hpp>

#include "adapters/s3_storage.hpp"
#include "tests/adapters/ceph_gateway.hpp"
#include "tests/adapters/s3_hand.hpp"
#include "tests/adapters/storage_contract.hpp"

using namespace muster;
using environment::Outcome;

namespace {

test::CephGateway& ceph() {
  return test::CephGateway::get(SOURCE_DIR "/tests/backends/ceph");
}

/// The text of each element of that name in a document.
std::vector<std::string> elements(const std::string& xml, const std::string& name) {
  std::vector<std::string> found;
  const auto open = "<" + name + ">", close = "</" + name + ">";
  for (size_t at = 0; (at = xml.find(open, at)) != std::string::npos;) {
    const auto end = xml.find(close, at) + close.size();
    found.push_back(xml.substr(at, end - at));
    at = end;
  }
  return found;
}

const std::string kArchive =
  "<Rule><ID>archive</ID><Filter><Prefix>archive/</Prefix></Filter><Status>Disabled</Status>"
  "<Expiration><Days>365</Days></Expiration></Rule>";
const std::string kOdd =
  "<Rule><ID>odd</ID><Prefix>odd/</Prefix><Status>Enabled</Status>"
  "<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>"
  "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></"
  "AbortIncompleteMultipartUpload>"
  "</Rule>";

void add_by_hand(test::S3Hand& hand, const std::string& bucket) {
  std::string rules = kArchive + kOdd;
  for (const auto& rule : elements(hand.ask("GET", bucket, "lifecycle").body, "Rule")) rules += rule;
  CHECK(hand.ask("PUT", bucket, "lifecycle", "<LifecycleConfiguration>" + rules + "</LifecycleConfiguration>")
          .status == 200);
  const auto set = hand.ask("PUT", bucket, "tagging",
                            "<Tagging><TagSet><Tag><Key>cost-center</Key><Value>42</Value></Tag>"
                            "<Tag><Key>owner</Key><Value>nobody</Value></Tag></TagSet></Tagging>");
  CHECK(set.status / 100 == 2);
}

std::string foreign_of(test::S3Hand& hand, const std::string& bucket) {
  std::string text;
  for (const auto& rule : elements(hand.ask("GET", bucket, "lifecycle").body, "Rule"))
    if (rule.find("<ID>archive<") != std::string::npos || rule.find("<ID>odd<") != std::string::npos)
      text += rule + "\n";
  CHECK(elements(text, "Rule").size() == 2);
  for (const auto& tag : elements(hand.ask("GET", bucket, "tagging").body, "Tag"))
    if (tag.find("cost-center") != std::string::npos) text += tag;
  return text;
}

std::string bucket_name(const std::string& what) {
  return what + "-" + std::to_string(system_now().time_since_epoch().count());
}

}  // namespace

TEST_CASE("S3 storage keeps the contract of object storage on a real server",
          "[S1-13][S2-19][S2-68][S2-69]") {
  const test::Relay relay(ceph().port());
  test::S3Hand hand(ceph().host(), test::kOurs);
  test::StorageRoom room;
  room.storage = std::make_unique<S3Storage>(S3Settings{relay.url(), test::kOurs});
  room.by_hand = [&](const std::string& bucket) { add_by_hand(hand, bucket); };
  room.foreign = [&](const std::string& bucket) { return foreign_of(hand, bucket); };
  room.suspend = [&](const std::string& bucket) {
    const auto done =
      hand.ask("PUT", bucket, "versioning",
               "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>");
    CHECK(done.status == 200);
  };
  room.writes = [&] { return relay.writes(); };
  test::storage_contract(room, bucket_name("contract"));
}

TEST_CASE("a real server keeps versions, rules and tags as they were asked for") {
  S3Storage storage({"http://" + ceph().host(), test::kOurs});
  test::S3Hand hand(ceph().host(), test::kOurs);
  const auto bucket = bucket_name("real");
  REQUIRE(storage.ensure_bucket(bucket, {}));
  REQUIRE(storage.ensure_versioning(bucket, true, {}));
  REQUIRE(storage.ensure_lifecycle(bucket, {{"tmp-7d", "tmp/", 7}}, {}));
  REQUIRE(storage.ensure_tags(bucket, {{"owner", "platform"}}, {}));
  CHECK(hand.ask("GET", bucket, "lifecycle").body.find("<Days>7</Days>") != std::string::npos);
  CHECK(hand.ask("GET", bucket, "tagging").body.find("<Value>platform</Value>") != std::string::npos);
  for (const auto* body : {"one", "two"}) CHECK(hand.ask("PUT", bucket + "/x", "", body).status == 200);
  CHECK(elements(hand.ask("GET", bucket, "versions").body, "Version").size() == 2);
}

TEST_CASE("twenty buckets that are as they should be are looked at once for each thing, and not written to") {
  const test::Relay relay(ceph().port());
  S3Storage storage({relay.url(), test::kOurs});
  const auto name = bucket_name("many");
  for (const auto expected : {Outcome::changed, Outcome::in_sync}) {
    const auto asked = relay.requests(), written = relay.writes();
    for (int i = 0; i < 20; i++) {
      const auto bucket = name + "-" + std::to_string(i);
      CHECK(test::outcome_of(storage.ensure_bucket(bucket, {})) == expected);
      CHECK(test::outcome_of(storage.ensure_versioning(bucket, true, {})) == expected);
      CHECK(test::outcome_of(storage.ensure_lifecycle(bucket, {{"tmp-7d", "tmp/", 7}}, {})) == expected);
      CHECK(test::outcome_of(storage.ensure_tags(bucket, {{"owner", "platform"}}, {})) == expected);
    }
    if (expected == Outcome::changed) continue;
    CHECK(relay.requests() - asked == 80);
    CHECK(relay.writes() == written);
  }
}

TEST_CASE("a real server refuses a wrong key, and the key is in no text", "[S2-69]") {
  const auto bucket = bucket_name("wrong");
  for (const auto& wrong :
       {aws::Credentials{"testak", "not-the-secret"}, aws::Credentials{"nobody-known", "testsk"}}) {
    S3Storage storage({"http://" + ceph().host(), wrong});
    const auto told = storage.ensure_bucket(bucket, {});
    REQUIRE_FALSE(told);
    CHECK(told.error().code == "backend.refused");
    CHECK(storage.buckets().error().code == "backend.refused");
    CHECK(storage.ensure_tags(bucket, {{"a", "b"}}, {}).error().code == "backend.refused");
    for (const auto& key : {wrong.access_key, wrong.secret_key})
      CHECK(told.error().detail.find(key) == std::string::npos);
  }
  // A clock that is off by an hour is refused, too.
  S3Storage late({"http://" + ceph().host(), test::kOurs},
                 [] { return system_now() - std::chrono::hours{1}; });
  const auto told = late.ensure_bucket(bucket, {});
  CHECK(told.error().code == "backend.refused");
  CHECK(told.error().detail.find("RequestTimeTooSkewed") != std::string::npos);
}

TEST_CASE("a bucket that somebody else owns is a conflict, and nothing of it changes") {
  const auto bucket = bucket_name("owned");
  S3Storage theirs({"http://" + ceph().host(), test::kOthers}),
    ours({"http://" + ceph().host(), test::kOurs});
  REQUIRE(theirs.ensure_bucket(bucket, {}));
  CHECK(ours.ensure_bucket(bucket, {}).error().code == "backend.conflict");
  CHECK(ours.ensure_bucket(bucket, {"", true}).error().code == "backend.conflict");
  CHECK(ours.ensure_versioning(bucket, true, {}).error().code == "backend.refused");
  CHECK(ours.ensure_lifecycle(bucket, {{"a", "", 1}}, {}).error().code == "backend.refused");
  CHECK(ours.ensure_tags(bucket, {{"a", "b"}}, {}).error().code == "backend.refused");
  CHECK_FALSE(test::has(*ours.buckets(), bucket));
  CHECK(theirs.ensure_versioning(bucket, false, {})->outcome == Outcome::in_sync);
}

TEST_CASE("a region that the server does not have is refused") {
  S3Settings settings{"http://" + ceph().host(), test::kOurs};
  settings.region = "eu-nowhere-7";
  S3Storage storage(settings);
  const auto told = storage.ensure_bucket(bucket_name("region"), {});
  REQUIRE_FALSE(told);
  CHECK(told.error().code == "backend.refused");
  CHECK(told.error().detail.find("InvalidLocationConstraint") != std::string::npos);
}

TEST_CASE("one call that is refused fails alone, and works once it is allowed") {
  std::atomic<bool> refusing{true};
  const test::Relay relay(ceph().port(), [&](const std::string& request) {
    const bool hit =
      refusing && request.starts_with("PUT ") && request.find("?lifecycle=") != std::string::npos;
    return hit ? http_answer(403, "<Error><Code>AccessDenied</Code></Error>") : "";
  });
  S3Storage storage({relay.url(), test::kOurs});
  const auto bucket = bucket_name("one-call");
  REQUIRE(storage.ensure_bucket(bucket, {}));
  CHECK(storage.ensure_lifecycle(bucket, {{"a", "a/", 1}}, {}).error().code == "backend.refused");
  CHECK(storage.ensure_tags(bucket, {{"a", "b"}}, {})->outcome == Outcome::changed);
  refusing = false;
  CHECK(storage.ensure_lifecycle(bucket, {{"a", "a/", 1}}, {})->outcome == Outcome::changed);
}

TEST_CASE("what others write between our reading and writing stays, and so does ours") {
  // Others, who read before us, write right after our first PUT: without what we wrote.
  test::S3Hand hand(ceph().host(), test::kOurs);
  const auto bucket = bucket_name("race");
  std::atomic<int> lifecycle_reads{0}, tagging_reads{0};
  const test::Relay relay(ceph().port(), [&](const std::string& request) {
    if (request.starts_with("GET ") && request.find("?lifecycle=") != std::string::npos &&
        ++lifecycle_reads == 2)
      hand.ask("PUT", bucket, "lifecycle", "<LifecycleConfiguration>" + kOdd + "</LifecycleConfiguration>");
    if (request.starts_with("GET ") && request.find("?tagging=") != std::string::npos && ++tagging_reads == 2)
      hand.ask("PUT", bucket, "tagging",
               "<Tagging><TagSet><Tag><Key>theirs</Key><Value>1</Value></Tag></TagSet></Tagging>");
    return std::string{};
  });
  S3Storage storage({relay.url(), test::kOurs});
  REQUIRE(storage.ensure_bucket(bucket, {}));
  hand.ask("PUT", bucket, "lifecycle", "<LifecycleConfiguration>" + kArchive + "</LifecycleConfiguration>");
  CHECK(storage.ensure_lifecycle(bucket, {{"ours", "ours/", 1}}, {})->outcome == Outcome::changed);
  CHECK(storage.ensure_tags(bucket, {{"ours", "1"}}, {})->outcome == Outcome::changed);
  const auto rules = elements(hand.ask("GET", bucket, "lifecycle").body, "ID");
  CHECK(rules.size() == 3);
  for (const auto* id : {"archive", "odd", "ours"})
    CHECK(test::has(rules, "<ID>" + std::string(id) + "</ID>"));
  CHECK(elements(hand.ask("GET", bucket, "tagging").body, "Tag").size() == 2);
}
