// What a node does about others while it serves: advertises, gives way, learns that it was removed.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "app/cluster/cluster_side.hpp"
#include "app/cluster/search.hpp"

namespace muster::app {
namespace {

constexpr int64_t kLeaderSilentMs = 5'000;

}  // namespace

/// Tells neighbours what is new about this node.
void ClusterSide::advertise() {
  const std::lock_guard lock{mutex_};
  if (!discovery_) return;
  finding::Advert advert;
  advert.node = options_.node;
  advert.ca = credentials_.ca().substr(0, finding::kCaChars);
  advert.dev = options_.config->flag("dev");
  advert.address = address_;
  advert.url = options_.url;
  advert.boot = boot_;
  advert.created_at = started_;
  if (system_) {
    const auto views = system_->views();
    const auto& identity = *view<cluster::View>(*views).identity;
    const bool known = !identity.cluster.empty();
    if (!known && !peering_->without_log()) return;
    // Without a line of the log it says nothing that the others' adverts do not.
    advert.cluster = known ? identity.cluster : member_.cluster;
    if (known) advert.created_at = identity.created_at;
    advert.role = system_->gauges().leading ? finding::Role::leader : finding::Role::member;
    advert.epoch = views->epoch;
    advert.bare = bareness_.look(system_->chain(), views->seq);
  }
  if (advert == told_) return;
  told_ = advert;
  if (auto status = discovery_->advertise(advert); !status)
    spdlog::warn("discovery error={}", status.error().detail);
}

/// Two new clusters of one key become one: the younger gives way, as long as nobody would miss it.
void ClusterSide::look_around() {
  finding::Own own;
  finding::Sight sight;
  const auto heard_ms = peering_->leader_heard_ms();
  {
    const std::lock_guard lock{mutex_};
    if (!system_ || (!discovery_ && !urls_) || gives_way_) return;
    const auto views = system_->views();
    const auto& identity = *view<cluster::View>(*views).identity;
    const bool known = !identity.cluster.empty();
    if (!known && !orphaned(heard_ms)) return;
    own.node = options_.node;
    own.cluster = known ? identity.cluster : member_.cluster;
    own.log = bareness_.look(system_->chain(), views->seq) ? finding::Log::bare : finding::Log::history;
    own.created_at = known ? identity.created_at : Time::max();
    own.ca = credentials_.ca();
    own.dev = options_.config->flag("dev");
    sight.failed = doubtful_.now();
  }
  if (discovery_) sight.adverts = discovery_->found();
  if (urls_) std::ranges::move(urls_->seen(), std::back_inserter(sight.adverts));
  for (const auto& advert : sight.adverts)
    if (advert.cluster == own.cluster && advert.node != own.node) {
      peering_->seen_at(advert.node, advert.address);
      if (own.created_at == Time::max()) return;  // It is there: its log will come.
    }
  const auto step = finding::next(own, sight);
  if (const auto* stay = std::get_if<finding::Stay>(&step)) {
    const std::lock_guard lock{mutex_};
    if (stay->rival != told_rival_ && !stay->rival.empty())
      spdlog::warn("another cluster of the same key has a history, too: {}; remove one of them", stay->rival);
    told_rival_ = stay->rival;
  }
  const auto* give_way = std::get_if<finding::GiveWay>(&step);
  if (!give_way) return;
  {
    const std::lock_guard lock{mutex_};
    other_ = give_way->target;
  }
  if (!gives_way_.exchange(true) && on_end) on_end();
}

/// Whoever let it in gave way to another cluster before a line of the log came: that cluster is no more.
/// Without the log, any that is there is the better one. `mutex_` is held.
bool ClusterSide::orphaned(int64_t heard_ms) {
  const auto now = std::chrono::steady_clock::now();
  if (!member_.joined || (heard_ms >= 0 && heard_ms <= kLeaderSilentMs)) orphan_since_ = now;
  return now - orphan_since_ > std::chrono::milliseconds{kLeaderSilentMs};
}

bool ClusterSide::confirm_giving_way() {
  finding::Target other;
  {
    const std::lock_guard lock{mutex_};
    other = other_;
  }
  const bool there = proves_itself(other.address, options_.node, credentials_);
  spdlog::info("another cluster goes first cluster={} address={} proves_itself={}", other.cluster,
               other.address, there);
  if (there) return true;
  {
    const std::lock_guard lock{mutex_};
    doubtful_.add(other.address);
  }
  gives_way_ = false;  // It is looked at again.
  return false;
}

/// While nobody would miss what this node holds: whom it was pointed at may come, or come back, later.
void ClusterSide::watch_urls() {
  auto urls = join_urls(*options_.config);
  if (urls.empty()) return;
  urls_ = std::make_unique<UrlWatch>(std::move(urls), [this] {
    const std::lock_guard lock{mutex_};
    return system_ && !gives_way_ && bareness_.look(system_->chain(), system_->views()->seq);
  });
}

/// Told by whoever leads; the folder keeps it, so that the next start does not have to ask.
void ClusterSide::watch_removal() {
  RemovalWatchOptions watch;
  watch.alone = [this] {
    const auto heard = peering_->leader_heard_ms();
    return heard < 0 || heard > kLeaderSilentMs;
  };
  watch.members = [this] {
    std::vector<std::string> others;
    for (const auto& entry : peering_->roster())
      if (entry.node != options_.node) others.push_back(entry.address);
    return others;
  };
  watch.ask = [this](const std::string& address) {
    return ask_whether_member(address, options_.node, credentials_);
  };
  watch.cluster = [this] {
    const std::lock_guard lock{mutex_};
    const auto known = system_ ? view<cluster::View>(*system_->views()).identity->cluster : std::string{};
    return known.empty() ? member_.cluster : known;
  };
  watch.removed = [this](const JoinAnswer& why) {
    {
      const std::lock_guard lock{mutex_};
      member_.removed = why.detail;
      if (auto kept = write_member_file(options_.data, member_); !kept)
        spdlog::error("member file error={}", kept.error().detail);
    }
    left_ = why.left;
    spdlog::warn("this node {}: {}", why.left ? "left" : "was removed", why.detail);
    if (on_end) on_end();
  };
  removal_ = std::make_unique<RemovalWatch>(std::move(watch));
}

std::string ClusterSide::removed() const {
  const std::lock_guard lock{mutex_};
  return member_.removed;
}

void ClusterSide::folded(const std::vector<Record>& records) {
  bool members = false, own = false;
  for (const auto& record : records) {
    members |= record.type.starts_with("member.") || record.type.starts_with("cluster.");
    const auto* left = std::get_if<cluster::MemberLeft>(&record.event);
    own |= left && left->member == options_.node && left->id == member_.id;
  }
  if (members) peering_->folded();
  if (own && removal_) removal_->suspect();  // A log that is read anew tells of the past, too.
}

/// Each time it changes.
void ClusterSide::tell_clock() {
  const auto clock = peering_->clock();
  if (clock.may_lead == clock_told_) return;
  clock_told_ = clock.may_lead;
  if (clock.may_lead) return spdlog::info("clock right again: this node may lead");
  spdlog::error("clock ahead_ms={}: over 2 s off the other members', so this node does not lead",
                clock.off ? clock.off->count() : 0);
}

void ClusterSide::keep_roster(const std::vector<RosterEntry>& members) {
  const std::lock_guard lock{mutex_};
  const auto same =
    std::equal(members.begin(), members.end(), member_.members.begin(), member_.members.end(),
               [](const auto& a, const auto& b) { return to_json_text(a) == to_json_text(b); });
  if (same) return;
  member_.members = members;
  if (auto kept = write_member_file(options_.data, member_); !kept)
    spdlog::error("member file error={}", kept.error().detail);
}

}  // namespace muster::app
