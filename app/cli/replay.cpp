// :replay, folding the whole log again: how fast, and the digest of every view and state.
#include "actors/replay.hpp"

#include <charconv>
#include <chrono>
#include <ostream>

#include "app/cli/audit_verify.hpp"
#include "app/cli/catalog.hpp"
#include "app/cli/table.hpp"
#include "events/log/chain.hpp"

namespace muster::cli {
namespace {

/// The seq that --to means: itself, or the last one not after a time.
Result<uint64_t> last_seq(const Call& call, const log::Disk& disk) {
  const auto head = log::read_head(disk).seq;
  if (!call.has("to")) return head;
  const auto text = call.text("to");
  if (const auto time = parse_rfc3339(text)) return log::ChainReader{disk}.last_at(*time);
  uint64_t seq = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (ec != std::errc{} || end != text.data() + text.size())
    return usage_error("--to: '" + text + "' is neither a seq nor a time");
  if (seq > head) return usage_error("--to: the log ends with seq " + std::to_string(head));
  return seq;
}

Json to_json(const Replayed& done, double seconds) {
  Json digests = Json::array();
  for (const auto& fold : fold_digests(done.world))
    digests.push_back({{"name", fold.name}, {"version", fold.version}, {"digest", fold.digest}});
  return {{"seq", done.world.set.seq},
          {"head", to_hex(done.world.set.head)},
          {"from", done.from},
          {"events", done.events},
          {"seconds", seconds},
          {"events_per_second", static_cast<double>(done.events) / std::max(seconds, 1e-9)},
          {"digests", digests}};
}

void print(const Call& call, const Json& json) {
  auto& out = call.io.out;
  const auto from = json["from"].get<uint64_t>();
  out << "replayed " << json["events"] << " events"
      << (from == 0 ? std::string{} : " on top of the checkpoint of seq " + std::to_string(from)) << " in "
      << json["seconds"].get<double>() << " s, "
      << static_cast<uint64_t>(json["events_per_second"].get<double>()) << " events/s\nhead " << json["seq"]
      << ':' << json["head"].get<std::string>() << '\n';
  Table table{{{"FOLD"}, {"VERSION", true, true}, {"DIGEST"}}};
  for (const auto& row : json["digests"])
    table.add(
      {{row["name"].get<std::string>()}, {row["version"].dump()}, {row["digest"].get<std::string>()}});
  table.print(out, call.io.terminal);
}

Outcome run(Call& call) {
  const auto disk = open_data(call.config.text("data"));
  if (!disk) return disk.error();
  const auto to = last_seq(call, **disk);
  if (!to) return to.error();
  const auto begin = std::chrono::steady_clock::now();
  const auto done = replay(**disk, *to);
  if (!done) return done.error();
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto json = to_json(*done, seconds);
  if (call.json)
    print_json(call, json);
  else
    print(call, json);
  return 0;
}

}  // namespace

Verb replay_verb() {
  return {.name = ":replay",
          .summary = "Fold the log from its first line, and print a digest for every fold",
          .example = "muster :replay --data /var/lib/muster\nmuster :replay --to 2026-01-02T03:04:05Z --json",
          .run = run,
          .flags = {{"to", "SEQ|TIME", "Stop there"}}};
}

}  // namespace muster::cli
