// Shows how names of images are read, and that a name leads to one registry only.
#include "domain/jobs/image.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

namespace {

const std::string kHash(64, 'a');
const std::string kDigest = "sha256:" + kHash;

}  // namespace

TEST_CASE("an image is read into registry, name, tag and digest") {
  struct Row {
    std::string text;
    Image image;
  };
  for (const auto& [text, image] :
       std::vector<Row>{{"alpine", {"docker.io", "library/alpine", "", ""}},
                        {"alpine:3.20", {"docker.io", "library/alpine", "3.20", ""}},
                        {"demo/tool:v1", {"docker.io", "demo/tool", "v1", ""}},
                        {"localhost/demo", {"localhost", "demo", "", ""}},
                        {"localhost:5000/demo/x:1", {"localhost:5000", "demo/x", "1", ""}},
                        {"GHCR.io/a/b/c", {"ghcr.io", "a/b/c", "", ""}},
                        {"[::1]:5000/a", {"[::1]:5000", "a", "", ""}},
                        {"index.docker.io/library/alpine", {"docker.io", "library/alpine", "", ""}},
                        {"docker.io/alpine", {"docker.io", "library/alpine", "", ""}},
                        {"localhost", {"docker.io", "library/localhost", "", ""}},
                        {"localhost:5000", {"docker.io", "library/localhost", "5000", ""}},
                        {"r.io/a_b/c--d.e__f:T_1", {"r.io", "a_b/c--d.e__f", "T_1", ""}},
                        {"alpine@" + kDigest, {"docker.io", "library/alpine", "", kDigest}},
                        {"r.io:443/a:1@" + kDigest, {"r.io:443", "a", "1", kDigest}}}) {
    CAPTURE(text);
    const auto read = parse_image(text);
    REQUIRE(read);
    CHECK(*read == image);
    CHECK(*parse_image(read->full()) == image);
  }
}

TEST_CASE("what runs is the whole name, so that no runtime looks a short one up elsewhere") {
  CHECK(parse_image("alpine:3.20")->full() == "docker.io/library/alpine:3.20");
  CHECK(parse_image("alpine:3.20")->pinned(kDigest) == "docker.io/library/alpine@" + kDigest);
}

TEST_CASE("a name that is no image's is refused") {
  for (const auto& text : {std::string(),
                           std::string("-alpine"),
                           std::string("--privileged"),
                           std::string("Alpine"),
                           std::string("alpine:"),
                           std::string(":3"),
                           std::string("alpine:-x"),
                           std::string("alpine:.x"),
                           std::string("alpine:a b"),
                           std::string("alpine:") + std::string(129, 'a'),
                           std::string("a//b"),
                           std::string("/a"),
                           std::string("a/"),
                           std::string("../a"),
                           std::string("a/../b"),
                           std::string("r.io/"),
                           std::string("r.io/-a"),
                           std::string("r.io/a-"),
                           std::string("r.io:0/a"),
                           std::string("r.io:99999/a"),
                           std::string("r.io:x/a"),
                           std::string("-r.io/a"),
                           std::string("r..io/a"),
                           std::string("r.io./a"),
                           std::string("oci:/tmp/layout"),
                           std::string("dir:/etc"),
                           std::string("docker://alpine"),
                           std::string("docker-archive:/tmp/x.tar"),
                           std::string("https://r.io/a"),
                           std::string("a@sha256:12"),
                           std::string("a@md5:") + std::string(32, 'a'),
                           std::string("a@sha256:") + std::string(64, 'G'),
                           std::string("a@") + kDigest + "@" + kDigest,
                           kHash,
                           std::string("a b"),
                           std::string("a\nb"),
                           std::string("a\0b", 3),
                           std::string("a;id"),
                           std::string("$(id)"),
                           std::string("a___b"),
                           std::string("a..b"),
                           std::string("r.io/\xc3\xa4"),
                           std::string("r.io@evil.io/a"),
                           std::string("user:pw@r.io/a"),
                           std::string("[::1/a"),
                           std::string("[x]/a"),
                           std::string(10'000, 'a')}) {
    CAPTURE(text.substr(0, 60));
    const auto read = parse_image(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == "E_IMAGE_POLICY");
    CHECK(read.error().detail.size() < 250);
    CHECK(read.error().detail.find('\n') == std::string::npos);
  }
}

TEST_CASE("a name that is accepted means the same when it is read again") {
  CHECK(rc::check("any text of such letters", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab.:/-_@0localhost")));
    const auto read = parse_image(text);
    if (!read) return;
    RC_ASSERT(*parse_image(read->full()) == *read);
    RC_ASSERT(is_registry(read->registry));
  }));
}

TEST_CASE("the digest of an image is its own, else that of its repository", "[S3-91]") {
  const auto image = *parse_image("localhost:5000/demo:1");
  const std::string other = "sha256:" + std::string(64, 'b');
  CHECK(*digest_from_inspect(R"([{"Digest":")" + kDigest + R"("}])", image) == kDigest);
  CHECK(*digest_from_inspect(
          R"([{"RepoDigests":["r.io/x@)" + other + R"(","localhost:5000/demo@)" + kDigest + R"("]}])",
          image) == kDigest);
  CHECK(*digest_from_inspect(R"([{"Digest":"","RepoDigests":["r.io/x@)" + other + R"("]}])", image) == other);
  for (const auto* text :
       {"", "[]", "{}", "[1]", "null", R"([{"RepoDigests":[]}])", R"([{"Digest":"sha256:1"}])",
        R"([{"RepoDigests":[7,"x","a@b"]}])", "Error: no such image"}) {
    CAPTURE(text);
    const auto digest = digest_from_inspect(text, image);
    REQUIRE_FALSE(digest);
    CHECK(digest.error().code == "E_OCI");
  }
}
