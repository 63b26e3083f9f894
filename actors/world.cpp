// Folding worlds.
#include "actors/world.hpp"

#include <future>
#include <iterator>
#include <utility>

#include "base/hash.hpp"
#include "events/parts.hpp"

namespace muster {

void fold(World& world, const Record& record) {
  fold(world.set, record);
  each_state(world.states, [&](std::string_view, auto& state) { fold_state(state, record); });
}

Status check_feature_level(const World& world, uint64_t known) {
  const auto& cluster = view<cluster::View>(world.set);
  const auto level = cluster.identity->feature_level;
  if (level <= known) return Done{};
  std::string newest;
  cluster.members.each([&](const std::string&, const auto& member) {
    if (member.feature_level >= level) newest = ", as version " + member.version + " does";
  });
  return Error{"feature.unknown",
               "this log is at feature level " + std::to_string(level) +
                 ", and this build knows levels up to " + std::to_string(known) +
                 ": it takes a build that knows level " + std::to_string(level) + newest,
               {}};
}

std::vector<FoldDigest> fold_digests(const World& world) {
  auto views = std::async(std::launch::async, [&] { return digests(world.set); });
  std::vector<FoldDigest> states, all;
  each_state(world.states, [&](std::string_view name, const auto& state) {
    std::string text;
    save_parts(text, state);
    states.push_back({"state " + std::string(name), 1, sha256_hex(text)});
  });
  for (const auto& view : views.get())
    all.push_back({"view " + std::string(view.name), view.version, view.sha256});
  all.insert(all.end(), std::make_move_iterator(states.begin()), std::make_move_iterator(states.end()));
  return all;
}

}  // namespace muster
