// What this node proves itself with among members: the cluster key, its own key, its certificate.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "actors/peering.hpp"
#include "adapters/authority.hpp"
#include "app/config/config.hpp"
#include "consensus/peer_network.hpp"

namespace muster::app {

/// Where a node keeps the cluster key that it made or was given. Beside it, while that is changed: `.next`,
/// whose certificates it trusts already, and `.previous`, whose it still trusts.
[[nodiscard]] std::string cluster_key_path(const std::string& data);

/// Thread-safe.
class Credentials {
public:
  /// The cluster key is the one kept in the data folder, else that of --cluster-key-file, else with --dev one
  /// that everybody knows. Error: `config.invalid`.
  static Result<Credentials> load(const config::Config& config, const std::string& data, std::string node);

  /// Whether there is a cluster key; without one the node may still join by a token.
  [[nodiscard]] bool complete() const;
  /// Makes a key and keeps it: the first node of a cluster. Error: `internal`.
  Status found();
  /// Keeps a key that it was given when it joined. Error: `config.invalid`, `internal`.
  Status adopt(const std::string& cluster_key);
  /// Keeps the secret of replies that came with a key, when it is not what the key gives. Error: `internal`.
  Status keep_reply_secret(const std::string& secret);

  [[nodiscard]] const NodeKey& node_key() const { return node_key_; }
  [[nodiscard]] std::string cluster_key() const;
  /// 32 bytes that all members have, whatever the cluster key is changed to.
  [[nodiscard]] std::string reply_secret() const;
  /// SHA-256 of the CA's certificate, hex; empty without a key.
  [[nodiscard]] std::string ca() const;
  /// What members are told of these.
  [[nodiscard]] Peering::ClusterKey shared() const;

  /// How long its certificates are good.
  [[nodiscard]] Millis certificate_life() const { return life_; }
  /// A certificate of its own for the network, good from `now` on. Complete only.
  [[nodiscard]] Result<consensus::PeerCredentials> issue(Time now) const;
  /// A certificate that no authority stands behind: it shows that this node holds its key, and nothing else.
  [[nodiscard]] Result<consensus::PeerCredentials> self_signed(Time now) const;

  // A change of the cluster key: each step is on disk when it returns, and may be taken again. Error:
  // `internal`, `config.invalid`.

  Status stage(const std::string& cluster_key);  ///< Trusts certificates of that one, too.
  Status switch_over();                          ///< Shows one of it, and still trusts the other.
  Status finish();                               ///< Trusts the one that it shows alone.
  Status drop_next();                            ///< Nothing comes of what was staged.
  /// The key whose authority has that fingerprint, among those that are here; empty: none.
  [[nodiscard]] std::string key_of(const std::string& ca) const;

private:
  struct Ring;  ///< A key and what follows from it.
  [[nodiscard]] static Result<std::shared_ptr<const Ring>> ring_of(const std::string& key);
  [[nodiscard]] Status write(const std::string& suffix, const std::string& key) const;

  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::string data_, node_, reply_secret_;
  Millis life_{kCertificateLife};
  NodeKey node_key_;
  std::shared_ptr<const Ring> current_, next_, previous_;
};

}  // namespace muster::app
