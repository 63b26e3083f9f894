// Shows what S3 storage sends, byte by byte, and that what it does not know goes back as it came.
#include <catch2/catch.hpp>

#include "tests/adapters/fake_s3.hpp"

using namespace muster;
using namespace muster::test;
using environment::Outcome;

TEST_CASE("every PUT carries its digest, its key and a whole body; reads carry no key") {
  FakeS3 fake;
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server), [] { return *parse_rfc3339("2026-01-02T03:04:05Z"); });
  CHECK(storage.ensure_versioning("media", true, kAsk)->outcome == Outcome::changed);
  CHECK(storage.ensure_lifecycle("media", {{"tmp-7d", "tmp/", 7}}, kAsk)->outcome == Outcome::changed);
  CHECK(storage.ensure_tags("media", {{"owner", "platform"}}, kAsk)->outcome == Outcome::changed);
  CHECK(
    fake.kept["versioning"] ==
    R"(<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>)");
  CHECK(
    fake.kept["lifecycle"] ==
    R"(<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>tmp-7d</ID>)"
    R"(<Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>7</Days></Expiration>)"
    R"(</Rule></LifecycleConfiguration>)");
  CHECK(fake.kept["tagging"] ==
        R"(<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>owner</Key>)"
        R"(<Value>platform</Value></Tag></TagSet></Tagging>)");
  for (const auto& request : fake.seen) {
    const bool put = request.starts_with("PUT ");
    CHECK((request.find("idempotency-key: idem-1\r\n") != std::string::npos) == put);
    CHECK((request.find("content-md5: ") != std::string::npos) == put);
    CHECK((request.find("content-type: application/xml\r\n") != std::string::npos) == put);
    CHECK(request.find("SKEXAMPLE") == std::string::npos);
    CHECK(request.find("/20260102/us-east-1/s3/aws4_request") != std::string::npos);
  }
  CHECK(fake.seen[1].find("content-md5: QQFYoy/mRYV9PGZUfFi0Bw==\r\n") != std::string::npos);
}

