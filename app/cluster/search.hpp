// The search for a cluster: before a node has one, and for as long as it holds nothing that anybody would
// miss.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/joining.hpp"
#include "adapters/http_client.hpp"
#include "adapters/ports/discovery.hpp"
#include "app/cluster/credentials.hpp"
#include "app/config/config.hpp"
#include "consensus/peer_join.hpp"
#include "domain/finding.hpp"

namespace muster::app {

/// --join, then MUSTER_CONTROL_URL, CLOUD_CONTROL_URL and SUPERVISOR_URL; URLs, or host:port of a member
/// port.
[[nodiscard]] std::vector<std::string> join_urls(const config::Config& config);

/// What the node says of itself when it asks to be let in.
struct Candidate {
  std::string node, address, url;
  std::string join_token;  ///< As given; empty: it holds the cluster key.
};

/// Asks the member port at `address`. `credentials` adopt the cluster key that a token brought. Errors:
/// `join.refused` and others with the member's reason; `unreachable`; `tls.untrusted`.
Result<JoinAnswer> join_at(const std::string& address, const Candidate& candidate, Credentials& credentials);

/// One call to join. Errors: as join_at.
Result<JoinAnswer> ask_once(const consensus::JoinCall& call, const JoinRequest& request);
/// 32 bytes; empty when it is not 64 hex characters.
[[nodiscard]] std::string key_bytes(const std::string& hex);
/// Asks the member port at `address` whether this node is a member still: code `member.removed` says no.
/// Error: whatever else it answers, or that it does not.
Result<JoinAnswer> ask_whether_member(const std::string& address, const std::string& node,
                                      const Credentials& credentials);

/// What GET /v1/cluster/entry at a URL says of whom it leads to. Nobody has checked it. Error: `unreachable`.
Result<finding::Advert> entry_at(HttpClient& client, const std::string& url);

/// The member port behind a URL; an address that is none already stays. Error: `unreachable`.
Result<std::string> entry_of(const std::string& url);

/// Whether the member port at `address` belongs to a cluster of this key, shown by its certificate. Blocks.
[[nodiscard]] bool proves_itself(const std::string& address, const std::string& node,
                                 const Credentials& credentials);

/// Whom to leave alone for a while.
class Failures {
public:
  explicit Failures(std::chrono::milliseconds lasts) : lasts_(lasts) {}
  void add(const std::string& whom);
  [[nodiscard]] std::set<std::string> now();

private:
  const std::chrono::milliseconds lasts_;
  std::map<std::string, std::chrono::steady_clock::time_point> until_;
};

/// What the search came to.
struct Found {
  bool begin = false;  ///< Found a cluster of its own; otherwise `answer` says what it is a member of.
  JoinAnswer answer;
};

/// Looks and asks until it knows. Blocks; `stopped` ends it, then Error `unreachable`. `said` tells a person
/// what it waits for, each time that changes. Of a node that was told to join (--join, --join-token) an
/// answer that will not be another one later ends it, too: `join.refused`, `tls.untrusted`, `field.invalid`.
Result<Found> search(const config::Config& config, const Candidate& candidate, Credentials& credentials,
                     Discovery* discovery, finding::Own own, const std::function<bool()>& stopped,
                     const std::function<void(const std::string&)>& said);

}  // namespace muster::app
