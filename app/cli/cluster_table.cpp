// Drawing the members of a cluster.
#include "app/cli/cluster_table.hpp"

#include <array>
#include <cstdio>
#include <ostream>

#include "app/cli/render.hpp"
#include "app/cli/table.hpp"

namespace muster::cli {
namespace {

constexpr int64_t kSilentMs = 3000;
constexpr int64_t kClockNearMs = 500, kClockOffMs = 2000;

std::string number(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || !found->is_number() ? "" : found->dump();
}

std::string heard(const Json& now) {
  const auto ms = now.value("heard_ms", int64_t{-1});
  if (ms < 0) return "never";
  return ms < 1000 ? "now" : std::to_string(ms / 1000) + "s ago";
}

/// How far ahead of the clock of the node that was asked; nothing while that is near.
Cell clock(const Json& now) {
  const auto ms = now.value("clock_ahead_ms", int64_t{0});
  if (std::abs(ms) < kClockNearMs) return {now.contains("clock_ahead_ms") ? "ok" : ""};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.1fs", static_cast<double>(ms) / 1000);
  return {text.data(), std::abs(ms) > kClockOffMs ? Colour::red : Colour::none};
}

/// Without Raft, as with --alone, there is nobody to elect.
std::string role_of(const Json& member, const Json& now, const Json& raft) {
  if (raft.empty()) return "alone";
  const auto leader = text_of(raft, "leader");
  auto role = text_of(now, "role");
  if (text_of(member, "member") == leader) role = "leader";
  return role.empty() ? "joining" : role;
}

/// Nothing unless the cluster key is being changed: whom that waits for.
void print_key_change(std::ostream& out, const Json& cluster) {
  const auto key = cluster.value("identity", Json::object()).value("key", Json::object());
  const auto phase = text_of(key, "phase"), to = text_of(key, "to");
  if (key.empty() || phase == "rotated") return;
  std::string waits;
  for (const auto& member : cluster.value("members", Json::array())) {
    const auto live = member.value("now", Json::object());
    const bool there = text_of(live, "ca") == to || (phase == "staged" && text_of(live, "trusts_also") == to);
    if (!there) waits += (waits.empty() ? " waits for " : ", ") + text_of(member, "member");
  }
  out << "the cluster key is being changed: " << phase << ',' << (waits.empty() ? " all are there" : waits)
      << "\n\n";
}

}  // namespace

void print_cluster(std::ostream& out, const Json& cluster, const Terminal& terminal, Time now) {
  const auto identity = cluster.value("identity", Json::object());
  const auto raft = cluster.value("raft", Json::object());
  const auto leader = text_of(raft, "leader");
  out << "cluster " << text_of(identity, "cluster") << ", feature level "
      << number(identity, "feature_level");
  if (!raft.empty())
    out << ", term " << number(raft, "term") << ", " << (leader.empty() ? "no leader" : "led by " + leader);
  out << ", epoch " << number(cluster.value("log", Json::object()), "epoch") << '\n';
  if (!raft.value("clock_lets_lead", true))
    out << "the clock of " << text_of(raft, "node") << " is off by " << number(raft, "clock_off_ms")
        << " ms, so it does not lead\n";
  out << '\n';
  print_key_change(out, cluster);
  Table table({{"MEMBER", false, true},
               {"ROLE"},
               {"HEARD"},
               {"SEQ", true},
               {"LAG", true},
               {"RTT", true},
               {"CLOCK", true},
               {"VERSION"},
               {"LEVEL", true},
               {"SEES"},
               {"STARTED"},
               {"URL"}});
  for (const auto& member : cluster.value("members", Json::array())) {
    const auto live = member.value("now", Json::object());
    const auto silent =
      live.value("heard_ms", int64_t{-1}) < 0 || live.value("heard_ms", int64_t{0}) > kSilentMs;
    const auto rtt = live.value("rtt_us", int64_t{-1});
    table.add({{text_of(member, "member")},
               status_cell(role_of(member, live, raft)),
               {heard(live), silent ? Colour::red : Colour::none},
               {number(live, "seq")},
               {number(live, "lag")},
               {rtt < 0 ? "" : std::to_string(rtt) + "us"},
               clock(live),
               {text_of(member, "version")},
               {number(member, "feature_level")},
               {text_of(live, "sees")},
               {when(member, "started_at", now)},
               {text_of(member, "url")}});
  }
  table.print(out, terminal);
}

}  // namespace muster::cli
