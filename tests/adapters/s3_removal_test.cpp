// Shows how S3 storage takes back a rule or a tag: byte by byte, and against others who write at the same
// time.
#include <catch2/catch.hpp>

#include "tests/adapters/fake_s3.hpp"

using namespace muster;
using namespace muster::test;
using environment::Outcome;

namespace {

const profile::LifecycleRule kOurs{"ours", "o/", 1};
const std::string kOurRule =
  "<Rule><ID>ours</ID><Filter><Prefix>o/</Prefix></Filter><Status>Enabled</Status>"
  "<Expiration><Days>1</Days></Expiration></Rule>";
const std::string kTheirRule = "<Rule><ID>theirs</ID><Status>Enabled</Status><Odd>1</Odd></Rule>";
const std::string kOurTag = "<Tag><Key>ours</Key><Value>1</Value></Tag>";
const std::string kTheirTag = "<Tag><Key>theirs</Key><Value>2</Value><Note>n</Note></Tag>";

std::string rules(const std::string& inside) {
  return R"(<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)" + inside +
         "</LifecycleConfiguration>";
}

std::string tags(const std::string& inside) {
  return R"(<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>)" + inside +
         "</TagSet></Tagging>";
}

/// The methods that were used.
std::string methods(const FakeS3& fake) {
  std::string all;
  for (const auto& request : fake.seen) all += request.substr(0, request.find(' ')) + " ";
  return all;
}

}  // namespace

TEST_CASE("what is taken back is taken out of what was read, and all else goes back as it came") {
  FakeS3 fake;
  fake.kept["lifecycle"] = rules(kTheirRule + kOurRule + "<ExpiryUpdatedAt>2026</ExpiryUpdatedAt>");
  fake.kept["tagging"] = tags(kTheirTag + kOurTag);
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  CHECK(storage.remove_rule("media", kOurs, kAsk)->outcome == Outcome::changed);
  CHECK(storage.remove_tag("media", "ours", "1", kAsk)->outcome == Outcome::changed);
  CHECK(fake.kept["lifecycle"] == rules(kTheirRule + "<ExpiryUpdatedAt>2026</ExpiryUpdatedAt>"));
  CHECK(fake.kept["tagging"] == tags(kTheirTag));
  CHECK(methods(fake) == "GET PUT GET GET PUT GET ");
  CHECK(fake.seen[1].find("idempotency-key: idem-1\r\n") != std::string::npos);
}

TEST_CASE("the last of them is deleted with the set, unless the set held anything else") {
  FakeS3 fake;
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  SECTION("nothing else") {
    fake.kept["lifecycle"] = rules(kOurRule);
    fake.kept["tagging"] = tags(kOurTag);
    CHECK(storage.remove_rule("media", kOurs, kAsk)->outcome == Outcome::changed);
    CHECK(storage.remove_tag("media", "ours", "1", kAsk)->outcome == Outcome::changed);
    CHECK(methods(fake) == "GET DELETE GET GET DELETE GET ");
    for (const size_t sent : {1, 4}) {
      CHECK(fake.seen[sent].find("idempotency-key: idem-1\r\n") != std::string::npos);
      CHECK(fake.seen[sent].find(sent == 1 ? "/media?lifecycle=" : "/media?tagging=") != std::string::npos);
    }
    CHECK(fake.kept.empty());
  }
  SECTION("something that nobody here knows") {
    fake.kept["lifecycle"] = rules(kOurRule + "<Odd>1</Odd>");
    fake.kept["tagging"] = tags(kOurTag + "<Odd>1</Odd>");
    CHECK(storage.remove_rule("media", kOurs, kAsk)->outcome == Outcome::changed);
    CHECK(storage.remove_tag("media", "ours", "1", kAsk)->outcome == Outcome::changed);
    CHECK(methods(fake) == "GET PUT GET GET PUT GET ");
    CHECK(fake.kept["lifecycle"] == rules("<Odd>1</Odd>"));
    CHECK(fake.kept["tagging"] == tags("<Odd>1</Odd>"));
  }
}

