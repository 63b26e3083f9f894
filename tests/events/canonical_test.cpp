// The quick way of reading fields against the one that builds a document.
#include "events/canonical.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/arbitrary.hpp"

using namespace muster;

namespace {

/// Whatever the quick reader takes, the other one reads as the same event.
template <class Event>
void agree(const std::string& text) {
  Event quick;
  if (!CanonicalReader{text}.read_all(quick)) return;
  const auto slow = from_json_text<Event>(text);
  if (!slow) RC_FAIL("only the quick reader takes " + text);
  RC_ASSERT(to_json_text(quick) == to_json_text(*slow));
}

std::string fields_of(const AnyEvent& event) {
  return std::visit([](const auto& e) { return to_json_text(e); }, event);
}

struct Mixed {
  uint64_t n = 7;
  int64_t i = 0;
  std::string s;
  RawJson raw;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("n", self.n);
    visit("i", self.i);
    visit("s", self.s);
    visit("raw", self.raw);
  }
};

}  // namespace

TEST_CASE("plain text of every event is read without a document", "[S0-05]") {
  for (const auto& event : arbitrary::one_of_each())
    std::visit(
      [](const auto& e) {
        std::decay_t<decltype(e)> read;
        const auto text = to_json_text(e);
        INFO(text);
        const bool plain =
          std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c != '\\'; });
        CHECK(CanonicalReader{text}.read_all(read) == plain);
        if (plain) CHECK(read == e);
      },
      event);
}

TEST_CASE("both ways of reading fields agree on any text", "[S0-05][S0-08]") {
  CHECK(rc::check("one byte changed, any event", [] {
    const auto event = *arbitrary::event(arbitrary::Names::any);
    auto text = fields_of(event);
    std::visit([&](const auto& e) { agree<std::decay_t<decltype(e)>>(text); }, event);
    text[*rc::gen::inRange<size_t>(0, text.size())] =
      *rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::elementOf(std::string("{}[]\",:\\ 0-1ae")));
    std::visit([&](const auto& e) { agree<std::decay_t<decltype(e)>>(text); }, event);
  }));
}

TEST_CASE("what is not canonical is left to the other reader") {
  Mixed read;
  for (const auto* text : {R"({"n":1,"i":-3,"s":"x","raw":{"a":[1,{}],"b":"}"}})", R"({"n":0,"i":0})",
                           R"({"i":-1,"raw":[]})", "{}"}) {
    CAPTURE(text);
    CHECK(CanonicalReader{text}.read_all(read));
  }
  for (const auto* text :
       {"", "{", R"({"n":01})", R"({"n":-1})", R"({"i":-01})", R"({"n":1.0})", R"({"n":1e3})", R"({"n": 1})",
        R"({"s":"x","n":1})", R"({"n":1,"x":2})", R"({"n":1}})", R"({"n":1,})", R"({"s":"\n"})",
        R"({"s":"é"})", R"({"raw":{"a":01}})", R"({"raw":})", R"({"raw":{]})",
        R"({"n":18446744073709551616})"}) {
    CAPTURE(text);
    CHECK_FALSE(CanonicalReader{text}.read_all(read));
  }
}
