// Keys on disk and what they do, over libcrypto.
#include "adapters/keys.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

namespace muster {
namespace {

constexpr size_t kNonce = 12, kTag = 16;

using PKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

Error failed(const std::string& what, const std::string& path) {
  return {"internal", what + " " + path + ": " + std::strerror(errno), {}};
}

std::string random_bytes(size_t n) {
  std::string out(n, '\0');
  if (RAND_bytes(bytes(out), static_cast<int>(n)) != 1) throw std::bad_alloc();
  return out;
}

/// Closes on every way out.
class File {
public:
  File(const std::string& path, int flags, unsigned mode)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

Result<std::string> load_or_make_key(const std::string& path) {
  auto stored = read_file(path, 64);
  if (stored) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return failed("cannot read", path);
    if ((info.st_mode & 077) != 0)
      return Error{"internal", path + " may be read by others: chmod 600 " + path, {}};
    if (stored->size() != 32) return Error{"internal", path + " is not a key of 32 bytes", {}};
    return stored;
  }
  if (stored.error().code != "not.found") return stored.error();
  auto made = random_bytes(32);
  if (auto status = write_file_atomically(path, made, 0600); !status) return status.error();
  return made;
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t limit) {
  const File file{path, O_RDONLY, 0};
  if (file.fd() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Error{"not.found", "there is no " + path, {}};
    return failed("cannot read", path);
  }
  std::string out;
  std::array<char, 65536> piece{};
  for (;;) {
    const auto n = ::read(file.fd(), piece.data(), piece.size());
    if (n < 0) return failed("cannot read", path);
    if (n == 0) return out;
    out.append(piece.data(), static_cast<size_t>(n));
    if (out.size() > limit)
      return Error{"internal", path + " is larger than " + std::to_string(limit) + " bytes", {}};
  }
}

Status write_file_atomically(const std::string& path, std::string_view text, unsigned mode) {
  const auto temporary = path + ".tmp";
  {
    const File file{temporary, O_WRONLY | O_CREAT | O_TRUNC, mode};
    if (file.fd() < 0) return failed("cannot write", temporary);
    while (!text.empty()) {
      const auto n = ::write(file.fd(), text.data(), text.size());
      if (n < 0) return failed("cannot write", temporary);
      text.remove_prefix(static_cast<size_t>(n));
    }
    if (::fsync(file.fd()) != 0) return failed("cannot sync", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("cannot rename", temporary);
  const auto slash = path.rfind('/');
  const File folder{slash == std::string::npos ? "." : path.substr(0, slash), O_RDONLY | O_DIRECTORY, 0};
  if (folder.fd() >= 0) ::fsync(folder.fd());
  return Done{};
}

Result<Keys> load_or_make_keys(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot make", folder);
  Keys keys;
  for (auto& [name, key] : std::array<std::pair<const char*, std::string*>, 3>{
         {{"sign", &keys.sign_private}, {"seal", &keys.seal}, {"fingerprint", &keys.fingerprint}}}) {
    auto loaded = load_or_make_key(folder + "/" + name + ".key");
    if (!loaded) return loaded.error();
    *key = std::move(*loaded);
  }
  const PKey pair{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes(keys.sign_private), 32),
                  EVP_PKEY_free};
  size_t size = 32;
  keys.sign_public.assign(32, '\0');
  if (!pair || EVP_PKEY_get_raw_public_key(pair.get(), bytes(keys.sign_public), &size) != 1)
    return Error{"internal", folder + "/sign.key is not an Ed25519 key", {}};
  return keys;
}

std::string sign(const Keys& keys, std::string_view message) {
  const PKey key{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes(keys.sign_private), 32),
                 EVP_PKEY_free};
  const DigestContext context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  std::string signature(64, '\0');
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), bytes(signature), &size, bytes(message), message.size()) != 1)
    throw std::bad_alloc();
  return signature;
}

bool verify_signature(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (public_key.size() != 32) return false;
  const PKey key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(public_key), 32),
                 EVP_PKEY_free};
  const DigestContext context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  return key && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                          message.size()) == 1;
}

std::string seal(std::string_view key, std::string_view context, std::string_view clear) {
  const CipherContext cipher{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
  auto out = random_bytes(kNonce);
  std::string body(clear.size(), '\0'), tag(kTag, '\0');
  int n = 0;
  const bool ok =
    EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(std::string_view{out})) ==
      1 &&
    EVP_EncryptUpdate(cipher.get(), nullptr, &n, bytes(context), static_cast<int>(context.size())) == 1 &&
    EVP_EncryptUpdate(cipher.get(), bytes(body), &n, bytes(clear), static_cast<int>(clear.size())) == 1 &&
    EVP_EncryptFinal_ex(cipher.get(), bytes(body) + n, &n) == 1 &&
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data()) == 1;
  if (!ok) throw std::bad_alloc();
  return out + body + tag;
}

Result<std::string> unseal(std::string_view key, std::string_view context, std::string_view sealed) {
  const Error changed{
    "internal", "a sealed value does not open: it was changed, or sealed with another key", {}};
  if (sealed.size() < kNonce + kTag) return changed;
  const CipherContext cipher{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
  const auto nonce = sealed.substr(0, kNonce);
  const auto body = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
  std::string tag{sealed.substr(sealed.size() - kTag)}, clear(body.size(), '\0');
  int n = 0;
  const bool ok =
    EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce)) == 1 &&
    EVP_DecryptUpdate(cipher.get(), nullptr, &n, bytes(context), static_cast<int>(context.size())) == 1 &&
    EVP_DecryptUpdate(cipher.get(), bytes(clear), &n, bytes(body), static_cast<int>(body.size())) == 1 &&
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
    EVP_DecryptFinal_ex(cipher.get(), bytes(clear) + n, &n) == 1;
  if (!ok) return changed;
  return clear;
}

}  // namespace muster
