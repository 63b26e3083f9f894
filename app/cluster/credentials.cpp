// Keys and certificates of a member, and the steps from one cluster key to the next.
#include "app/cluster/credentials.hpp"

#include <filesystem>
#include <utility>

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "adapters/keys.hpp"
#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace muster::app {
namespace {

constexpr size_t kMaxReplySecret = 256;  // Bytes of the file.
constexpr auto kNext = ".next", kPrevious = ".previous";

/// Nodes started with --dev on one machine find each other without anything being set up. It protects
/// nothing, and is taken on loopback only.
std::string dev_key() {
  return bytes_of(sha256("muster --dev: a cluster key that everybody knows"));
}

std::string reply_secret_path(const std::string& data) {
  return data + "/keys/replies";
}

std::string reply_secret_of(const std::string& cluster_key) {
  return bytes_of(hmac_sha256(cluster_key, "muster replies v1"));
}

bool there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace

struct Credentials::Ring {
  std::string key;
  Authority authority;
};

std::string cluster_key_path(const std::string& data) {
  return data + "/keys/cluster";
}

Result<std::shared_ptr<const Credentials::Ring>> Credentials::ring_of(const std::string& key) {
  auto authority = Authority::from_key(key);
  if (!authority) return authority.error();
  return std::make_shared<const Ring>(Ring{key, std::move(*authority)});
}

Result<Credentials> Credentials::load(const config::Config& config, const std::string& data,
                                      std::string node) {
  Credentials made;
  made.data_ = data;
  made.node_ = std::move(node);
  made.life_ = config.duration("certificate-life");
  auto own = load_or_make_node_key(data + "/keys");
  if (!own) return own.error();
  made.node_key_ = std::move(*own);
  const auto read = [](const std::string& path, std::shared_ptr<const Ring>& to) -> Status {
    auto key = read_cluster_key(path);
    if (!key) return key.error();
    auto ring = ring_of(*key);
    if (!ring) return ring.error();
    to = std::move(*ring);
    return Done{};
  };
  const auto kept = cluster_key_path(data);
  if (const auto text = read_file(reply_secret_path(data), kMaxReplySecret))
    if (const auto secret = digest_from_hex(text->substr(0, text->find('\n'))))
      made.reply_secret_ = bytes_of(*secret);
  const auto& file = config.text("cluster-key-file");
  if (!file.empty())
    if (auto status = read(file, made.current_); !status) return status.error();
  if (there(kept)) {
    const auto given = std::exchange(made.current_, nullptr);
    if (auto status = read(kept, made.current_); !status) return status.error();
    if (given && given->key != made.current_->key)
      spdlog::warn("cluster key file={} is not the cluster's any more: {} counts", file, kept);
  } else if (file.empty() && config.flag("dev")) {
    auto ring = ring_of(dev_key());
    if (!ring) return ring.error();
    made.current_ = std::move(*ring);
  }
  for (const auto& [suffix, ring] : {std::pair{kNext, &made.next_}, {kPrevious, &made.previous_}})
    if (there(kept + suffix))
      if (auto status = read(kept + suffix, *ring); !status) return status.error();
  const auto superfluous = [&](std::shared_ptr<const Ring>& ring) {
    if (ring && made.current_ && ring->key == made.current_->key) ring = nullptr;
  };
  superfluous(made.next_);  // It stopped between two steps: what is shown is not what comes, or what was.
  superfluous(made.previous_);
  return made;
}

bool Credentials::complete() const {
  const std::lock_guard lock{*mutex_};
  return current_ != nullptr;
}

Status Credentials::found() {
  auto key = make_cluster_key(cluster_key_path(data_));
  if (!key) return key.error();
  return adopt(*key);
}

Status Credentials::write(const std::string& suffix, const std::string& key) const {
  return write_file_atomically(cluster_key_path(data_) + suffix, to_hex(key) + "\n", 0600);
}

Status Credentials::adopt(const std::string& cluster_key) {
  auto ring = ring_of(cluster_key);
  if (!ring) return ring.error();
  const std::lock_guard lock{*mutex_};
  if (auto written = write("", cluster_key); !written) return written;
  current_ = std::move(*ring);
  return Done{};
}

Status Credentials::keep_reply_secret(const std::string& secret) {
  const std::lock_guard lock{*mutex_};
  if (secret == reply_secret_ || (reply_secret_.empty() && secret == reply_secret_of(current_->key)))
    return Done{};
  if (auto written = write_file_atomically(reply_secret_path(data_), to_hex(secret) + "\n", 0600); !written)
    return written;
  reply_secret_ = secret;
  return Done{};
}

std::string Credentials::cluster_key() const {
  const std::lock_guard lock{*mutex_};
  return current_ ? current_->key : std::string{};
}

std::string Credentials::reply_secret() const {
  const std::lock_guard lock{*mutex_};
  return reply_secret_.empty() && current_ ? reply_secret_of(current_->key) : reply_secret_;
}

std::string Credentials::ca() const {
  const std::lock_guard lock{*mutex_};
  return current_ ? current_->authority.fingerprint() : std::string{};
}

Peering::ClusterKey Credentials::shared() const {
  Peering::ClusterKey shared{cluster_key(), reply_secret(), ca(), ""};
  const std::lock_guard lock{*mutex_};
  const auto& other = next_ ? next_ : previous_;
  if (other) shared.also = other->authority.fingerprint();
  return shared;
}

Result<consensus::PeerCredentials> Credentials::issue(Time now) const {
  const std::lock_guard lock{*mutex_};
  auto chain = current_->authority.issue(node_, node_key_.public_key, now, life_);
  if (!chain) return chain.error();
  auto trust = current_->authority.certificate();
  if (next_) trust += next_->authority.certificate();
  if (previous_) trust += previous_->authority.certificate();
  return consensus::PeerCredentials{std::move(*chain), node_key_.private_key, std::move(trust)};
}

Result<consensus::PeerCredentials> Credentials::self_signed(Time now) const {
  const auto authority = Authority::from_key(random_bytes(kClusterKeyBytes));
  if (!authority) return authority.error();
  auto chain = authority->issue(node_, node_key_.public_key, now);
  if (!chain) return chain.error();
  return consensus::PeerCredentials{std::move(*chain), node_key_.private_key, ""};
}

Status Credentials::stage(const std::string& cluster_key) {
  auto ring = ring_of(cluster_key);
  if (!ring) return ring.error();
  const std::lock_guard lock{*mutex_};
  if (current_->key == cluster_key || (next_ && next_->key == cluster_key)) return Done{};
  if (auto written = write(kNext, cluster_key); !written) return written;
  next_ = std::move(*ring);
  return Done{};
}

/// Stopped anywhere in between, it still trusts both: the file of the old key is there before the new one
/// takes its place, and that of the new one goes last.
Status Credentials::switch_over() {
  const std::lock_guard lock{*mutex_};
  if (!next_) return Done{};
  if (reply_secret_.empty()) {  // It follows from the old key, and stays.
    auto secret = reply_secret_of(current_->key);
    if (auto kept = write_file_atomically(reply_secret_path(data_), to_hex(secret) + "\n", 0600); !kept)
      return kept;
    reply_secret_ = std::move(secret);
  }
  if (auto written = write(kPrevious, current_->key); !written) return written;
  if (auto written = write("", next_->key); !written) return written;
  ::unlink((cluster_key_path(data_) + kNext).c_str());
  previous_ = std::exchange(current_, std::exchange(next_, nullptr));
  return Done{};
}

Status Credentials::finish() {
  const std::lock_guard lock{*mutex_};
  ::unlink((cluster_key_path(data_) + kPrevious).c_str());
  previous_ = nullptr;
  return Done{};
}

Status Credentials::drop_next() {
  const std::lock_guard lock{*mutex_};
  ::unlink((cluster_key_path(data_) + kNext).c_str());
  next_ = nullptr;
  return Done{};
}

std::string Credentials::key_of(const std::string& ca) const {
  const std::lock_guard lock{*mutex_};
  for (const auto& ring : {current_, next_})
    if (ring && ring->authority.fingerprint() == ca) return ring->key;
  return {};
}

}  // namespace muster::app
