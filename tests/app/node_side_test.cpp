// Shows that a node that leaves a cluster does not go on by what that one published.
#include "app/node/node_side.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "adapters/keys.hpp"
#include "app/cluster/bareness.hpp"

using namespace muster;
using namespace muster::app;
namespace fs = std::filesystem;

namespace {

/// A node's folder with what it was told last.
struct Told {
  Told() {
    auto name = (fs::temp_directory_path() / "told-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    for (const auto* part : {"/node", "/log", "/discovery", "/services"}) fs::create_directory(folder + part);
    for (const auto* file :
         {"/node/plan.json", "/node/profile.json", "/discovery/cluster.json", "/member.json"})
      REQUIRE(write_file_atomically(folder + file, "{}", 0600));
  }
  ~Told() { fs::remove_all(folder); }
  [[nodiscard]] bool has(const char* file) const { return fs::exists(folder + file); }
  std::string folder;
};

}  // namespace

TEST_CASE("who forgets a cluster forgets its plan and its profile") {
  const Told told;
  const auto config = config::combine("", {}, [](auto) { return std::nullopt; }, {});
  REQUIRE(config);
  forget_cluster(*config, told.folder);
  for (const auto* file : {"/node/plan.json", "/node/profile.json", "/discovery/cluster.json"})
    CHECK_FALSE(told.has(file));
}

TEST_CASE("who gives up a log gives up its profile, and services go on by the plan") {
  const Told told;
  give_up_log(told.folder);
  for (const auto* file : {"/log", "/member.json", "/node/profile.json"}) CHECK_FALSE(told.has(file));
  CHECK(told.has("/node/plan.json"));
}
