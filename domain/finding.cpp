// Choosing among what was seen.
#include "domain/finding.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace muster::finding {
namespace {

std::string_view short_ca(std::string_view ca) {
  return ca.substr(0, kCaChars);
}

bool on_loopback(std::string_view address) {
  const auto host = address.substr(0, address.rfind(':'));
  return host.starts_with("127.") || host == "localhost" || host == "[::1]";
}

/// Only these join without being told to.
bool trusted(const Own& own, const Advert& advert) {
  if (own.dev && advert.dev && on_loopback(advert.address)) return true;
  return own.ca.size() >= kCaChars && short_ca(own.ca) == short_ca(advert.ca);
}

/// Which of two clusters stays: the smaller one.
using Standing = std::tuple<bool, Time, std::string>;

struct Cluster {
  bool bare = true, named = false;
  Time created_at = Time::max();
  std::vector<const Advert*> members;  // The ones to ask first come first.
};

std::map<std::string, Cluster> clusters_in(const Own& own, const Sight& sight) {
  std::map<std::string, Cluster> clusters;
  for (const auto& advert : sight.adverts) {
    if (advert.role == Role::searching || advert.cluster.empty()) continue;
    if (advert.node == own.node || !trusted(own, advert)) continue;
    auto& cluster = clusters[advert.cluster];
    cluster.bare = cluster.bare && advert.bare;
    cluster.named = cluster.named || advert.named;
    cluster.created_at = std::min(cluster.created_at, advert.created_at);
    cluster.members.push_back(&advert);
  }
  for (auto& [id, cluster] : clusters)
    std::sort(cluster.members.begin(), cluster.members.end(), [](const Advert* a, const Advert* b) {
      const bool a_leads = a->role == Role::leader, b_leads = b->role == Role::leader;
      return std::tie(b_leads, b->epoch, a->node) < std::tie(a_leads, a->epoch, b->node);
    });
  return clusters;
}

std::optional<Target> way_into(const std::string& id, const Cluster& cluster, const Sight& sight) {
  for (const auto* member : cluster.members)
    if (!sight.failed.contains(member->address)) return Target{id, member->address, member->url};
  return std::nullopt;
}

/// The best cluster that answers, of those that `wanted` is true for.
template <class Wanted>
std::optional<Target> best(const Own& own, const Sight& sight, const Wanted& wanted) {
  std::optional<Target> target;
  std::optional<Standing> standing;
  for (const auto& [id, cluster] : clusters_in(own, sight)) {
    Standing its{cluster.bare, cluster.created_at, id};
    if (!wanted(its, cluster.named) || (standing && *standing < its)) continue;
    if (auto way = way_into(id, cluster, sight)) {
      target = std::move(way);
      standing = std::move(its);
    }
  }
  return target;
}

Step with_a_log(const Own& own, const Sight& sight) {
  if (own.alone) return Stay{};
  const auto elsewhere = [&](const Standing& its) { return std::get<std::string>(its) != own.cluster; };
  if (own.log == Log::bare) {
    const Standing mine{true, own.created_at, own.cluster};
    const auto better = [&](const Standing& its, bool named) {
      return elsewhere(its) && (named || its < mine);
    };
    if (auto target = best(own, sight, better)) return GiveWay{std::move(*target)};
    return Stay{};
  }
  const auto rival =
    best(own, sight, [&](const Standing& its, bool) { return elsewhere(its) && !std::get<bool>(its); });
  return Stay{rival ? rival->cluster : ""};
}

std::optional<Target> by_url(const Own& own, const Sight& sight) {
  for (const auto& url : own.join_urls)
    if (!url.empty() && !sight.failed.contains(url)) return Target{"", "", url};
  return std::nullopt;
}

bool heard_anybody(const Own& own, const Sight& sight) {
  return std::any_of(sight.adverts.begin(), sight.adverts.end(),
                     [&](const Advert& advert) { return advert.node != own.node && trusted(own, advert); });
}

/// How many searching neighbours go first.
size_t rank(const Own& own, const Sight& sight) {
  std::set<std::string> before;
  for (const auto& advert : sight.adverts)
    if (advert.role == Role::searching && advert.node != own.node && trusted(own, advert) &&
        std::tie(advert.created_at, advert.node) < std::tie(own.created_at, own.node))
      before.insert(advert.node);
  return before.size();
}

}  // namespace

std::string_view to_text(Role role) {
  switch (role) {
    case Role::searching:
      return "searching";
    case Role::member:
      return "member";
    case Role::leader:
      return "leader";
  }
  return "";
}

Step next(const Own& own, const Sight& sight, const Waits& waits) {
  if (own.log != Log::empty) return with_a_log(own, sight);
  if (own.alone) return Begin{};
  const auto mine = [&](const Standing& its, bool) {
    return own.cluster.empty() || std::get<std::string>(its) == own.cluster;
  };
  if (auto neighbour = best(own, sight, mine)) return Join{std::move(*neighbour)};

  const auto listen = own.listens ? waits.listen : Millis{0};
  if (sight.searched < listen && !own.join_urls.empty()) return Search{listen};
  if (auto target = by_url(own, sight)) return Join{std::move(*target)};
  if (!own.cluster.empty()) return Search{Millis::max()};

  const auto quiet = !own.listens ? Millis{0} : heard_anybody(own, sight) ? waits.listen : waits.silence;
  const Millis jitter{static_cast<int64_t>(sight.random * static_cast<double>(waits.jitter.count()))};
  const auto steps = static_cast<int64_t>(std::min(rank(own, sight), waits.steps));
  const auto more = steps * waits.step;
  const auto until =
    quiet + jitter + (clusters_in(own, sight).empty() ? more : std::max(more, waits.unanswered));
  if (sight.searched < until) return Search{until};
  return Begin{};
}

}  // namespace muster::finding
