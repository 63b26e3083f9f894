// Shows how an advert is written into a TXT record, and that nothing else is read as one.
#include "adapters/advert_text.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using finding::Advert;
using finding::Role;

namespace {

Advert full() {
  Advert advert;
  advert.node = "n1";
  advert.cluster = "c1";
  advert.ca = "0123456789abcdef";
  advert.role = Role::leader;
  advert.epoch = 7;
  advert.address = "10.0.0.7:7000";
  advert.url = "https://10.0.0.7:8070";
  advert.boot = "b1";
  advert.created_at = Time{Millis{1'767'323'045'678}};
  return advert;
}

std::vector<std::string> text_with(const std::string& key, const std::string& value) {
  auto strings = to_txt(full());
  for (auto& text : strings)
    if (text.starts_with(key + "=")) text = key + "=" + value;
  return strings;
}

std::vector<std::string> pointers_of(const Advert& advert) {
  std::vector<std::string> pointers;
  const auto status = check_advert(advert);
  if (status) return pointers;
  CHECK(status.error().code == "field.invalid");
  for (const auto& field : status.error().fields) pointers.push_back(field.pointer);
  return pointers;
}

}  // namespace

TEST_CASE("an advert is key=value, the version first", "[S2-04]") {
  CHECK(to_txt(full()) == std::vector<std::string>{"txtvers=1", "id=n1", "role=leader", "epoch=7",
                                                   "cluster=c1", "ca=0123456789abcdef", "addr=10.0.0.7:7000",
                                                   "url=https://10.0.0.7:8070", "boot=b1",
                                                   "since=1767323045678"});
}

TEST_CASE("what was written is read back") {
  CHECK(rc::check("any advert", [] {
    auto advert = full();
    advert.node = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', 'z')));
    advert.role = *rc::gen::element(Role::searching, Role::member, Role::leader);
    if (advert.role == Role::searching) advert.cluster.clear();
    advert.epoch = *rc::gen::arbitrary<uint64_t>();
    advert.created_at = Time{Millis{*rc::gen::arbitrary<int64_t>()}};
    advert.bare = *rc::gen::arbitrary<bool>();
    advert.dev = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) advert.ca.clear();
    if (*rc::gen::arbitrary<bool>()) advert.url.clear();
    const auto strings = to_txt(advert);
    for (const auto& text : strings) RC_ASSERT(text.size() <= kMaxTxtString);
    RC_ASSERT(from_txt(strings) == advert);
  }));
}

TEST_CASE("the largest advert still fits, in strings of 255 bytes") {
  auto advert = full();
  advert.node.clear();
  for (int i = 0; i < 128; i++) advert.node += "\U0001f680";
  advert.cluster = advert.node;
  advert.address = std::string(255, 'h') + ":65535";
  advert.url = "http://h/" + std::string(kMaxAdvertUrl - 9, 'p');
  advert.boot = std::string(kMaxBoot, 'b');
  REQUIRE(check_advert(advert));
  const auto strings = to_txt(advert);
  size_t bytes = 0;
  for (const auto& text : strings) {
    CHECK(text.size() <= kMaxTxtString);
    bytes += text.size();
  }
  CHECK(bytes <= kMaxTxtBytes);
  CHECK(from_txt(strings) == advert);
}

TEST_CASE("a longer fingerprint is cut") {
  auto advert = full();
  advert.ca += "0123456789abcdef";
  CHECK(from_txt(to_txt(advert)) == full());
}

TEST_CASE("unknown keys are ignored, and of a key twice the first counts") {
  auto strings = to_txt(full());
  for (const auto* more : {"colour=red", "flag", "", "=x", "id=n2", "epoch=9"}) strings.push_back(more);
  CHECK(from_txt(strings) == full());
}

TEST_CASE("a text without what an advert needs is none") {
  for (const auto* key : {"txtvers", "id", "role", "epoch", "cluster", "addr", "boot", "since"}) {
    CAPTURE(key);
    auto strings = to_txt(full());
    strings.erase(std::remove_if(strings.begin(), strings.end(),
                                 [&](const auto& text) { return text.starts_with(std::string(key) + "="); }),
                  strings.end());
    CHECK_FALSE(from_txt(strings));
  }
  CHECK_FALSE(from_txt({}));
}

TEST_CASE("a text that says something impossible is none") {
  const std::pair<const char*, std::string> wrong[] = {{"txtvers", "2"},
                                                       {"id", "a/b"},
                                                       {"id", "\x1b[31m"},
                                                       {"id", "\xff"},
                                                       {"id", ""},
                                                       {"role", "boss"},
                                                       {"role", "searching"},
                                                       {"epoch", "-1"},
                                                       {"epoch", "7x"},
                                                       {"epoch", ""},
                                                       {"epoch", "18446744073709551616"},
                                                       {"cluster", std::string(200, 'c')},
                                                       {"ca", "0123"},
                                                       {"ca", "0123456789ABCDEF"},
                                                       {"ca", "0123456789abcdef0"},
                                                       {"addr", "10.0.0.7"},
                                                       {"addr", "10.0.0.7:0"},
                                                       {"addr", "10.0.0.7:70000"},
                                                       {"addr", ":7000"},
                                                       {"addr", "user@host:7000"},
                                                       {"addr", "host:7000/path"},
                                                       {"addr", "a b:7000"},
                                                       {"url", "file:///etc/passwd"},
                                                       {"boot", ""},
                                                       {"since", "yesterday"}};
  for (const auto& [key, value] : wrong) {
    CAPTURE(key, value);
    CHECK_FALSE(from_txt(text_with(key, value)));
  }
}

TEST_CASE("a text of too many strings or bytes is not looked into") {
  auto strings = to_txt(full());
  const auto small = strings;
  while (strings.size() <= kMaxTxtStrings) strings.emplace_back("x");
  CHECK_FALSE(from_txt(strings));
  strings = small;
  for (size_t i = 0; i <= kMaxTxtBytes / kMaxTxtString; i++) strings.emplace_back(kMaxTxtString, 'x');
  CHECK_FALSE(from_txt(strings));
  strings = small;
  strings.emplace_back(kMaxTxtString + 1, 'x');
  CHECK_FALSE(from_txt(strings));
}

TEST_CASE("whoever is to be advertised is checked, every field at once") {
  Advert advert;
  CHECK(pointers_of(advert) == std::vector<std::string>{"/node", "/address", "/boot"});
  advert = full();
  advert.cluster.clear();
  advert.ca = "not hex at all..";
  advert.address = "here";
  advert.url = "http://" + std::string(kMaxAdvertUrl, 'h');
  advert.boot = std::string(kMaxBoot + 1, 'b');
  CHECK(pointers_of(advert) == std::vector<std::string>{"/cluster", "/ca", "/address", "/url", "/boot"});
  advert = full();
  advert.role = Role::searching;
  CHECK(pointers_of(advert) == std::vector<std::string>{"/cluster"});
}

TEST_CASE("only a host that means any address is replaced") {
  CHECK(at_host("0.0.0.0:7000", "10.0.0.7") == "10.0.0.7:7000");
  CHECK(at_host("[::]:7000", "10.0.0.7") == "10.0.0.7:7000");
  CHECK(at_host("http://0.0.0.0:8070/x", "10.0.0.7") == "http://10.0.0.7:8070/x");
  CHECK(at_host("https://0.0.0.0", "10.0.0.7") == "https://10.0.0.7");
  for (const auto* other : {"10.0.0.0:7000", "0.0.0.0.example:7000", "http://h/0.0.0.0:1", "", "0.0.0.01:7"})
    CHECK(at_host(other, "10.0.0.7") == other);
}