TEST_CASE("a bucket is made with its region named, except where S3 wants none") {
  for (const std::string region : {"us-east-1", "eu-central-1"}) {
    FakeS3 fake([](FakeS3&, const std::string& request) {
      return request.starts_with("HEAD ") ? std::string("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
                                          : std::string{};
    });
    TinyServer server(fake.handler());
    auto settings = settings_for(server);
    settings.region = region;
    S3Storage storage(settings);
    CHECK(storage.ensure_bucket("media", kAsk)->outcome == Outcome::changed);
    CHECK(fake.kept[""] ==
          (region == "us-east-1"
             ? ""
             : R"(<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)"
               R"(<LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>)"));
    CHECK(fake.seen.back().find("/" + region + "/s3/aws4_request") != std::string::npos);
  }
}

TEST_CASE("a bucket that came up between looking and making is fine when it is ours, a conflict when not") {
  for (const auto& each : std::map<std::string, std::string>{{"BucketAlreadyOwnedByYou", ""},
                                                             {"BucketAlreadyExists", "backend.conflict"}}) {
    FakeS3 fake([&](FakeS3&, const std::string& request) {
      return request.starts_with("HEAD ") ? std::string("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
                                          : http_answer(409, error_xml(each.first));
    });
    TinyServer server(fake.handler());
    S3Storage storage(settings_for(server));
    const auto told = storage.ensure_bucket("media", kAsk);
    CHECK((told ? "" : told.error().code) == each.second);
    if (told) CHECK(told->outcome == Outcome::in_sync);
  }
}

TEST_CASE("what is not known of a configuration goes back as it came") {
  const std::string head =
    R"(<s3:LifecycleConfiguration xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/" odd="1">)";
  const std::string rules =
    R"(<s3:Rule><s3:ID>a &amp; b</s3:ID><s3:Prefix> </s3:Prefix><s3:Status>Enabled</s3:Status>)"
    R"(<s3:Transition><s3:Days>30</s3:Days><s3:StorageClass>GLACIER</s3:StorageClass></s3:Transition></s3:Rule>)"
    R"(<s3:Rule><s3:Filter><s3:And><s3:Prefix>x/</s3:Prefix><s3:Tag><s3:Key>k</s3:Key><s3:Value>v</s3:Value></s3:Tag>)"
    R"(</s3:And></s3:Filter><s3:Status>Disabled</s3:Status><s3:New attr="&lt;">y</s3:New></s3:Rule>)";
  const std::string tail = "<s3:ExpiryUpdatedAt>2026</s3:ExpiryUpdatedAt></s3:LifecycleConfiguration>";
  FakeS3 fake([&](FakeS3& self, const std::string& request) {
    if (!request.starts_with("GET ") || FakeS3::part_of(request) != "lifecycle") return std::string{};
    const auto body = self.kept["lifecycle"];
    return "HTTP/1.1 200 X\r\nx-amz-transition-default-minimum-object-size: varies\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  });
  fake.kept["lifecycle"] = head + rules + tail;
  fake.kept["tagging"] =
    "<Tagging><TagSet><Tag><Key>aws:stack</Key><Value>s</Value></Tag><Tag><Key>owner</Key><Value>x</Value>"
    "<Note>n</Note></Tag></TagSet></Tagging>";
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  CHECK(storage.ensure_lifecycle("media", {{"new", "new/", 3}}, kAsk)->outcome == Outcome::changed);
  CHECK(fake.kept["lifecycle"] == head + rules +
                                    "<s3:Rule><s3:ID>new</s3:ID><s3:Prefix>new/</s3:Prefix>"
                                    "<s3:Status>Enabled</s3:Status>"
                                    "<s3:Expiration><s3:Days>3</s3:Days></s3:Expiration></s3:Rule>" +
                                    tail);
  CHECK(fake.seen[1].find("x-amz-transition-default-minimum-object-size: varies\r\n") != std::string::npos);
  CHECK(storage.ensure_lifecycle("media", {{"new", "new/", 3}}, kAsk)->outcome == Outcome::in_sync);
  CHECK(storage.ensure_lifecycle("media", {{"a & b", " ", 3}}, kAsk)->actual.dump() ==
        R"([{"id":"a & b","prefix":" ","expire_days":null,"more":true}])");
  CHECK(storage.ensure_tags("media", {{"owner", "y"}, {"a", "<"}}, kAsk)->outcome == Outcome::changed);
  CHECK(
    fake.kept["tagging"] ==
    R"(<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>aws:stack</Key><Value>s</Value></Tag>)"
    R"(<Tag><Key>owner</Key><Value>y</Value><Note>n</Note></Tag><Tag><Key>a</Key><Value>&lt;</Value></Tag></TagSet>)"
    R"(</Tagging>)");
}

TEST_CASE("beside a rule of the first version one is written in that version, as AWS wants it") {
  FakeS3 fake([](FakeS3&, const std::string& request) {
    const bool mixed = request.starts_with("PUT ") &&
                       request.find("<Rule><ID>old</ID><Prefix>") != std::string::npos &&
                       request.find("<Filter>") != std::string::npos;
    return mixed ? http_answer(400, error_xml("InvalidRequest")) : std::string{};
  });
  const std::string old =
    "<Rule><ID>old</ID><Prefix>a/</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></"
    "Rule>";
  fake.kept["lifecycle"] = "<LifecycleConfiguration>" + old + "</LifecycleConfiguration>";
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  const std::vector<profile::LifecycleRule> wanted{{"tmp-7d", "tmp/", 7}, {"all", "", 30}};
  CHECK(storage.ensure_lifecycle("media", wanted, kAsk)->outcome == Outcome::changed);
  CHECK(fake.kept["lifecycle"].find(old) != std::string::npos);
  CHECK(fake.kept["lifecycle"].find("<ID>tmp-7d</ID><Prefix>tmp/</Prefix>") != std::string::npos);
  CHECK(fake.kept["lifecycle"].find("<ID>all</ID><Prefix></Prefix>") != std::string::npos);
  CHECK(storage.ensure_lifecycle("media", wanted, kAsk)->outcome == Outcome::in_sync);
}

TEST_CASE("a carriage return in what others wrote goes back as one") {
  FakeS3 fake;
  const std::string rule = R"(<Rule><ID>a&#13;b</ID><Filter><Prefix>x&#13;)"
                           "\n"
                           R"(y/</Prefix></Filter><Status>Disabled</Status></Rule>)";
  fake.kept["lifecycle"] = "<LifecycleConfiguration>" + rule + "</LifecycleConfiguration>";
  fake.kept["tagging"] = "<Tagging><TagSet><Tag><Key>a</Key><Value>1&#13;2</Value></Tag></TagSet></Tagging>";
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  CHECK(storage.ensure_lifecycle("media", {{"new", "new/", 3}}, kAsk)->outcome == Outcome::changed);
  CHECK(fake.kept["lifecycle"].find(rule) != std::string::npos);
  CHECK(storage.ensure_tags("media", {{"owner", "y"}}, kAsk)->outcome == Outcome::changed);
  CHECK(fake.kept["tagging"].find("<Value>1&#13;2</Value>") != std::string::npos);
  for (const auto& request : fake.seen) {
    const auto body = request.substr(request.find("\r\n\r\n") + 4);
    CHECK(body.find('\r') == std::string::npos);
  }
}

TEST_CASE("a gateway that takes versioning and keeps nothing of it is told of") {
  FakeS3 fake([](FakeS3&, const std::string& request) {
    return request.starts_with("PUT ") ? http_answer(200, "") : std::string{};
  });
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  CHECK(storage.ensure_versioning("media", true, kAsk).error() ==
        Error{"backend.reply", "media, versioning: it was said to be on, and is not"});
  CHECK(storage.ensure_versioning("media", true, {"idem-1", true})->outcome == Outcome::changed);
  CHECK(fake.puts() == 1);
}

TEST_CASE("a server that loses what it was given is written to twice, and then told of") {
  for (const int loses : {1, 2, 100}) {
    int lost = 0;
    FakeS3 fake([&](FakeS3& self, const std::string& request) {
      if (!request.starts_with("PUT ") || lost == loses) return std::string{};
      lost++;
      // What somebody else has written without having seen ours, or theirs.
      self.kept["lifecycle"] =
        "<LifecycleConfiguration><Rule><ID>other</ID><Status>Enabled</Status></Rule></"
        "LifecycleConfiguration>";
      self.kept["tagging"] =
        "<Tagging><TagSet><Tag><Key>other</Key><Value>1</Value></Tag></TagSet></Tagging>";
      return http_answer(200, "");
    });
    fake.kept["lifecycle"] =
      "<LifecycleConfiguration><Rule><ID>first</ID><Status>Enabled</Status></Rule></LifecycleConfiguration>";
    fake.kept["tagging"] = "<Tagging><TagSet><Tag><Key>first</Key><Value>1</Value></Tag></TagSet></Tagging>";
    TinyServer server(fake.handler());
    S3Storage storage(settings_for(server));
    const auto rules = storage.ensure_lifecycle("media", {{"ours", "", 1}}, kAsk);
    CHECK(fake.puts() == 2);
    if (loses == 1) {
      CHECK(rules->outcome == Outcome::changed);
      for (const auto* id : {"<ID>first</ID>", "<ID>other</ID>", "<ID>ours</ID>"})
        CHECK(fake.kept["lifecycle"].find(id) != std::string::npos);
      lost = 0;
    } else {
      CHECK(rules.error().code == "backend.reply");
      lost = loses == 2 ? 0 : lost;
    }
    const auto tags = storage.ensure_tags("media", {{"ours", "1"}}, kAsk);
    CHECK(fake.puts() == 4);
    if (loses == 1) {
      CHECK(tags->outcome == Outcome::changed);
      for (const auto* key : {"<Key>other</Key>", "<Key>ours</Key>"})
        CHECK(fake.kept["tagging"].find(key) != std::string::npos);
    } else {
      CHECK(tags.error().code == "backend.reply");
    }
  }
}

TEST_CASE("a dry run asks and writes nothing, also where there is no bucket yet") {
  FakeS3 fake([](FakeS3&, const std::string& request) {
    return request.starts_with("HEAD ") ? std::string("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
                                        : http_answer(404, error_xml("NoSuchBucket"));
  });
  TinyServer server(fake.handler());
  S3Storage storage(settings_for(server));
  const environment::Ask dry{"idem-1", true};
  CHECK(storage.ensure_bucket("media", dry)->outcome == Outcome::changed);
  CHECK(storage.ensure_versioning("media", true, dry)->outcome == Outcome::changed);
  CHECK(storage.ensure_lifecycle("media", {{"a", "", 1}}, dry)->outcome == Outcome::changed);
  CHECK(storage.ensure_tags("media", {{"a", "b"}}, dry)->outcome == Outcome::changed);
  CHECK(fake.puts() == 0);
  CHECK(storage.ensure_tags("media", {{"a", "b"}}, kAsk).error().code == "not.found");
}
