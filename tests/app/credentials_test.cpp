// Shows that a change of the cluster key may stop anywhere and go on: nobody is cut off in between.
#include "app/cluster/credentials.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "base/hash.hpp"

using namespace muster;
using namespace muster::app;
namespace fs = std::filesystem;

namespace {

const std::string kOld(32, 'o'), kNew(32, 'n');

std::string ca_of(const std::string& key) {
  return Authority::from_key(key)->fingerprint();
}
std::string certificate_of(const std::string& key) {
  return Authority::from_key(key)->certificate();
}

/// A node's folder that holds the old key, gone afterwards.
struct Folder {
  Folder() {
    auto name = (fs::temp_directory_path() / "credentials-XXXXXX").string();
    path = ::mkdtemp(name.data());
    fs::create_directory(path + "/keys");
    write("cluster", to_hex(kOld));
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& name, const std::string& text) const {
    const auto file = path + "/keys/" + name;
    std::ofstream{file} << text << '\n';
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  }
  [[nodiscard]] bool has(const std::string& name) const { return fs::exists(path + "/keys/" + name); }
  [[nodiscard]] Credentials load(const std::string& key_file = "") const {
    const auto environment = [&](std::string_view name) -> std::optional<std::string> {
      if (name == "MUSTER_CLUSTER_KEY_FILE" && !key_file.empty()) return key_file;
      return std::nullopt;
    };
    const auto config = config::combine("", {}, environment, {});
    REQUIRE(config);
    auto made = Credentials::load(*config, path, "n1");
    INFO((made ? "" : made.error().detail));
    REQUIRE(made);
    return std::move(*made);
  }
  std::string path;
};

/// What a node shows and trusts: `shown` first.
void check_trust(const Credentials& credentials, const std::string& shown, const std::string& also = "") {
  CHECK(credentials.ca() == ca_of(shown));
  CHECK(credentials.shared().also == (also.empty() ? "" : ca_of(also)));
  const auto issued = credentials.issue(system_now());
  REQUIRE(issued);
  CHECK(issued->chain.ends_with(certificate_of(shown)));
  CHECK(issued->trust == certificate_of(shown) + (also.empty() ? "" : certificate_of(also)));
}

}  // namespace

TEST_CASE("each step of a change of the cluster key is kept over a restart, and may be taken again") {
  const Folder folder;
  auto credentials = folder.load();
  check_trust(credentials, kOld);
  const auto replies = credentials.reply_secret();
  for (int again = 0; again < 2; again++) REQUIRE(credentials.stage(kNew));
  check_trust(credentials, kOld, kNew);
  check_trust(folder.load(), kOld, kNew);
  CHECK(credentials.key_of(ca_of(kNew)) == kNew);
  for (int again = 0; again < 2; again++) REQUIRE(credentials.switch_over());
  check_trust(credentials, kNew, kOld);
  check_trust(folder.load(), kNew, kOld);
  for (int again = 0; again < 2; again++) REQUIRE(credentials.finish());
  check_trust(credentials, kNew);
  check_trust(folder.load(), kNew);
  CHECK_FALSE(folder.has("cluster.next"));
  CHECK_FALSE(folder.has("cluster.previous"));
  // Replies that were kept before are recognized afterwards.
  CHECK(credentials.reply_secret() == replies);
  CHECK(folder.load().reply_secret() == replies);
}

TEST_CASE("a change that stopped between two files still trusts both, and goes on") {
  const Folder folder;
  folder.write("cluster.next", to_hex(kNew));
  folder.write("cluster.previous", to_hex(kOld));  // Written, and the new one not yet in its place.
  auto before = folder.load();
  check_trust(before, kOld, kNew);
  folder.write("cluster", to_hex(kNew));  // In its place, and the file of what comes not yet gone.
  check_trust(folder.load(), kNew, kOld);
  REQUIRE(before.switch_over());
  check_trust(folder.load(), kNew, kOld);
}

TEST_CASE("nothing comes of a key that was staged and dropped") {
  const Folder folder;
  auto credentials = folder.load();
  REQUIRE(credentials.stage(kNew));
  REQUIRE(credentials.drop_next());
  REQUIRE(credentials.switch_over());
  check_trust(credentials, kOld);
  check_trust(folder.load(), kOld);
}

TEST_CASE("the folder's key counts, and a file with the key of an image is for a node that has none") {
  const Folder folder;
  folder.write("image", to_hex(kNew));
  const auto image = folder.path + "/keys/image";
  check_trust(folder.load(image), kOld);
  fs::remove(folder.path + "/keys/cluster");
  check_trust(folder.load(image), kNew);
}

TEST_CASE("a certificate that shows a key alone is of no authority that anybody trusts") {
  const Folder folder;
  const auto credentials = folder.load();
  const auto own = credentials.self_signed(system_now());
  REQUIRE(own);
  const auto read = read_certificate(own->chain);
  REQUIRE(read);
  CHECK(read->key == credentials.node_key().fingerprint);
  CHECK_FALSE(own->chain.ends_with(certificate_of(kOld)));
}
