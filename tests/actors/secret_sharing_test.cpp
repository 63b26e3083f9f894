// Sealed values get to every member, under the own key of each; what makes no sense is not sealed.
#include "actors/secret_sharing.hpp"

#include "adapters/sealed_secrets.hpp"
#include "tests/support/members.hpp"

using namespace muster;

namespace {

const std::string kId(32, 'a'), kValue = "the value\nof two lines";
constexpr char kTake = 'S', kGive = 'G';

struct Three : Members {
  Three() : Members(3) {
    REQUIRE(eventually([&] { return voters() == 3; }));
    REQUIRE(eventually([&] { return hears(0, "n2") && hears(0, "n3"); }));
  }
  [[nodiscard]] bool hears(size_t member, const std::string& node) const {
    const auto states = members[member]->peering->members();
    const auto state = states.find(node);
    return state != states.end() && state->second.way.heard && state->second.hello;
  }
  /// As whoever seals a value does; who did not get it.
  std::vector<std::string> spread(const std::string& value) {
    REQUIRE(store_secret(members[0]->disk, members[0]->keys, kId, value));
    std::promise<std::vector<std::string>> without;
    members[0]->sharing->spread(kId, value,
                                [&](std::vector<std::string> nodes) { without.set_value(std::move(nodes)); });
    return without.get_future().get();
  }
  void tell_the_log() {
    std::promise<bool> told;
    Answer answer{[&](const Result<Receipt>& outcome) { told.set_value(bool(outcome)); }};
    leader()->system->ask(secrets::Command{secrets::Seal{"password", kId, "n1"}}, {}, std::move(answer));
    REQUIRE(told.get_future().get());
  }
  [[nodiscard]] std::string value_at(size_t member) const {
    const auto value = load_secret(members[member]->disk, members[member]->keys, kId);
    return value ? *value : "";
  }
};

}  // namespace

TEST_CASE("a value is handed to the others before the log tells of it, and each seals it under its own key") {
  Three cluster;
  CHECK(cluster.spread(kValue).empty());
  for (size_t member = 0; member < 3; member++) CHECK(cluster.value_at(member) == kValue);
  CHECK_FALSE(load_secret(cluster.members[1]->disk, cluster.members[0]->keys, kId));
  CHECK(cluster.spread("another").empty());
  CHECK(cluster.value_at(2) == "another");
}

TEST_CASE("a member that does not get a value is named, and fetches what the log names once it is back") {
  Three cluster;
  cluster.hub.cut("n1", "n3");
  cluster.hub.cut("n2", "n3");
  REQUIRE(muster::eventually([&] { return cluster.leader() && cluster.leader()->name() != "n3"; }));
  CHECK(cluster.spread(kValue) == std::vector<std::string>{"n3"});
  CHECK(cluster.value_at(1) == kValue);
  CHECK(cluster.value_at(2).empty());
  cluster.tell_the_log();
  cluster.hub.heal("n1", "n3");
  cluster.hub.heal("n2", "n3");
  CHECK(muster::eventually([&] { return cluster.value_at(2) == kValue; }));
}

TEST_CASE("what is no secret's id, no value, or torn is neither sealed nor given away") {
  Three cluster;
  const auto& stranger = *cluster.members[1];
  for (const auto& torn : {std::string{}, kId, std::string{"\n"}, "\n" + kValue,
                           std::string{"../keys/node\nx"}, std::string(65, 'a') + "\nx",
                           std::string(32, 'A') + "\nx", kId + "\n" + std::string(64 * 1024 + 1, 'v')})
    CHECK(stranger.answer_of("n1", kTake, torn) == "");
  CHECK(sealed_secrets(cluster.members[0]->disk).empty());
  CHECK(stranger.answer_of("n1", kTake, kId + "\n" + std::string(64 * 1024, 'v')) == "kept");
  for (const auto& wrong : {std::string{}, std::string{"cluster"}, std::string(32, 'b'), kId + "\n"})
    CHECK(stranger.answer_of("n1", kGive, wrong) == "");
  CHECK(stranger.answer_of("n1", kGive, kId) == "+" + std::string(64 * 1024, 'v'));
}

TEST_CASE("a value that was sealed under another key is not handed on as if it were one") {
  Three cluster;
  REQUIRE(store_secret(cluster.members[0]->disk, cluster.members[2]->keys, kId, kValue));
  CHECK(cluster.members[1]->answer_of("n1", kGive, kId) == "");
}
