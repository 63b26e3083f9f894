// What this node proves itself with among members: the cluster key, its own key, its certificate.
#pragma once

#include <memory>
#include <string>

#include "adapters/authority.hpp"
#include "app/config/config.hpp"
#include "consensus/peer_network.hpp"

namespace muster::app {

/// Where a node keeps the cluster key that it made or was given.
[[nodiscard]] std::string cluster_key_path(const std::string& data);

class Credentials {
public:
  /// The cluster key is that of --cluster-key-file, else the one kept in the data folder, else with --dev one
  /// that everybody knows. Error: `config.invalid`.
  static Result<Credentials> load(const config::Config& config, const std::string& data, std::string node);

  /// Whether there is a cluster key; without one the node may still join by a token.
  [[nodiscard]] bool complete() const { return authority_ != nullptr; }
  /// Makes a key and keeps it: the first node of a cluster. Error: `internal`.
  Status found();
  /// Keeps a key that it was given when it joined. Error: `config.invalid`, `internal`.
  Status adopt(const std::string& cluster_key);

  [[nodiscard]] const NodeKey& node_key() const { return node_key_; }
  [[nodiscard]] const std::string& cluster_key() const { return cluster_key_; }
  /// 32 bytes that every holder of the cluster key derives from it.
  [[nodiscard]] std::string reply_secret() const;
  /// SHA-256 of the CA's certificate, hex; empty without a key.
  [[nodiscard]] std::string ca() const { return authority_ ? authority_->fingerprint() : std::string{}; }

  /// A certificate of its own for the network, good for kCertificateLife from `now` on. Complete only.
  [[nodiscard]] Result<consensus::PeerCredentials> issue(Time now) const;
  /// A certificate that no authority stands behind: it shows that this node holds its key, and nothing else.
  [[nodiscard]] Result<consensus::PeerCredentials> self_signed(Time now) const;
  /// Members whose certificates are of another CA are believed, too, while the cluster key is changed.
  void trust_also(std::string ca_certificate) { also_ = std::move(ca_certificate); }

private:
  std::string data_, node_, cluster_key_, also_;
  NodeKey node_key_;
  std::shared_ptr<const Authority> authority_;
};

}  // namespace muster::app
