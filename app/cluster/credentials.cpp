// Keys and certificates of a member.
#include "app/cluster/credentials.hpp"

#include <filesystem>
#include <utility>

#include "adapters/keys.hpp"
#include "base/hash.hpp"

namespace muster::app {
namespace {

/// Nodes started with --dev on one machine find each other without anything being set up. It protects
/// nothing, and is taken on loopback only.
std::string dev_key() {
  const auto digest = sha256("muster --dev: a cluster key that everybody knows");
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::string cluster_key_path(const std::string& data) {
  return data + "/keys/cluster";
}

Result<Credentials> Credentials::load(const config::Config& config, const std::string& data,
                                      std::string node) {
  Credentials made;
  made.data_ = data;
  made.node_ = std::move(node);
  auto own = load_or_make_node_key(data + "/keys");
  if (!own) return own.error();
  made.node_key_ = std::move(*own);
  const auto& file = config.text("cluster-key-file");
  std::error_code error;
  if (!file.empty() || std::filesystem::exists(cluster_key_path(data), error)) {
    auto key = read_cluster_key(file.empty() ? cluster_key_path(data) : file);
    if (!key) return key.error();
    made.cluster_key_ = std::move(*key);
  } else if (config.flag("dev")) {
    made.cluster_key_ = dev_key();
  } else {
    return made;
  }
  auto authority = Authority::from_key(made.cluster_key_);
  if (!authority) return authority.error();
  made.authority_ = std::make_shared<const Authority>(std::move(*authority));
  return made;
}

Status Credentials::found() {
  auto key = make_cluster_key(cluster_key_path(data_));
  if (!key) return key.error();
  return adopt(*key);
}

Status Credentials::adopt(const std::string& cluster_key) {
  auto authority = Authority::from_key(cluster_key);
  if (!authority) return authority.error();
  if (auto status = write_file_atomically(cluster_key_path(data_), to_hex(cluster_key) + "\n", 0600); !status)
    return status;
  cluster_key_ = cluster_key;
  authority_ = std::make_shared<const Authority>(std::move(*authority));
  return Done{};
}

std::string Credentials::reply_secret() const {
  const auto digest = hmac_sha256(cluster_key_, "muster replies v1");
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<consensus::PeerCredentials> Credentials::issue(Time now) const {
  auto chain = authority_->issue(node_, node_key_.public_key, now);
  if (!chain) return chain.error();
  return consensus::PeerCredentials{std::move(*chain), node_key_.private_key,
                                    authority_->certificate() + also_};
}

Result<consensus::PeerCredentials> Credentials::self_signed(Time now) const {
  const auto authority = Authority::from_key(random_bytes(32));
  if (!authority) return authority.error();
  auto chain = authority->issue(node_, node_key_.public_key, now);
  if (!chain) return chain.error();
  return consensus::PeerCredentials{std::move(*chain), node_key_.private_key, ""};
}

}  // namespace muster::app
