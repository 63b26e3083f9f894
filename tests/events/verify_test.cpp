// Ten thousand damaged logs: each is found out, and the first bad seq is named; whole ones are good.
#include "events/log/verify.hpp"

#include <algorithm>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace muster;

namespace {

using Lines = std::vector<std::string>;

/// A log as docs/log_format.md has it, with some events that name earlier lines.
Lines whole_log(size_t count, std::mt19937_64& random) {
  Lines lines;
  std::vector<std::string> hashes{std::string(64, '0')};
  for (uint64_t seq = 1; seq <= count; seq++) {
    std::string type = "node.registered",
                data = R"({"id":"n)" + std::to_string(random() % 1000) + R"(","é":[1,null]})";
    if (seq > 5 && random() % 10 == 0) {
      const auto at = 1 + random() % (seq - 1);
      type = "log.checkpointed";
      data = R"({"at":)" + std::to_string(at) + R"(,"head":")" + hashes[at] + R"("})";
    }
    const auto ms = std::to_string(1000 + seq).substr(1);
    lines.push_back(R"({"seq":)" + std::to_string(seq) + R"(,"prev":")" + hashes.back() +
                    R"(","time":"2026-01-02T03:04:05.)" + ms + R"(Z","epoch":)" + std::to_string(seq / 20) +
                    R"(,"node":"n1","actor":"a","type":")" + type + R"(","stream":"node/x","data":)" + data +
                    "}");
    hashes.push_back(sha256_hex(lines.back()));
  }
  return lines;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

log::Verdict verdict_of(const std::string& text, const std::string& head) {
  std::istringstream in{text};
  log::VerifyOptions options;
  options.head = log::read_named_head(head);
  const auto verdict = log::verify(log::lines_of(in), options);
  REQUIRE(verdict);
  return *verdict;
}

/// A damaged file, and the first bad seq of it.
struct Damage {
  std::string name, text;
  uint64_t bad = 0;
};

Damage damaged(const Lines& lines, std::mt19937_64& random) {
  const auto pick = [&](size_t below) { return static_cast<size_t>(random() % below); };
  auto changed = lines;
  const auto at = pick(lines.size());
  switch (pick(6)) {
    case 0: {  // One bit, also of a newline.
      auto text = joined(lines);
      size_t start = 0;
      for (size_t i = 0; i < at; i++) start += lines[i].size() + 1;
      text[start + pick(lines[at].size() + 1)] ^= static_cast<char>(1U << pick(8));
      return {"flip", text, at + 1};
    }
    case 1:
      changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
      return {"delete", joined(changed), at + 1};
    case 2: {
      const auto other = pick(lines.size());
      if (other == at) return damaged(lines, random);
      std::swap(changed[at], changed[other]);
      return {"swap", joined(changed), std::min(at, other) + 1};
    }
    case 3:
      changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), lines[at]);
      return {"duplicate", joined(changed), at + 2};
    case 4: {
      const std::vector<std::string> junk{"", "{}", "null", "# a comment", "\xff\xfe", " " + lines.front()};
      changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), junk[pick(junk.size())]);
      return {"insert", joined(changed), at + 1};
    }
    default: {
      const auto text = joined(lines);
      const auto kept = text.substr(0, 1 + pick(text.size() - 1));
      return {"truncate", kept, static_cast<uint64_t>(std::count(kept.begin(), kept.end(), '\n')) + 1};
    }
  }
}

}  // namespace

TEST_CASE("any single change to a log is caught, and the first bad seq named", "[S0-08]") {
  std::mt19937_64 random{20'260'102};
  constexpr int kLogs = 50, kDamages = 200;
  for (int log = 0; log < kLogs; log++) {
    const auto lines = whole_log(3 + random() % 60, random);
    const auto text = joined(lines);
    const auto head = std::to_string(lines.size()) + ":" + sha256_hex(lines.back());
    const auto good = verdict_of(text, head);
    CHECK_FALSE(good.bad);
    CHECK(good.lines == lines.size());
    for (int i = 0; i < kDamages; i++) {
      const auto damage = damaged(lines, random);
      const auto verdict = verdict_of(damage.text, head);
      if (verdict.bad == damage.bad) continue;
      FAIL(damage.name << " of a log of " << lines.size() << " lines: bad is " << damage.bad << ", named was "
                       << (verdict.bad ? std::to_string(*verdict.bad) : "none") << " (" << verdict.reason
                       << ")\n"
                       << damage.text);
    }
  }
}
