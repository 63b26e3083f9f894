// Folding, storing and loading worlds.
#include "actors/world.hpp"

#include <utility>

#include "base/hash.hpp"
#include "events/log/chain.hpp"
#include "events/parts.hpp"

namespace muster {
namespace {

constexpr std::string_view kViewsMark = "%views\n";
const std::string kAt = "at/", kText = "text/";

template <class State>
void fold_state(State& state, const AnyEvent& event) {
  match(event)([&](const auto& e) {
    if constexpr (requires { evolve(std::move(state), e); }) state = evolve(std::move(state), e);
  });
}

/// Calls visit(name, state) for each domain's state.
template <class AnyStates, class Visit>
void each_state(AnyStates& states, Visit&& visit) {
  [&]<size_t... I>(std::index_sequence<I...>) {
    (visit(kStateNames[I], std::get<I>(states)), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<States>>{});
}

std::string state_text(const States& states, size_t wanted) {
  std::string text;
  size_t index = 0;
  each_state(states, [&](std::string_view, const auto& state) {
    if (index++ == wanted) save_parts(text, state);
  });
  return text;
}

Error corrupt(std::string what) {
  return {"log.corrupt", std::move(what), {}};
}

}  // namespace

void fold(World& world, const Record& record) {
  fold(world.set, record);
  each_state(world.states, [&](std::string_view, auto& state) { fold_state(state, record.event); });
}

std::vector<FoldDigest> fold_digests(const World& world) {
  std::vector<FoldDigest> all;
  for (const auto& view : digests(world.set))
    all.push_back({"view " + std::string(view.name), view.version, view.sha256});
  for (size_t i = 0; i < kStateNames.size(); i++)
    all.push_back({"state " + std::string(kStateNames[i]), 1, sha256_hex(state_text(world.states, i))});
  return all;
}

// The text: each state under "%name", then "%views" and the views.
std::string to_text(const World& world) {
  std::string text;
  each_state(world.states, [&](std::string_view name, const auto& state) {
    text.append("%").append(name).append("\n");
    save_parts(text, state);
  });
  text += kViewsMark;
  text += save_views(world.set);
  return text;
}

Result<World> world_from_text(std::string_view text) {
  World world;
  Status status = Done{};
  each_state(world.states, [&](std::string_view name, auto& state) {
    if (!status) return;
    const auto mark = std::string("%").append(name).append("\n");
    if (!text.starts_with(mark)) {
      status = corrupt("a checkpoint lacks the state " + std::string(name));
      return;
    }
    text.remove_prefix(mark.size());
    const auto end = text.starts_with('%') ? 0 : text.find("\n%") + 1;
    status = load_parts(state, text.substr(0, end));
    text.remove_prefix(end);
  });
  if (!status) return status.error();
  if (!text.starts_with(kViewsMark)) return corrupt("a checkpoint lacks its views");
  auto set = load_views(text.substr(kViewsMark.size()));
  if (!set) return set.error();
  if (!set->outdated.empty()) return corrupt("a checkpoint holds an older fold of " + set->outdated.front());
  world.set = std::move(set->set);
  return world;
}

// Stored as two rows: "at/" + seq -> digest in hex, and "text/" + seq -> the text, so that listing reads no
// texts.
Result<StoredCheckpoint> store_checkpoint(log::Disk& disk, const World& world) {
  const auto text = to_text(world);
  const auto digest = sha256_hex(text);
  log::Batch batch;
  batch.put(log::Column::checkpoints, kAt + log::number_key(world.set.seq), digest);
  batch.put(log::Column::checkpoints, kText + log::number_key(world.set.seq), text);
  if (auto status = disk.write(batch, true); !status) return status.error();
  return StoredCheckpoint{world.set.seq, digest, text.size()};
}

std::optional<World> load_checkpoint(const log::Disk& disk, uint64_t seq) {
  auto before = kAt + log::number_key(seq + 1);
  while (const auto found = disk.last(log::Column::checkpoints, before)) {
    before = found->first;
    const auto text = disk.get(log::Column::checkpoints, kText + before.substr(kAt.size()));
    if (!text || sha256_hex(*text) != found->second) continue;  // Damaged: the one before serves as well.
    if (auto world = world_from_text(*text)) return std::move(*world);
  }
  return std::nullopt;
}

std::vector<uint64_t> checkpoint_seqs(const log::Disk& disk) {
  std::vector<uint64_t> seqs;
  disk.scan(log::Column::checkpoints, kAt, kText, [&](std::string_view key, std::string_view) {
    seqs.push_back(log::number_of(key.substr(kAt.size())));
    return true;
  });
  return seqs;
}

Result<std::string> check_checkpoint(const log::Disk& disk, uint64_t seq) {
  const auto claimed = disk.get(log::Column::checkpoints, kAt + log::number_key(seq));
  const auto text = disk.get(log::Column::checkpoints, kText + log::number_key(seq));
  if (!claimed || !text) return corrupt("the checkpoint of seq " + std::to_string(seq) + " is incomplete");
  auto digest = sha256_hex(*text);
  if (digest != *claimed)
    return corrupt("the stored checkpoint of seq " + std::to_string(seq) + " is not what its digest says");
  return digest;
}

Result<World> world_at(const log::Disk& disk, uint64_t seq) {
  auto world = load_checkpoint(disk, seq).value_or(World{});
  if (world.set.seq == seq) return world;
  const log::ChainReader chain{disk};
  Status status = Done{};
  auto next = world.set.seq + 1;
  chain.each_from(next, [&](uint64_t at, std::string_view line) {
    if (at > seq) return false;
    if (at != next) {
      status = Error{"log.compacted", "lines before seq " + std::to_string(at) + " were compacted", {}};
      return false;
    }
    auto record = read_line(line);
    if (!record) {
      status = record.error();
      return false;
    }
    fold(world, *record);
    next++;
    return true;
  });
  if (!status) return status.error();
  return world;
}

}  // namespace muster
