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
#include "app/cluster/credentials.hpp"
#include "app/cluster/key_rotation.hpp"
#include "app/cluster/member_file.hpp"
#include "app/config/bind.hpp"

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
  /// system has to know. Blocks while it searches; `stopped` ends that. Errors: those of search().
  Status settle(const log::Disk& disk, SystemOptions& options, const std::function<bool()>& stopped);
  /// From here on frames come and go, and others can find this node.
  void attach(System& system, Peering::OnRequest on_request);
  void detach();
  /// Before a stop in good order: hands leadership on when there is somebody to take it, and says goodbye.
  /// Blocks for a few seconds at most.
  void leave_office(System& system);

  [[nodiscard]] Peering& peering() { return *peering_; }
  [[nodiscard]] SecretSharing& sharing() { return *sharing_; }
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
  /// Called once, on a thread of the discovery, when gives_way() turns true.
  std::function<void()> on_give_way{};

private:
  explicit ClusterSide(ClusterSideOptions options, Credentials credentials);
  Status choose_address();
  Status open_port();
  void start_discovery();
  void advertise();
  void tick();
  void look_around();
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
  std::unique_ptr<consensus::PeerNetwork> network_;
  std::mutex mutex_;  ///< Guards `system_` and `told_`.
  System* system_ = nullptr;
  finding::Advert told_;
  finding::Target other_;   ///< The cluster that it gives way to.
  std::mutex shown_mutex_;  ///< Guards `issued_`, and in which order credentials are shown.
  std::string issued_;      ///< The certificate in use, PEM.
  std::chrono::steady_clock::time_point next_renewal_{}, next_advert_{};
  bool first_token_told_ = false;  ///< Of the thread that ticks.
  std::atomic<bool> gives_way_{false};
};

/// Whether the log holds nothing but what a node writes when it founds a cluster and looks after itself.
[[nodiscard]] bool is_bare(const ViewSet& views, const std::string& node);

}  // namespace muster::app
