// Shows that no secret is in what is shown, however the output is cut, and that nothing else is touched.
#include "domain/jobs/redaction.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

namespace {

std::shared_ptr<const Secrets> secrets(const std::vector<std::string>& values) {
  auto made = Secrets::of(values);
  REQUIRE(made);
  return *made;
}

/// `text` through a redactor, cut before each of `cuts`.
std::string redacted(const std::vector<std::string>& values, const std::string& text,
                     std::vector<size_t> cuts = {}) {
  Redactor redactor(secrets(values));
  std::string out;
  cuts.push_back(text.size());
  std::sort(cuts.begin(), cuts.end());
  size_t from = 0;
  for (const auto cut : cuts) {
    const auto to = std::clamp(cut, from, text.size());
    redactor.write(std::string_view(text).substr(from, to - from), out);
    from = to;
  }
  redactor.finish(out);
  return out;
}

/// What the redactor must give, found slowly: every byte of every secret hidden, overlapping ones as one.
std::string by_hand(const std::vector<std::string>& values, const std::string& text) {
  std::vector<std::pair<size_t, size_t>> found;
  for (size_t from = 0; from < text.size(); from++) {
    size_t longest = 0;
    for (const auto& value : values)
      if (!value.empty() && text.compare(from, value.size(), value) == 0)
        longest = std::max(longest, value.size());
    if (longest == 0) continue;
    if (!found.empty() && found.back().second > from)
      found.back().second = std::max(found.back().second, from + longest);
    else
      found.emplace_back(from, from + longest);
  }
  std::string out;
  size_t at = 0;
  for (const auto& [from, to] : found) {
    out += text.substr(at, from - at) + "[secret]";
    at = to;
  }
  return out + text.substr(at);
}

rc::Gen<std::string> short_text() {
  return rc::gen::container<std::string>(rc::gen::element('x', 'y', 'z'));
}

}  // namespace

TEST_CASE("a secret is hidden wherever it stands", "[S3-09]") {
  CHECK(redacted({"hunter2"}, "hunter2 and xhunter2x\nhunter2") == "[secret] and x[secret]x\n[secret]");
  CHECK(redacted({"hunter2"}, "hunter2hunter2") == "[secret][secret]");
  CHECK(redacted({"hunter2"}, "hunter hunter3") == "hunter hunter3");
  CHECK(redacted({}, "anything") == "anything");
  CHECK(redacted({""}, "anything") == "anything");
}

TEST_CASE("a secret that is cut at any place is hidden", "[S3-09]") {
  const std::string text = "before hunter2 after";
  for (size_t first = 0; first <= text.size(); first++)
    for (size_t second = first; second <= text.size(); second++)
      REQUIRE(redacted({"hunter2"}, text, {first, second}) == "before [secret] after");
}

TEST_CASE("the longest secret wins, and what overlaps goes with it", "[S3-09]") {
  CHECK(redacted({"pass", "password"}, "password pass") == "[secret] [secret]");
  CHECK(redacted({"abcd", "cdef"}, "-abcdef-") == "-[secret]-");
  CHECK(redacted({"b", "abc"}, "abx abc") == "a[secret]x [secret]");
}

TEST_CASE("each line of a secret of many lines is hidden, and its last line end is not part of it",
          "[S3-09]") {
  const std::string key = "-----BEGIN-----\r\nQUJD\n\nREVG\n";
  CHECK(redacted({key}, "got REVG, QUJD\n") == "got [secret], [secret]\n");
  CHECK(redacted({key}, "key: " + key + "end") == "key: [secret]\nend");
  CHECK(redacted({"token\n"}, "token\n") == "[secret]\n");
}

TEST_CASE("bytes that are no text pass, and are hidden when they are the secret", "[S3-09]") {
  CHECK(redacted({"hunter2"}, std::string("\xff\x00\xfehunter2\x80", 11)) ==
        std::string("\xff\x00\xfe", 3) + "[secret]\x80");
  CHECK(redacted({"\xff\xfe"}, "a\xff\xff\xfe") == "a\xff[secret]");
}

