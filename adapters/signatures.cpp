// cosign as a program, and EVP.
#include "adapters/signatures.hpp"

#include <memory>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "adapters/child_process.hpp"
#include "adapters/keys.hpp"
#include "adapters/pem.hpp"

namespace muster {
namespace {

constexpr size_t kMaxSignature = 16 << 10;  // Bytes of a signature's or a key's file.

/// Strict: whole groups, padding at the end alone. Empty when it is not base64.
std::string from_base64(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  if (text.empty() || text.size() % 4 != 0 || text.size() > kMaxSignature) return {};
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.find('=') < text.size() - padding) return {};
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size =
    EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                    reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0 || static_cast<size_t>(size) < padding) return {};
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

bool verifies(EVP_PKEY* key, const std::string& blob, const std::string& signature) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
  const EVP_MD* hash = EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : EVP_sha256();
  const bool good =
    context && EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
    EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                     signature.size(), reinterpret_cast<const unsigned char*>(blob.data()), blob.size()) == 1;
  ERR_clear_error();
  return good;
}

/// The last word is what is looked at.
Verified cosign(std::vector<std::string> words, Millis limit, const Cancellation* cancellation) {
  if (const auto& what = words.back(); what.starts_with('-'))
    return {false, what + " begins with a dash: cosign would read it as an option"};
  if (find_in_path("cosign").empty())
    return {false, "cosign is not in PATH, and a keyless signature cannot be checked without it"};
  ProgramOrder order;
  order.argv = std::move(words);
  order.argv.insert(order.argv.begin(), "cosign");
  order.env = base_environment();
  order.limit = limit;
  order.max_output = 4 << 20;
  order.cancellation = cancellation;
  const auto end = run_program(order);
  if (!end) return {false, end.error().detail};
  if (!end->good()) return {false, why_failed(order, *end)};
  return {true, ""};
}

void add_identity(std::vector<std::string>& words, const Signer& signer) {
  if (signer.identity.empty()) return;
  for (const auto* word : {"--certificate-identity", signer.identity.c_str(), "--certificate-oidc-issuer",
                           signer.issuer.c_str()})
    words.emplace_back(word);
}

}  // namespace

Verified verify_image(const std::string& image, const Signer& signer, const Cancellation* cancellation) {
  std::vector<std::string> words{"verify"};
  if (signer.identity.empty()) words.emplace_back("--keyless");
  add_identity(words, signer);
  words.push_back(image);
  return cosign(std::move(words), signer.limit, cancellation);
}

Verified verify_by_key(const std::string& public_key, const std::string& blob, const std::string& signature) {
  const auto key = pem::read_public(public_key);
  if (!key) return {false, key.error().detail};
  const auto bytes = from_base64(signature);
  if (bytes.empty()) return {false, "the signature is not base64"};
  if (!verifies(key->get(), blob, bytes)) return {false, "the signature is of another key or other bytes"};
  return {true, ""};
}

Verified verify_file(const std::string& file, const std::string& blob, const std::string& key,
                     const Signer& signer) {
  const auto unchanged = [&](Verified looked) {
    const auto now = looked.good ? read_file(file, blob.size() + 1) : Result<std::string>{blob};
    return now && *now == blob ? looked : Verified{false, file + " changed while it was looked at"};
  };
  if (key.empty() && signer.identity.empty()) return unchanged(verify_image(file, signer));
  if (key.empty()) {
    std::vector<std::string> words{"verify-blob", "--bundle", file + ".bundle"};
    add_identity(words, signer);
    words.push_back(file);
    return unchanged(cosign(std::move(words), signer.limit, nullptr));
  }
  if (!find_in_path("cosign").empty())
    return unchanged(
      cosign({"verify-blob", "--key", key, "--signature", file + ".sig", "--insecure-ignore-tlog=true", file},
             signer.limit, nullptr));
  const auto pem = read_file(key, kMaxSignature);
  if (!pem) return {false, "the key " + key + ": " + pem.error().detail};
  const auto signature = read_file(file + ".sig", kMaxSignature);
  if (!signature) return {false, "the signature " + file + ".sig: " + signature.error().detail};
  return verify_by_key(*pem, blob, *signature);
}

}  // namespace muster
