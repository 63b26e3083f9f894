// Checking checkpoints against the own fold, signing them, and having the signatures recorded.
#include "actors/cosigner.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/borrowed.hpp"
#include "actors/checkpointer.hpp"
#include "actors/replay.hpp"
#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace muster {
namespace {

constexpr char kSigned = 'C';
constexpr std::chrono::seconds kTellEvery{2};
constexpr unsigned kTellAtMost = 30;  // After a minute nobody waits for it any more.

/// Whether the member that it names signed it.
bool is_sound(const ViewSet& views, const cluster::CheckpointSigned& made) {
  const auto* member = view<cluster::View>(views).members.find(made.member);
  const auto key = member ? bytes_from_hex(member->public_key) : std::nullopt;
  const auto signature = bytes_from_hex(made.signature);
  return key && signature &&
         verify_signature(*key, actors::checkpoint_statement(made.at, made.head, made.digest), *signature);
}

/// What this member comes to by itself: from the first line on, while it rests on what another came to.
Result<World> own_fold(const log::Disk& disk, uint64_t at) {
  if (!actors::is_borrowed(disk)) return world_at(disk, at);
  auto replayed = replay(disk, at);
  if (!replayed) return replayed.error();
  return std::move(replayed->world);
}

}  // namespace

Cosigner::Cosigner(Peering& peering) : peering_(peering) {
  peering_.serve(kSigned, [this](const std::string& from, const std::string& text, auto reply) {
    take(from, text, std::move(reply));
  });
}

bool Cosigner::votes() const {
  const auto members = system_->members();
  return members && std::any_of(members->begin(), members->end(), [&](const auto& member) {
           return member.id == system_->options().self && member.role == consensus::Role::voter;
         });
}

void Cosigner::on_records(const std::vector<Record>& records) {
  for (const auto& record : records) {
    const auto* made = std::get_if<cluster::Checkpointed>(&record.event);
    if (!made || !system_ || made->signatures.contains(system_->options().node)) continue;
    const std::lock_guard lock{mutex_};
    newest_ = *made;
    made_.reset();
  }
}

void Cosigner::tick() {
  const std::lock_guard lock{mutex_};
  const auto now = SteadyClock::now();
  if (!system_ || signing_) return;
  if (newest_) {
    const auto level = view<cluster::View>(*system_->views()).identity->feature_level;
    if (level < cluster::kKeysLevel || !votes()) return newest_.reset();
    signing_ = true;
    return system_->read_slowly([this] { sign(); });
  }
  if (!made_ || now < next_) return;
  next_ = now + kTellEvery;
  bool known = told_++ >= kTellAtMost;
  view<cluster::View>(*system_->views()).checkpoints.each([&](uint64_t, const auto& row) {
    known = known || row.made.at > made_->at ||
            (row.made.at == made_->at && row.made.signatures.contains(made_->member));
  });
  if (known) return made_.reset();
  tell(*made_);
}

/// On the thread for slow readings.
void Cosigner::sign() {
  cluster::Checkpointed of;
  {
    const std::lock_guard lock{mutex_};
    of = *std::exchange(newest_, std::nullopt);
  }
  const auto world = own_fold(system_->disk(), of.at);
  std::optional<cluster::CheckpointSigned> made;
  if (!world) {
    spdlog::warn("checkpoint at={} not signed: {}", of.at, world.error().detail);
  } else if (to_hex(world->set.head) != of.head || checkpoint_digest(*world) != of.digest) {
    spdlog::error("checkpoint at={} not signed: this member comes to another digest than {}", of.at,
                  of.digest);
  } else {
    const auto statement = actors::checkpoint_statement(of.at, of.head, of.digest);
    (void)actors::forget_borrowed(system_->disk());  // When it fails, all is folded once more.
    made = cluster::CheckpointSigned{of.at, of.head, of.digest, system_->options().node,
                                     to_hex(muster::sign(system_->keys(), statement))};
  }
  const std::lock_guard lock{mutex_};
  signing_ = false;
  if (newest_) return;
  made_ = std::move(made);
  told_ = 0;
  next_ = {};
}

void Cosigner::tell(const cluster::CheckpointSigned& made) {
  if (system_->gauges().leading) return system_->ask(cluster::Command{cluster::SignCheckpoint{made}}, {}, {});
  const auto leader = peering_.node_of(system_->gauges().leader);
  if (!leader.empty()) peering_.ask(leader, kSigned, to_json_text(made), [](const auto&) {});
}

/// A member hands in its own signature, and nobody else's.
void Cosigner::take(const std::string& from, const std::string& text,
                    std::function<void(std::string)> reply) {
  const auto made = from_json_text<cluster::CheckpointSigned>(text);
  if (made && system_ && made->member == from && is_sound(*system_->views(), *made))
    system_->ask(cluster::Command{cluster::SignCheckpoint{*made}}, {}, {});
  reply("");
}

}  // namespace muster