TEST_CASE("only the end that may begin a secret is held back") {
  Redactor redactor(secrets({"hunter2"}));
  std::string out;
  redactor.write("hello hun", out);
  CHECK(out == "hello ");
  CHECK(redactor.held_back() == 3);
  redactor.write("g", out);
  CHECK(out == "hello hung");
  CHECK(redactor.held_back() == 0);
  redactor.write("h", out);
  redactor.finish(out);
  CHECK(out == "hello hungh");
  redactor.write("unter2", out);  // What was let go is not taken back.
  redactor.finish(out);
  CHECK(out == "hello hunghunter2");
}

TEST_CASE("output equals what a slow search gives, for any secrets and any cuts", "[S3-09]") {
  CHECK(rc::check("the redactor is right", [] {
    const auto values = *rc::gen::container<std::vector<std::string>>(short_text());
    const auto text = *rc::gen::scale(3.0, short_text());
    const auto cuts = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, text.size() + 1));
    const auto out = redacted(values, text, cuts);
    RC_ASSERT(out == by_hand(values, text));
    for (const auto& value : values) RC_ASSERT(value.empty() || out.find(value) == std::string::npos);
    RC_ASSERT(secrets(values)->hide(text) == out);
  }));
}

TEST_CASE("no secret of any bytes is shown whole, and text without it is unchanged", "[S3-09]") {
  CHECK(rc::check("it is hidden", [](const std::string& before, const std::string& after) {
    const auto secret = "\x01" + *rc::gen::arbitrary<std::string>() + "\x02";
    const auto cut = *rc::gen::inRange<size_t>(0, 64);
    const auto text = before + secret + after;
    const auto out = redacted({secret}, text, {cut, cut + 1});
    RC_ASSERT(out.find(secret) == std::string::npos);
    if (before.find('\x01') == std::string::npos)
      RC_ASSERT((redacted({"\x01q\x02"}, before, {cut}) == before));
  }));
}

TEST_CASE("a stream of beginnings costs the same for each byte and keeps no more than a secret") {
  // With the square of it this would take hours.
  const std::string nearly(60'000, 'a');
  Redactor redactor(secrets({nearly + "b", nearly + "cb"}));
  std::string out;
  const std::string block(1 << 20, 'a');
  for (int i = 0; i < 8; i++) redactor.write(block, out);
  CHECK(redactor.held_back() == nearly.size());
  redactor.write("b", out);
  redactor.finish(out);
  CHECK(out == std::string(8 * block.size() - nearly.size(), 'a') + "[secret]");
}

TEST_CASE("one secret that goes on without end is one, and nothing of it is kept") {
  Redactor redactor(secrets({"aa"}));
  std::string out;
  for (int i = 0; i < 1000; i++) redactor.write(std::string(1000, 'a'), out);
  CHECK(redactor.held_back() <= 2);
  redactor.write("b", out);
  CHECK(out == "[secret]b");
}

TEST_CASE("thousands of secrets are hidden, and too many bytes of them refused", "[S3-09]") {
  std::vector<std::string> many;
  std::string text, hidden;
  for (int i = 10'000; i < 15'000; i++) {
    many.push_back("k" + std::to_string(i));
    text += many.back() + ' ';
    hidden += "[secret] ";
  }
  CHECK(redacted(many, text) == hidden);
  const auto refused = Secrets::of({std::string(kMaxSecretBytes + 1, 'x')});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "arguments.refused");
}

TEST_CASE("arguments are shown without secrets, and their values are what is hidden", "[S3-08]") {
  Job job;
  for (const auto* name : {"text", "number", "truth", "list", "map", "plain"}) {
    Arg arg;
    arg.name = name;
    arg.secret = std::string_view(name) != "plain";
    job.args.push_back(arg);
  }
  const Json given[] = {"t0p", 4711, true, {"one", "two"}, {{"key", "three"}}, "shown"};
  Arguments arguments;
  for (size_t i = 0; i < job.args.size(); i++) arguments.push_back({&job.args[i], given[i]});
  CHECK(
    shown_arguments(arguments).dump() ==
    R"({"text":"[secret]","number":"[secret]","truth":"[secret]","list":"[secret]","map":"[secret]","plain":"shown"})");
  CHECK(clear_arguments(arguments)["list"] == Json({"one", "two"}));
  CHECK(secret_values(arguments) == std::vector<std::string>{"t0p", "4711", "one", "two", "three"});
  CHECK(secrets(secret_values(arguments))->hide("cannot run: t0p 4711 three") ==
        "cannot run: [secret] [secret] [secret]");
}
