// The cluster key and the node's own key on disk: readable by their owner only.
#include <array>
#include <cerrno>
#include <cstring>

#include <openssl/evp.h>
#include <sys/stat.h>

#include "adapters/authority.hpp"
#include "adapters/keys.hpp"
#include "adapters/pem.hpp"
#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace muster {
namespace {

constexpr size_t kMaxKeyFile = 4096;  ///< Bytes.

/// The reason `path` is no place for a secret, or nothing.
std::string exposed(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "cannot read " + path + ": " + std::strerror(errno);
  if ((info.st_mode & 077) != 0) return path + " may be read by others: chmod 600 " + path;
  return {};
}

NodeKey parts_of(const EVP_PKEY* key) {
  return {pem::of_private(key), pem::of_public(key), pem::key_fingerprint(key)};
}

}  // namespace

Result<std::string> make_cluster_key(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0)
    return Error{"config.invalid",
                 path + " exists: a cluster key is not replaced; remove the file, or name another"};
  const auto hex = random_hex(kClusterKeyBytes);
  if (auto written = write_file_atomically(path, hex + "\n", 0600); !written) return written.error();
  return read_cluster_key(path);
}

Result<std::string> read_cluster_key(const std::string& path) {
  const auto invalid = [](std::string detail) { return Error{"config.invalid", std::move(detail)}; };
  const std::string remedy = "; make one with muster :cluster init, or copy a member's";
  auto text = read_file(path, kMaxKeyFile);
  if (!text && text.error().code == "not.found")
    return invalid("there is no cluster key at " + path + remedy);
  if (!text) return invalid(text.error().detail);
  if (auto fault = exposed(path); !fault.empty()) return invalid(std::move(fault));
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' '))
    text->pop_back();
  if (text->empty())
    return invalid(path + " is empty: it should hold a cluster key of 64 hex characters" + remedy);
  const auto key = digest_from_hex(*text);
  if (!key) return invalid(path + " is no cluster key: it should hold 64 lower-case hex characters" + remedy);
  return bytes_of(*key);
}

Result<NodeKey> load_or_make_node_key(const std::string& folder) {
  const auto internal = [](std::string detail) { return Error{"internal", std::move(detail)}; };
  const auto path = folder + "/node.pem";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return internal("cannot make " + folder + ": " + std::strerror(errno));
  const auto text = read_file(path, kMaxKeyFile);
  if (text) {
    if (auto fault = exposed(path); !fault.empty()) return internal(std::move(fault));
    const auto key = pem::read_private(*text);
    if (!key)
      return internal(
        path +
        " is no Ed25519 or P-256 key in PEM; without it this node is a stranger: restore it, or "
        "remove it and join again");
    return parts_of(key.get());
  }
  if (text.error().code != "not.found") return text.error();
  const pem::Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  if (!key) return internal("libcrypto cannot make a key");
  const auto made = parts_of(key.get());
  if (auto written = write_file_atomically(path, made.private_key, 0600); !written) return written.error();
  return made;
}

}  // namespace muster
