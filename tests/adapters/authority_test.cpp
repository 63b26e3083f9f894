// Shows the cluster's authority: the same for all who hold the key, and what it issues.
#include "adapters/authority.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/keys.hpp"
#include "adapters/pem.hpp"
#include "base/hash.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

constexpr Time kNow{Millis{1'767'323'045'000}};

/// A folder that is gone afterwards.
struct Folder {
  Folder() {
    auto name = (std::filesystem::temp_directory_path() / "authority-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

void write(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream{path} << text;
  ::chmod(path.c_str(), mode);
}

std::string public_key(const char* type, const char* group = nullptr) {
  const pem::Key key{group != nullptr ? EVP_PKEY_Q_keygen(nullptr, nullptr, type, group)
                                      : EVP_PKEY_Q_keygen(nullptr, nullptr, type)};
  return pem::of_public(key.get());
}

Authority authority(char letter = 'a') {
  return *Authority::from_key(std::string(32, letter));
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  ::stat(path.c_str(), &info);
  return info.st_mode & 0777;
}

}  // namespace

TEST_CASE("all who hold the cluster key hold the same authority, to the byte") {
  const auto first = authority(), second = authority(), other = authority('b');
  CHECK(first.certificate() == second.certificate());
  CHECK(first.fingerprint() != other.fingerprint());
  CHECK(read_certificate(first.certificate())->fingerprint == first.fingerprint());
  // Of this key for ever: another value would make strangers of running clusters.
  CHECK(first.fingerprint() == "6203f56980007c1f52b2ee9d4a20c519f6a9a1cb96d142d8e46ffb26bd191bb6");
  CHECK(Authority::from_key("short").error().code == "config.invalid");
}

TEST_CASE("a certificate names its node and has its key") {
  const auto ca = authority();
  for (const auto& key : {public_key("ED25519"), public_key("EC", "P-256")}) {
    const auto issued = ca.issue("n1", key, kNow);
    REQUIRE(issued);
    CHECK(issued->ends_with(ca.certificate()));
    const auto read = read_certificate(*issued);
    REQUIRE(read);
    CHECK(read->node == "n1");
    CHECK(read->not_before == kNow - kCertificateBackdate);
    CHECK(read->not_after == kNow - kCertificateBackdate + kCertificateLife);
  }
}

TEST_CASE("an id of any allowed length and script is carried whole") {
  const auto ca = authority();
  const auto key = public_key("ED25519");
  std::string most_bytes;
  for (int i = 0; i < 128; i++) most_bytes += "\U0001F680";
  for (const std::string& id : {std::string(64, 'n'), std::string(65, 'n'), std::string(128, 'n'),
                                std::string{"Büro 3, links=rechts"}, std::string{"a%2Fb"}, most_bytes}) {
    const auto issued = ca.issue(id, key, kNow);
    REQUIRE(issued);
    CHECK(read_certificate(*issued)->node == id);
  }
}

TEST_CASE("what the authority cannot issue is refused by the name of the field") {
  const auto ca = authority();
  const auto key = public_key("ED25519");
  const auto pointer = [](const Result<std::string>& result) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "field.invalid");
    return result.error().fields.at(0).pointer;
  };
  CHECK(pointer(ca.issue("", key, kNow)) == "/node");
  CHECK(pointer(ca.issue("a/b", key, kNow)) == "/node");
  CHECK(pointer(ca.issue(std::string(129, 'n'), key, kNow)) == "/node");
  CHECK(pointer(ca.issue("n1", key, kNow, kNow)) == "/not_after");
  CHECK(pointer(ca.issue("n1", "", kNow)) == "/public_key");
  CHECK(pointer(ca.issue("n1", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", kNow)) ==
        "/public_key");
  CHECK(pointer(ca.issue("n1", public_key("EC", "P-384"), kNow)) == "/public_key");
  CHECK(pointer(ca.issue("n1", public_key("X25519"), kNow)) == "/public_key");
}

TEST_CASE("a certificate is renewed when less than a third of its life is left") {
  const auto issued = authority().issue("n1", public_key("ED25519"), kNow, kNow + 30h);
  REQUIRE(issued);
  CHECK_FALSE(due_for_renewal(*issued, kNow));
  CHECK_FALSE(due_for_renewal(*issued, kNow + 20h));
  CHECK(due_for_renewal(*issued, kNow + 20h + 1ms));
  CHECK(due_for_renewal(*issued, kNow + 31h));
  CHECK(due_for_renewal("not a certificate", kNow));
}

TEST_CASE("a cluster key is made once, and read back") {
  const Folder folder;
  const auto path = folder.file("cluster.key");
  const auto made = make_cluster_key(path);
  REQUIRE(made);
  CHECK(made->size() == 32);
  CHECK(mode_of(path) == 0600);
  CHECK(*read_cluster_key(path) == *made);
  const auto again = make_cluster_key(path);
  REQUIRE_FALSE(again);
  CHECK(again.error().detail.find(path + " exists") != std::string::npos);
  CHECK(*read_cluster_key(path) == *made);
}

TEST_CASE("a cluster key that is missing, empty, malformed or open to others is refused with a remedy") {
  const Folder folder;
  const auto fault = [&](const std::string& path) {
    const auto read = read_cluster_key(path);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == "config.invalid");
    CHECK(read.error().detail.find(path) != std::string::npos);
    return read.error().detail;
  };
  const auto has = [](const std::string& text, const char* words) {
    return text.find(words) != std::string::npos;
  };
  CHECK(has(fault(folder.file("none")), "muster :cluster init"));
  write(folder.file("empty"), "\n", 0600);
  CHECK(has(fault(folder.file("empty")), "is empty"));
  write(folder.file("short"), std::string(63, 'a'), 0600);
  CHECK(has(fault(folder.file("short")), "64 lower-case hex"));
  write(folder.file("odd"), std::string(63, 'a') + "x", 0600);
  CHECK(has(fault(folder.file("odd")), "64 lower-case hex"));
  write(folder.file("large"), std::string(100'000, 'a'), 0600);
  CHECK(has(fault(folder.file("large")), "larger than"));
  write(folder.file("open"), std::string(64, 'a'), 0640);
  CHECK(has(fault(folder.file("open")), "chmod 600"));
  write(folder.file("good"), std::string(64, 'a') + "\r\n", 0400);
  CHECK(read_cluster_key(folder.file("good")));
}

TEST_CASE("a node's key is made once, and kept to itself") {
  const Folder folder;
  const auto keys = folder.file("keys"), path = keys + "/node.pem";
  const auto made = load_or_make_node_key(keys);
  REQUIRE(made);
  CHECK(mode_of(path) == 0600);
  const auto loaded = load_or_make_node_key(keys);
  REQUIRE(loaded);
  CHECK(loaded->private_key == made->private_key);
  CHECK(loaded->public_key == made->public_key);
  CHECK(loaded->fingerprint == made->fingerprint);
  const auto issued = authority().issue("n1", made->public_key, kNow);
  CHECK(read_certificate(*issued)->key == made->fingerprint);
  ::chmod(path.c_str(), 0644);
  CHECK(load_or_make_node_key(keys).error().detail.find("chmod 600") != std::string::npos);
  write(path, "garbage", 0600);
  CHECK(load_or_make_node_key(keys).error().detail.find("node.pem") != std::string::npos);
}

TEST_CASE("a node may bring a P-256 key of its own") {
  const Folder folder;
  const pem::Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  write(folder.file("node.pem"), pem::of_private(key.get()), 0600);
  const auto loaded = load_or_make_node_key(folder.path);
  REQUIRE(loaded);
  CHECK(loaded->fingerprint == pem::key_fingerprint(key.get()));
}
