// Checkpoints: worlds as text, packed, in the store under their seq.
#include <future>
#include <utility>

#include "actors/pipeline.hpp"
#include "actors/world.hpp"
#include "base/hash.hpp"
#include "events/log/chain.hpp"
#include "events/log/squeeze.hpp"
#include "events/parts.hpp"

namespace muster {
namespace {

// Three rows each, so that listing reads no texts, and views are read without states: "at/" + seq -> the
// digest, then the SHA-256 of both texts, in hex; "states/" + seq and "views/" + seq -> the texts, packed.
constexpr std::string_view kAt = "at/", kAtEnd = "at0", kStates = "states/", kViews = "views/";
constexpr size_t kHex = 64;

std::string key_of(std::string_view prefix, uint64_t seq) {
  return std::string(prefix).append(log::number_key(seq));
}

Error corrupt(std::string what) {
  return {"log.corrupt", std::move(what), {}};
}

/// What an "at/" row says.
struct Digests {
  std::string whole, states, views;
};

Result<Digests> read_digests(std::string_view row) {
  if (row.size() != 3 * kHex) return corrupt("a checkpoint's digests are cut off");
  if (sha256_hex(row.substr(kHex)) != row.substr(0, kHex)) return corrupt("a checkpoint's digests disagree");
  return Digests{std::string(row.substr(0, kHex)), std::string(row.substr(kHex, kHex)),
                 std::string(row.substr(2 * kHex))};
}

Result<std::string> read_text(const log::Disk& disk, std::string_view prefix, uint64_t seq,
                              const std::string& digest) {
  const auto packed = disk.get(log::Column::checkpoints, key_of(prefix, seq));
  if (!packed) return corrupt("the checkpoint of seq " + std::to_string(seq) + " is incomplete");
  auto text = log::unsqueeze(*packed);
  if (!text) return text.error();
  if (sha256_hex(*text) != digest)
    return corrupt("the stored checkpoint of seq " + std::to_string(seq) + " is not what its digest says");
  return text;
}

// Each state under "%name".
std::string states_text(const States& states) {
  std::string text;
  each_state(states, [&](std::string_view name, const auto& state) {
    text.append("%").append(name).append("\n");
    save_parts(text, state);
  });
  return text;
}

Result<States> states_from_text(std::string_view text) {
  States states;
  Status status = Done{};
  each_state(states, [&](std::string_view name, auto& state) {
    if (!status) return;
    const auto mark = std::string("%").append(name).append("\n");
    if (!text.starts_with(mark)) {
      status = corrupt("a checkpoint lacks the state " + std::string(name));
      return;
    }
    text.remove_prefix(mark.size());
    const auto next = text.starts_with('%') ? 0 : text.find("\n%");
    const auto end = next == std::string_view::npos ? text.size() : next == 0 ? 0 : next + 1;
    status = load_parts(state, text.substr(0, end));
    text.remove_prefix(end);
  });
  if (!status) return status.error();
  return states;
}

Result<States> load_states(const log::Disk& disk, uint64_t seq, const Digests& digests) {
  const auto text = read_text(disk, kStates, seq, digests.states);
  if (!text) return text.error();
  return states_from_text(*text);
}

Result<ViewSet> load_views(const log::Disk& disk, uint64_t seq, const Digests& digests) {
  const auto text = read_text(disk, kViews, seq, digests.views);
  if (!text) return text.error();
  auto loaded = muster::load_views(*text);
  if (!loaded) return loaded.error();
  if (!loaded->outdated.empty())
    return corrupt("a checkpoint holds an older fold of " + loaded->outdated.front());
  return std::move(loaded->set);
}

/// States and views are read beside each other.
Result<World> load_world(const log::Disk& disk, uint64_t seq, const Digests& digests) {
  auto reading = std::async(std::launch::async, [&] { return load_states(disk, seq, digests); });
  auto views = load_views(disk, seq, digests);
  auto states = reading.get();
  if (!views) return views.error();
  if (!states) return states.error();
  return World{std::move(*views), std::move(*states)};
}

/// A stored checkpoint that was not read yet.
struct Found {
  uint64_t seq = 0;
  Digests digests;
};

/// The newest checkpoint at or before `seq` whose digests are sound.
std::optional<Found> find_checkpoint(const log::Disk& disk, uint64_t seq) {
  auto before = key_of(kAt, seq + 1);
  while (const auto found = disk.last(log::Column::checkpoints, before)) {
    before = found->first;
    if (!before.starts_with(kAt)) break;
    auto digests = read_digests(found->second);
    if (digests) return Found{log::number_of(before.substr(kAt.size())), std::move(*digests)};
  }
  return std::nullopt;  // A damaged one is passed over: the one before serves as well.
}

/// The place a checkpoint stands at: its last line is still there, unless the log was compacted up to it.
std::optional<ChainPlace> place_of(const log::Disk& disk, uint64_t seq) {
  const auto line = log::ChainReader{disk}.line(seq);
  if (!line) return std::nullopt;
  return ChainPlace{seq, sha256(*line)};
}

ViewSet& views_of(ViewSet& set) {
  return set;
}
ViewSet& views_of(World& world) {
  return world.set;
}

/// What is stored at `found`, brought forward to `seq`: while it is read on one thread, the lines after it
/// are read and decoded on others. Nothing when the checkpoint cannot be read.
template <class Folded, class Load>
std::optional<Result<Folded>> forward(const log::Disk& disk, const Found& found, uint64_t seq, Load&& load) {
  auto loading = std::async(std::launch::async, [&] { return load(disk, found.seq, found.digests); });
  const auto known = place_of(disk, found.seq);
  std::optional<Result<Folded>> loaded;
  if (!known) loaded = loading.get();
  if (loaded && !*loaded) return std::nullopt;
  auto place = known ? *known : ChainPlace{found.seq, views_of(**loaded).head};
  const auto status = each_record(disk, place, seq, [&](const Record& record) {
    if (!loaded) loaded = loading.get();
    if (*loaded) fold(**loaded, record);
  });
  if (!loaded) loaded = loading.get();
  if (!*loaded) return std::nullopt;
  if (!status) return Result<Folded>{status.error()};
  auto& views = views_of(**loaded);
  if (known && views.head != known->head)
    return Result<Folded>{
      corrupt("the checkpoint of seq " + std::to_string(found.seq) + " is of another log")};
  views.head = place.head;
  return loaded;
}

/// Folded as of `seq`, from the newest checkpoint that can be read, or from the first line.
template <class Folded, class Load>
Result<Folded> folded_at(const log::Disk& disk, uint64_t seq, Load&& load) {
  for (auto found = find_checkpoint(disk, seq); found; found = find_checkpoint(disk, found->seq - 1)) {
    if (auto folded = forward<Folded>(disk, *found, seq, load)) return std::move(*folded);
    if (found->seq == 0) break;
  }
  Folded folded;
  ChainPlace place;
  const auto status = each_record(disk, place, seq, [&](const Record& record) { fold(folded, record); });
  if (!status) return status.error();
  views_of(folded).head = place.head;
  return folded;
}

}  // namespace

std::string checkpoint_digest(const World& world) {
  const auto states = sha256_hex(states_text(world.states));
  return sha256_hex(states + sha256_hex(save_views(world.set)));
}

Result<StoredCheckpoint> store_checkpoint(log::Disk& disk, const World& world) {
  const auto seq = world.set.seq;
  log::Batch batch;
  std::string states = states_text(world.states);
  Digests digests{"", sha256_hex(states), ""};
  batch.put(log::Column::checkpoints, key_of(kStates, seq), log::squeeze(states));
  states = {};
  const auto views = save_views(world.set);
  digests.views = sha256_hex(views);
  batch.put(log::Column::checkpoints, key_of(kViews, seq), log::squeeze(views));
  digests.whole = sha256_hex(digests.states + digests.views);
  const auto bytes = batch.bytes();
  batch.put(log::Column::checkpoints, key_of(kAt, seq), digests.whole + digests.states + digests.views);
  if (auto status = disk.write(batch, true); !status) return status.error();
  return StoredCheckpoint{seq, digests.whole, bytes};
}

std::optional<World> load_checkpoint(const log::Disk& disk, uint64_t seq) {
  for (auto found = find_checkpoint(disk, seq); found; found = find_checkpoint(disk, found->seq - 1)) {
    if (auto world = load_world(disk, found->seq, found->digests)) return std::move(*world);
    if (found->seq == 0) break;
  }
  return std::nullopt;
}

Status drop_covered_lines(log::Disk& disk, uint64_t to) {
  for (auto found = find_checkpoint(disk, UINT64_MAX - 1); found;
       found = find_checkpoint(disk, found->seq - 1)) {
    if (load_world(disk, found->seq, found->digests)) {
      const auto covered = std::min(to, found->seq);
      return covered < log::ChainReader{disk}.oldest() ? Status{Done{}} : log::drop_lines(disk, covered);
    }
    if (found->seq == 0) break;
  }
  return Done{};
}

std::vector<uint64_t> checkpoint_seqs(const log::Disk& disk) {
  std::vector<uint64_t> seqs;
  disk.scan(log::Column::checkpoints, kAt, kAtEnd, [&](std::string_view key, std::string_view) {
    seqs.push_back(log::number_of(key.substr(kAt.size())));
    return true;
  });
  return seqs;
}

Result<std::string> check_checkpoint(const log::Disk& disk, uint64_t seq) {
  const auto row = disk.get(log::Column::checkpoints, key_of(kAt, seq));
  const auto digests = read_digests(row.value_or(""));
  if (!digests) return digests.error();
  for (const auto& [prefix, digest] : {std::pair{kStates, digests->states}, {kViews, digests->views}})
    if (const auto text = read_text(disk, prefix, seq, digest); !text) return text.error();
  return digests->whole;
}

Result<World> world_at(const log::Disk& disk, uint64_t seq) {
  return folded_at<World>(disk, seq, load_world);
}

Result<ViewSet> views_at(const log::Disk& disk, uint64_t seq) {
  return folded_at<ViewSet>(disk, seq, [](auto&&... from) { return load_views(from...); });
}

namespace {

/// As world_to_start_from(); throws when the disk does not give its bytes.
Result<World> read_world_to_start_from(const log::Disk& disk) {
  const auto head = log::read_head(disk);
  const log::ChainReader reader{disk};
  const auto oldest = reader.oldest();
  const auto stored = find_checkpoint(disk, head.seq);
  // An older one of its own is of no use once the lines after it are gone.
  const bool leads_here = stored && (oldest == 0 ? stored->seq == head.seq : stored->seq + 1 >= oldest);
  if (head.seq > 0 && oldest != 1 && !leads_here) {
    // Stopped between a peer's checkpoint and the lines that lead to it. The rest is fetched before anything
    // else.
    ChainPlace place{head.seq, head.hash};
    if (const auto before = reader.before_oldest(); oldest > 0 && before) place = {oldest - 1, *before};
    if (auto status = each_record(disk, place, head.seq, [](const Record&) {}); !status)
      return status.error();
    if (auto world = load_checkpoint(disk, UINT64_MAX - 1); world && place.head == head.hash)
      return std::move(*world);
  }
  auto world = world_at(disk, head.seq);
  if (!world) return world.error();
  if (world->set.head != head.hash) return corrupt("the lines do not lead to the head that the store names");
  return world;
}

}  // namespace

Result<World> world_to_start_from(const log::Disk& disk) {
  try {
    return read_world_to_start_from(disk);
  } catch (const log::Unreadable& failed) {
    return failed.error();
  }
}

}  // namespace muster