TEST_CASE("a rule to which somebody added anything is not as it was added") {
  for (const std::string more :
       {"<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>",
        "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"}) {
    FakeS3 fake;
    const auto before =
      rules(kOurRule.substr(0, kOurRule.size() - std::string("</Rule>").size()) + more + "</Rule>");
    fake.kept["lifecycle"] = before;
    TinyServer server(fake.handler());
    S3Storage storage(settings_for(server));
    const auto told = storage.remove_rule("media", kOurs, kAsk);
    REQUIRE(told);
    CHECK(told->outcome == Outcome::drifted);
    CHECK(told->actual[0]["more"] == true);
    CHECK(fake.kept["lifecycle"] == before);
    CHECK(fake.puts() == 0);
  }
  // One that the server writes in another way is as it was added.
  FakeS3 fake;
  fake.kept["lifecycle"] = rules(kTheirRule +
                                 "<Rule><Expiration><Days>1</Days></Expiration><ID>ours</"
                                 "ID><Filter><And><Prefix>o/</Prefix></And></Filter>"
                                 "<Status>Enabled</Status></Rule>");
  TinyServer server(fake.handler());
  CHECK(S3Storage(settings_for(server)).remove_rule("media", kOurs, kAsk)->outcome == Outcome::changed);
  CHECK(fake.kept["lifecycle"] == rules(kTheirRule));
}

TEST_CASE("what others write between reading and writing stays, and what they put back is taken out again") {
  for (const int times : {1, 2}) {
    int left = times;
    FakeS3 fake([&](FakeS3& self, const std::string& request) {
      if (!request.starts_with("PUT ") || left == 0) return std::string{};
      left--;  // They read before we wrote, and write behind us.
      self.kept["lifecycle"] = rules("<Rule><ID>new</ID><Status>Enabled</Status></Rule>" + kOurRule);
      self.kept["tagging"] = tags("<Tag><Key>new</Key><Value>3</Value></Tag>" + kOurTag);
      return http_answer(200, "");
    });
    fake.kept["lifecycle"] = rules(kTheirRule + kOurRule);
    fake.kept["tagging"] = tags(kTheirTag + kOurTag);
    TinyServer server(fake.handler());
    S3Storage storage(settings_for(server));
    const auto rule = storage.remove_rule("media", kOurs, kAsk);
    if (times == 1) {
      CHECK(rule->outcome == Outcome::changed);
      CHECK(fake.kept["lifecycle"] ==
            rules("<Rule><ID>new</ID><Status>Enabled</Status></Rule>" + kTheirRule));
    } else {
      CHECK(rule.error().code == "backend.reply");
    }
    left = times;
    fake.kept["tagging"] = tags(kTheirTag + kOurTag);
    const auto tag = storage.remove_tag("media", "ours", "1", kAsk);
    if (times == 1) {
      CHECK(tag->outcome == Outcome::changed);
      CHECK(fake.kept["tagging"] == tags("<Tag><Key>new</Key><Value>3</Value></Tag>"
                                         "<Tag><Key>theirs</Key><Value>2</Value></Tag>"));
    } else {
      CHECK(tag.error().code == "backend.reply");
    }
    CHECK(fake.puts() == 4);
  }
}

TEST_CASE("what cannot be read is not written, and a refusal is told") {
  FakeS3 fake([](FakeS3&, const std::string& request) {
    if (request.starts_with("GET ")) return std::string{};
    return http_answer(403, error_xml("AccessDenied"));
  });
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  fake.kept["lifecycle"] = "<LifecycleConfiguration><Rule>";
  CHECK(storage.remove_rule("media", kOurs, kAsk).error().code == "backend.reply");
  CHECK(methods(fake) == "GET ");
  fake.kept["lifecycle"] = rules(kOurRule);
  const auto refused = storage.remove_rule("media", kOurs, kAsk);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "backend.refused");
  CHECK(refused.error().detail.find("SKEXAMPLE") == std::string::npos);
}
