// Voters sign what they come to by themselves, and nobody signs for another.
#include "actors/cosigner.hpp"

#include "actors/checkpointer.hpp"
#include "tests/support/members.hpp"

using namespace muster;

namespace {

constexpr char kSigned = 'C';

/// The newest checkpoint that a member knows of.
std::optional<cluster::Checkpointed> newest(const Member& member) {
  std::optional<cluster::Checkpointed> found;
  view<cluster::View>(*member.system->views()).checkpoints.each([&](uint64_t, const auto& row) {
    found = row.made;
  });
  return found;
}

void make_checkpoint(const Member& by) {
  std::promise<bool> made;
  by.system->checkpoint([&](const Result<uint64_t>& seq) { made.set_value(bool(seq)); });
  REQUIRE(made.get_future().get());
  REQUIRE(muster::eventually([&] { return newest(by).has_value(); }));
}

cluster::CheckpointSigned signed_by(const Keys& keys, const std::string& member,
                                    const cluster::Checkpointed& made, const std::string& digest) {
  const auto statement = actors::checkpoint_statement(made.at, made.head, digest);
  return {made.at, made.head, digest, member, to_hex(sign(keys, statement))};
}

}  // namespace

TEST_CASE("every voter signs a checkpoint that it comes to by itself") {
  Members cluster{3};
  REQUIRE(muster::eventually([&] { return cluster.voters() == 3; }));
  make_checkpoint(*cluster.leader());
  for (const auto& member : cluster.members)
    CHECK(muster::eventually([&] {
      const auto made = newest(*member);
      return made && made->signatures.size() == 3;
    }));
}

TEST_CASE("a signature counts from its own member only, by that one's key, on what the checkpoint says") {
  Members cluster{3};
  REQUIRE(muster::eventually([&] { return cluster.voters() == 3; }));
  auto* leads = cluster.leader();
  REQUIRE(leads);
  std::vector<Member*> others;
  for (const auto& member : cluster.members)
    if (member.get() != leads) others.push_back(member.get());
  auto &silent = *others[0], &other = *others[1];
  silent.cosigns = false;
  make_checkpoint(*leads);
  const auto made = *newest(*leads);
  const auto& name = silent.name();
  const auto genuine = signed_by(silent.keys, name, made, made.digest);
  const auto tell = [&](const Member& from, const std::string& text) {
    REQUIRE(from.answer_of(leads->name(), kSigned, text) == "");
  };
  const auto has_signed = [&] { return newest(*leads)->signatures.contains(name); };

  tell(other, to_json_text(genuine));  // Handed in by somebody else.
  tell(silent, to_json_text(signed_by(other.keys, name, made, made.digest)));
  tell(silent, to_json_text(signed_by(silent.keys, name, made, sha256_hex("another state"))));
  auto earlier = made;
  earlier.at--;
  tell(silent, to_json_text(signed_by(silent.keys, name, earlier, made.digest)));
  auto cut = genuine;
  cut.signature.resize(64);
  tell(silent, to_json_text(cut));
  tell(silent, to_json_text(genuine).substr(0, 80));
  tell(silent, "");
  cluster.ask(cluster::Command{cluster::Leave{"nobody"}});  // Decided after what was asked before it.
  std::promise<uint64_t> committed;
  leads->system->barrier(Answer{
    [&](const Result<Receipt>& outcome) { committed.set_value(outcome ? outcome->seq : UINT64_MAX); }});
  const auto seq = committed.get_future().get();
  REQUIRE(muster::eventually([&] { return leads->system->views()->seq >= seq; }));
  CHECK_FALSE(has_signed());
  CHECK(muster::eventually([&] {
    tell(silent, to_json_text(genuine));
    return has_signed();
  }));
  CHECK(newest(*leads)->signatures.at(name) == genuine.signature);
}
