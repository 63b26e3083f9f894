// Shows signatures by real keys, and a fake cosign: a script that remembers what it was asked.
#include "adapters/signatures.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "adapters/pem.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

const std::string kBlob = "verify_signatures: required\n";

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  text.resize(static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                  reinterpret_cast<const unsigned char*>(bytes.data()),
                                                  static_cast<int>(bytes.size()))));
  return text;
}

struct SigningKey {
  explicit SigningKey(const std::string& kind)
    : key(kind == "ed25519" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
          : kind == "rsa"   ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
                            : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind.c_str())),
      hash(kind == "ed25519" ? nullptr : EVP_sha256()) {}

  /// As `cosign sign-blob` writes it.
  [[nodiscard]] std::string sign(const std::string& blob) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    REQUIRE(EVP_DigestSignInit(context, nullptr, hash, nullptr, key.get()) == 1);
    size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(blob.data());
    REQUIRE(EVP_DigestSign(context, nullptr, &size, bytes, blob.size()) == 1);
    std::string made(size, '\0');
    REQUIRE(
      EVP_DigestSign(context, reinterpret_cast<unsigned char*>(made.data()), &size, bytes, blob.size()) == 1);
    made.resize(size);
    EVP_MD_CTX_free(context);
    return base64(made);
  }
  [[nodiscard]] std::string pem() const { return pem::of_public(key.get()); }

  pem::Key key;
  const EVP_MD* hash;
};

/// A folder that comes first in PATH.
class Programs {
public:
  explicit Programs(bool alone = false) {
    std::string name = fs::temp_directory_path() / "programs-XXXXXX";
    path_ = mkdtemp(name.data());
    before_ = std::getenv("PATH");
    ::setenv("PATH", alone ? path_.c_str() : (path_.string() + ":" + before_).c_str(), 1);
  }
  ~Programs() {
    ::setenv("PATH", before_.c_str(), 1);
    fs::remove_all(path_);
  }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  void add(const std::string& name, const std::string& script) const {
    std::ofstream(path_ / name) << "#!/bin/sh\n" << script << "\n";
    ::chmod((path_ / name).c_str(), 0755);
  }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in{path_ / name};
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

private:
  fs::path path_;
  std::string before_;
};

}  // namespace

TEST_CASE("a signature by a P-256 or Ed25519 key is good for its bytes alone") {
  for (const auto* kind : {"P-256", "ed25519"}) {
    INFO(kind);
    const SigningKey signer{kind}, other{kind};
    const auto signature = signer.sign(kBlob);
    CHECK(verify_by_key(signer.pem(), kBlob, signature).good);
    CHECK(verify_by_key(signer.pem(), kBlob, signature + "\n").good);
    for (const auto& wrong :
         {verify_by_key(other.pem(), kBlob, signature), verify_by_key(signer.pem(), kBlob + " ", signature),
          verify_by_key(signer.pem(), "", signature), verify_by_key(signer.pem(), kBlob, other.sign(kBlob)),
          verify_by_key(signer.pem(), kBlob, ""), verify_by_key(signer.pem(), kBlob, "not base64!"),
          verify_by_key(signer.pem(), kBlob, "===="), verify_by_key(signer.pem(), kBlob, "QUJD"),
          verify_by_key("", kBlob, signature),
          verify_by_key("-----BEGIN PUBLIC KEY-----", kBlob, signature)}) {
      CHECK_FALSE(wrong.good);
      CHECK_FALSE(wrong.reason.empty());
    }
    for (size_t i = 0; i < signature.size(); i += 7) {  // No byte of it may be another.
      auto bent = signature;
      bent[i] = bent[i] == 'A' ? 'B' : 'A';
      CHECK_FALSE(verify_by_key(signer.pem(), kBlob, bent).good);
    }
  }
}

