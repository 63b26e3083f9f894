// Finding each other: what a starting node does with what it is told and what it sees on the network.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace muster::finding {

enum class Role : uint8_t {
  searching,  ///< Belongs to no cluster yet.
  member,
  leader,
};

[[nodiscard]] std::string_view to_text(Role role);

/// What a node tells its neighbours about itself. It says who is there, never who is alive, and nobody has
/// checked it: what it leads to is checked by the certificates of the connection that follows.
struct Advert {
  std::string node;     ///< The node's id.
  std::string cluster;  ///< The cluster's id; empty while searching.
  std::string ca;       ///< SHA-256 of the cluster's CA, hex, its first kCaChars; empty without one.
  bool dev = false;     ///< Started for development, on loopback only.
  Role role = Role::searching;
  uint64_t epoch = 0;
  std::string address;  ///< host:port of the member port. 0.0.0.0: wherever the reader sees the node.
  std::string url;      ///< Of the HTTP edge, or empty; 0.0.0.0 as in `address`.
  std::string boot;     ///< Another one for every start of the process.
  Time created_at{};    ///< When its cluster was created; while searching, when the process started.
  bool bare = false;    ///< The cluster's log holds nothing but its own bootstrap.
  bool named = false;   ///< A join URL led to it, and it asks at none itself. Neighbours do not say so.
  bool operator==(const Advert&) const = default;
};

/// As much of a fingerprint as adverts carry and `next` compares.
constexpr size_t kCaChars = 16;

enum class Log : uint8_t {
  empty,
  bare,     ///< Nothing but the bootstrap of a cluster that this node began: nobody would miss it.
  history,  ///< Anything else.
};

/// A node's own situation. Its id is known by now: boot begins with it.
struct Own {
  std::string node;
  std::string cluster;  ///< What it belongs to, if it does.
  Log log = Log::empty;
  Time created_at{};  ///< As in its advert.
  std::string ca;     ///< As in its advert; longer is fine.
  bool dev = false;
  bool alone = false;                  ///< --alone: joins nobody and gives way to nobody.
  bool listens = true;                 ///< False: no neighbours will ever be seen.
  std::vector<std::string> join_urls;  ///< --join, MUSTER_CONTROL_URL, SUPERVISOR_URL, in this order.
};

/// What it has seen so far.
struct Sight {
  std::vector<Advert> adverts;   ///< From neighbours, or asked for at a URL.
  std::set<std::string> failed;  ///< Addresses and join URLs that did not answer lately.
  Millis searched{0};            ///< Since the search began.
  double random = 0;             ///< At least 0, below 1; drawn once a search.
};

struct Waits {
  Millis listen{1600};  ///< Neighbours that are there have been heard by then.
  /// Instead, while nobody at all was heard. Members on one machine have one address, and a responder that
  /// sees one of them know an answer does not give it to the next for 0.7 s: two questions in a row can go
  /// unanswered just after a cluster began. The third is asked after 3 s.
  Millis silence{3500};
  Millis jitter{300};
  /// For each searching neighbour that goes first: what it founds is joined as soon as it is advertised, so
  /// only one that is gone is waited for that long.
  Millis step{3000};
  size_t steps = 5;           ///< At most so many.
  Millis unanswered{10'000};  ///< Instead, while a cluster to join is advertised of which nobody answers.
};

/// Ask again when `until` of the search is over, or at once when something else was seen.
struct Search {
  Millis until{0};
};
/// Where to join. An advert has both, a join URL only `url`. When nothing answers there, put `address` (or
/// the `url` without one) into `failed` and ask again.
struct Target {
  std::string cluster, address, url;
  bool operator==(const Target&) const = default;
};
struct Join {
  Target target;
};
/// Begin a cluster of its own.
struct Begin {};
/// Go on with the cluster it has. `rival`: another cluster of the same CA that has a history, too; which of
/// them is to go, a person must say.
struct Stay {
  std::string rival;
};
/// Another cluster of the same CA was there first and this one holds nothing yet: make sure that the other
/// answers, throw this one's log away, and join.
struct GiveWay {
  Target target;
};
using Step = std::variant<Search, Join, Begin, Stay, GiveWay>;

/// The cluster it belongs to, then neighbours of the same CA, then join URLs, then a cluster of its own after
/// a short random wait (contracts/supervisor.md, 10). Of several that search at once the one that started
/// first begins, by (created_at, node). Of two clusters the one with a history stays, then the older one, by
/// (created_at, cluster); but one that a join URL names is gone to, younger or not, unless it looks for
/// others that way, too. A node whose log is gone never begins again what it belonged to.
[[nodiscard]] Step next(const Own& own, const Sight& sight, const Waits& waits = {});

}  // namespace muster::finding
