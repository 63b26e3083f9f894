// This node among others: finds them, proves itself, joins or founds, and keeps the connections.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "actors/cosigner.hpp"
#include "actors/peering.hpp"
#include "actors/secret_sharing.hpp"
#include "adapters/ports/discovery.hpp"
#include "app/cluster/bareness.hpp"
#include "app/cluster/credentials.hpp"
#include "app/cluster/join_log.hpp"
#include "app/cluster/key_rotation.hpp"
#include "app/cluster/member_file.hpp"
#include "app/cluster/removal_watch.hpp"
#include "app/cluster/url_watch.hpp"
#include "app/config/bind.hpp"

namespace muster::http {
struct ApiOptions;
}

namespace muster::app {

struct ClusterSideOptions {
  const config::Config* config = nullptr;
  std::string data, node, version;
  std::string public_key;  ///< Of this node's signatures, hex.
  config::Bind bind;
  std::string url;  ///< Where this node serves HTTP, for others.
};

class ClusterSide {
public:
  /// Error: `config.invalid`; `bind.refused` when members' traffic would leave the machine without a cluster
  /// key.
  static Result<std::unique_ptr<ClusterSide>> make(ClusterSideOptions options);
  ~ClusterSide();
  ClusterSide(const ClusterSide&) = delete;
  ClusterSide& operator=(const ClusterSide&) = delete;

  /// Joins or founds when the folder belongs to no cluster yet, opens the member port, and fills in what the
  /// system has to know. Blocks while it searches; `stopped` ends that. Errors: those of search();
  /// `member.removed` of a folder that was told so.
  Status settle(const log::Disk& disk, SystemOptions& options, const std::function<bool()>& stopped);
  /// From here on frames come and go, and others can find this node.
  void attach(System& system, Peering::OnRequest on_request);
  void detach();
  /// Before `system` stops: hands leadership on when there is somebody to take it, says goodbye, and lets go
  /// of it. Blocks for a few seconds at most.
  void leave_office(System& system);

  [[nodiscard]] Peering& peering() { return *peering_; }
  [[nodiscard]] SecretSharing& sharing() { return *sharing_; }
  /// What the edge asks of this side; it outlives the edge.
  void serve_through(http::ApiOptions& options);
  /// A join token was printed that the log does not have yet: who came with it now would be refused.
  [[nodiscard]] bool owes_first_token(const System& system) const;
  /// Lines were committed and their views published.
  void on_records(const std::vector<Record>& records);
  /// See KeyRotation::begin. Error: also `conflict` when the key is one that everybody knows.
  void rotate_key(bool force, Origin origin, Answer answer);
  [[nodiscard]] const Credentials& credentials() const { return credentials_; }
  [[nodiscard]] std::string address() const { return address_; }

  /// Another cluster of the same key was there first, and nobody would miss what this node holds.
  [[nodiscard]] bool gives_way() const { return gives_way_; }
  /// Asks the other cluster whether it is really there; when it is not, nothing is given up. Blocks.
  bool confirm_giving_way();
  /// Called when gives_way() turns true, or there is a removed(). On some thread.
  std::function<void()> on_end{};

  /// Lines were committed and folded.
  void folded(const std::vector<Record>& records);
  /// Why this node is no member any more, for the next start, too; empty: it is one.
  [[nodiscard]] std::string removed() const;
  /// Whether that was its own word, while it ran.
  [[nodiscard]] bool left() const { return left_; }

private:
  explicit ClusterSide(ClusterSideOptions options, Credentials credentials);
  Status choose_address();
  Status open_port();
  void start_discovery();
  [[nodiscard]] Hello own_hello(uint64_t feature_level) const;
  Status find_cluster(const log::Disk& disk, const std::function<bool()>& stopped);
  void advertise();
  void tick();
  void look_around();
  bool orphaned(int64_t heard_ms);  ///< Of who leads; -1: never.
  void watch_removal();
  void watch_urls();
  void tell_clock();
  void keep_roster(const std::vector<RosterEntry>& members);
  void renew();
  void show_credentials();
  void record_first_token(System& system);

  ClusterSideOptions options_;
  Credentials credentials_;
  std::string boot_;
  std::string listen_, address_;
  Time started_{};
  MemberFile member_;
  std::unique_ptr<Discovery> discovery_;
  std::unique_ptr<Peering> peering_;
  std::unique_ptr<SecretSharing> sharing_;
  std::unique_ptr<KeyRotation> rotation_;
  std::unique_ptr<Cosigner> cosigner_;
  std::shared_ptr<JoinLog> join_log_ = std::make_shared<JoinLog>();  ///< Kept by answers that are still due.
  std::unique_ptr<consensus::PeerNetwork> network_;
  mutable std::mutex mutex_;  ///< Guards what follows, up to `other_`, and `member_`.
  System* system_ = nullptr;
  finding::Advert told_;
  Bareness bareness_;
  std::string told_rival_;
  std::chrono::steady_clock::time_point orphan_since_ = std::chrono::steady_clock::now();
  Failures doubtful_{std::chrono::seconds{10}};  ///< Clusters' addresses that did not prove themselves.
  finding::Target other_;                        ///< The cluster that it gives way to.
  std::mutex shown_mutex_;  ///< Guards `issued_`, and in which order credentials are shown.
  std::string issued_;      ///< The certificate in use, PEM.
  std::chrono::steady_clock::time_point next_renewal_{}, next_look_{};
  enum class FirstToken : uint8_t { owed, asked, none };
  std::shared_ptr<std::atomic<FirstToken>> first_token_ =
    std::make_shared<std::atomic<FirstToken>>(FirstToken::owed);
  bool clock_told_ = true;  ///< Likewise.
  std::atomic<bool> gives_way_{false}, left_{false};
  std::unique_ptr<RemovalWatch> removal_;
  std::unique_ptr<UrlWatch> urls_;  ///< Nothing when there are no URLs to look at.
};

}  // namespace muster::app