TEST_CASE("keys of other kinds are not taken") {
  for (const auto* kind : {"rsa", "P-384"}) {
    const SigningKey signer{kind};
    CHECK_FALSE(verify_by_key(signer.pem(), kBlob, signer.sign(kBlob)).good);
  }
}

TEST_CASE("what openssl signs is good, as it is of cosign's form, where cosign is not") {
  Programs room;
  const auto key = room / "key.pem", blob = room.write("blob", kBlob);
  const auto made = "openssl ecparam -name prime256v1 -genkey -noout -out " + key + " && openssl ec -in " +
                    key + " -pubout -out " + key + ".pub 2>/dev/null && openssl dgst -sha256 -sign " + key +
                    " " + blob + " | base64 -w0 > " + blob + ".sig";
  REQUIRE(std::system(made.c_str()) == 0);
  CHECK(verify_file(blob, kBlob, key + ".pub").good);
  CHECK(verify_file(blob, kBlob + "x", key + ".pub").reason ==
        "the signature is of another key or other bytes");
  fs::remove(blob + ".sig");
  CHECK(verify_file(blob, kBlob, key + ".pub").reason.find(".sig") != std::string::npos);
  CHECK(verify_file(blob, kBlob, key + ".gone").reason.starts_with("the key "));
}

TEST_CASE("a keyless signature is not good without cosign, and the reason says so", "[S3-61]") {
  Programs none{true};
  const auto looked = verify_image("registry.example/a:1");
  CHECK_FALSE(looked.good);
  CHECK(looked.reason.find("cosign is not in PATH") != std::string::npos);
  CHECK_FALSE(verify_file(none.write("bundle", kBlob), kBlob, "").good);
}

TEST_CASE("cosign is asked in the contract's words, and its answer counts", "[S3-61]") {
  Programs room;
  room.add("cosign", "echo \"$@\" >> " + (room / "asked") +
                       "\n[ \"$3\" != bad ] || { echo no matching signatures >&2; exit 10; }");
  CHECK(verify_image("registry.example/a:1").good);
  const auto bad = verify_image("bad");
  CHECK_FALSE(bad.good);
  CHECK(bad.reason == "cosign: no matching signatures");
  CHECK(room.read("asked") == "verify --keyless registry.example/a:1\nverify --keyless bad\n");
  CHECK_FALSE(verify_image("--output-file=x").good);
  CHECK(verify_file(room.write("bundle", kBlob), kBlob, "").good);
  CHECK(verify_file(room / "bundle", "another", "").reason.find("changed") != std::string::npos);
}

TEST_CASE("cosign 2 is told who signs, and looks at files as blobs", "[S3-61]") {
  Programs room;
  room.add("cosign", "echo \"$@\" >> " + (room / "asked"));
  const Signer signer{"ci@example.org", "https://accounts.example.org"};
  const auto bundle = room.write("bundle", kBlob);
  CHECK(verify_image("registry.example/a:1", signer).good);
  CHECK(verify_file(bundle, kBlob, "", signer).good);
  CHECK(verify_file(bundle, kBlob, "k.pub", signer).good);
  CHECK(verify_file(bundle, "another", "k.pub").reason.find("changed") != std::string::npos);
  const std::string who =
    " --certificate-identity ci@example.org --certificate-oidc-issuer https://accounts.example.org ";
  const auto by_key =
    "verify-blob --key k.pub --signature " + bundle + ".sig --insecure-ignore-tlog=true " + bundle + "\n";
  CHECK(room.read("asked") == "verify" + who + "registry.example/a:1\nverify-blob --bundle " + bundle +
                                ".bundle" + who + bundle + "\n" + by_key + by_key);
}

TEST_CASE("a cosign that hangs is given up") {
  Programs room;
  room.add("cosign", "exec tail -f /dev/null");
  const auto looked = verify_image("registry.example/a:1", {"", "", Millis{200}});
  CHECK_FALSE(looked.good);
  CHECK(looked.reason.find("took longer") != std::string::npos);
}
