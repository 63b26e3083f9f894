// A change of the cluster key, as members take it from each other: whole, or not at all.
#include "app/cluster/key_rotation.hpp"

#include <filesystem>
#include <fstream>

#include "adapters/authority.hpp"
#include "tests/support/members.hpp"

using namespace muster;
using namespace muster::app;
namespace fs = std::filesystem;

namespace {

constexpr char kOrder = 'K', kAskKey = 'k';
const std::string kOld(32, 'o'), kNew(32, 'n');

std::string ca_of(const std::string& key) {
  return Authority::from_key(key)->fingerprint();
}

/// What one member has beside the rest: a folder with the cluster key, and its part in the change.
struct Part {
  explicit Part(Member& member) {
    auto name = (fs::temp_directory_path() / "rotation-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    fs::create_directory(folder + "/keys");
    std::ofstream{folder + "/keys/cluster"} << to_hex(kOld) << '\n';
    fs::permissions(folder + "/keys/cluster", fs::perms::owner_read | fs::perms::owner_write);
    const auto config = config::combine(
      "", {}, [](std::string_view) -> std::optional<std::string> { return std::nullopt; }, {});
    REQUIRE(config);
    auto made = Credentials::load(*config, folder, member.name());
    REQUIRE(made);
    credentials.emplace(std::move(*made));
    JoinRequest self;
    self.node = member.name();
    const auto show = [this, &peering = *member.peering] { peering.set_cluster_key(credentials->shared()); };
    rotation = std::make_unique<KeyRotation>(*credentials, *member.peering, self, show);
    rotation->attach(*member.system);
    show();
  }
  ~Part() { fs::remove_all(folder); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  std::string folder;
  std::optional<Credentials> credentials;
  std::unique_ptr<KeyRotation> rotation;
};

/// Three voters that take part.
struct Rotating {
  Rotating()
    : cluster(3, {}, [this](Member& member) {
        auto part = std::make_shared<Part>(member);
        parts[member.name()] = part;
        member.also_ticks = [part] { part->rotation->tick(); };
      }) {
    REQUIRE(muster::eventually([&] { return cluster.voters() == 3; }));
  }
  Member& asked() { return *cluster.members[1]; }
  Credentials& of(const Member& member) { return *parts.at(member.name())->credentials; }
  /// What one member answers another.
  std::string tell(char matter, const std::string& text) {
    const auto said = cluster.members[0]->answer_of(asked().name(), matter, text);
    REQUIRE(said);
    return *said;
  }
  std::string order(const std::string& phase, const std::string& to, const std::string& key, uint64_t term) {
    return tell(kOrder, Json{{"phase", phase}, {"to", to}, {"key", key}, {"term", term}}.dump());
  }
  /// At whoever leads.
  Result<Receipt> begin() {
    auto* leads = cluster.leader();
    if (!leads) return Error{"leader.none", "nobody leads", {}};
    std::promise<Result<Receipt>> told;
    Answer answer{[&](Result<Receipt> outcome) { told.set_value(std::move(outcome)); }};
    parts.at(leads->name())->rotation->begin(false, {}, std::move(answer));
    return told.get_future().get();
  }
  [[nodiscard]] std::optional<cluster::View::Identity::KeyChange> change() const {
    return view<cluster::View>(*cluster.members[0]->system->views()).identity->key;
  }

  std::map<std::string, std::shared_ptr<Part>> parts;
  Members cluster;
};

constexpr uint64_t kLater = 1'000'000;  // A term that nobody has come to.

}  // namespace

TEST_CASE("an order that is torn, stale, or names another authority than its key's changes nothing") {
  Rotating all;
  auto& credentials = all.of(all.asked());
  const auto to = ca_of(kNew), key = to_hex(kNew);
  const auto good = Json{{"phase", "staged"}, {"to", to}, {"key", key}, {"term", kLater}}.dump();
  for (const auto& torn :
       {std::string{}, std::string{"{}"}, good.substr(0, good.size() / 2), "[" + good + "]"})
    CHECK(all.tell(kOrder, torn) == "");
  CHECK(all.order("staged", to, key, 0) == "");
  CHECK(all.order("staged", ca_of(kOld), key, kLater) == "");
  CHECK(all.order("switched", std::string(64, 'f'), key, kLater) == "");
  CHECK(all.order("rotated", to, to_hex(std::string(31, 'n')), kLater) == "");
  CHECK(all.order("rotated", to, "no hex", kLater) == "");
  CHECK(credentials.ca() == ca_of(kOld));
  CHECK(credentials.shared().also.empty());
  CHECK_FALSE(fs::exists(all.parts.at(all.asked().name())->folder + "/keys/cluster.next"));
  CHECK(all.order("staged", to, key, kLater) == "ok");
}

TEST_CASE("a key is told to members by its authority's fingerprint, and no other key") {
  Rotating all;
  CHECK(all.tell(kAskKey, ca_of(kOld)) == to_hex(kOld));
  CHECK(all.tell(kAskKey, ca_of(kNew)) == "");
  CHECK(all.tell(kAskKey, "") == "");
}

TEST_CASE("a change of the key goes from member to member until all show the new one and trust no other") {
  Rotating all;
  REQUIRE(muster::eventually([&] { return bool(all.begin()); }));
  REQUIRE(muster::eventually([&] { return all.change() && all.change()->phase == "rotated"; }));
  const auto to = all.change()->to;
  CHECK(to != ca_of(kOld));
  for (const auto& member : all.cluster.members)
    CHECK(muster::eventually([&] {
      const auto shared = all.of(*member).shared();
      return shared.ca == to && shared.also.empty();
    }));
  CHECK(all.tell(kAskKey, ca_of(kOld)) == "");
}

TEST_CASE("there is one change of the key at a time, and it waits for a member that is away") {
  Rotating all;
  all.cluster.hub.cut("n1", "n3");
  all.cluster.hub.cut("n2", "n3");
  REQUIRE(muster::eventually([&] { return bool(all.begin()); }));
  CHECK(muster::eventually([&] {
    const auto again = all.begin();
    return !again && again.error().code == "conflict";
  }));
  REQUIRE(muster::eventually([&] { return bool(all.change()); }));
  CHECK(all.change()->phase == "staged");
  CHECK(all.of(*all.cluster.members[2]).ca() == ca_of(kOld));
  all.cluster.hub.heal("n1", "n3");
  all.cluster.hub.heal("n2", "n3");
  CHECK(muster::eventually([&] { return all.of(*all.cluster.members[2]).ca() == all.change()->to; }));
}
