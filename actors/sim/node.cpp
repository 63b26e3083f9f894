// A node's life, and what surrounds its keeper.
#include "actors/sim/node.hpp"

#include <utility>

#include "actors/sim/process.hpp"
#include "events/line.hpp"
#include "events/log/chain.hpp"

namespace muster::sim {
namespace {

constexpr Time kEpoch{std::chrono::seconds{1'767'225'600}};  // 2026.
constexpr int kTickMs = 50, kSweepMs = 1000;

}  // namespace

Node::Node(Ground& ground, consensus::MemberId id) : ground_(ground), id_(id) {
  disk.failed =
    [this] {  // Half of the time the whole machine dies with its disk, in the middle of the write.
      if (!process_ || !ground_.chance.hits(0.5)) return;
      dying_ = true;
      later(0, [this] { crash(); });
    };
}

Node::~Node() = default;

void Node::boot() {
  if (process_) return;
  boot_++;
  dying_ = false;
  auto start = recover();
  ground_.history.note(name() + " starts at line " + std::to_string(start.set.seq));
  given_ = start.set.seq;
  process_ = std::make_unique<Process>(*this, std::move(start));
  process_->keeper->open();
  const auto views = process_->published->load();
  if (const auto to = view<cluster::View>(*views).log.compacted_to; to > 0) drop_lines(to);
  beat();
  sweep();
}

/// The world of the newest checkpoint and the lines after it; a log that is no chain is repaired first, as an
/// operator would.
World Node::recover() {
  auto world = world_to_start_from(disk);
  const auto head = log::read_head(disk);
  if (ground_.planted.unchecked_chain)
    if (auto unchecked = recover_unchecked(head.seq, head.hash)) world = std::move(*unchecked);
  if (!world) {
    ground_.history.note(name() + " finds that its disk is rotten");
    mend();
    if (!disk.rot()) ground_.history.fail(name() + " does not start: " + world.error().detail);
    world = world_to_start_from(disk);
  }
  if (!world) ground_.history.fail(name() + " does not start: " + world.error().detail);
  show_written();
  ground_.history.head(id_, head.seq, head.hash);
  return std::move(*world);
}

/// Lines are committed once they are on a disk, and nobody was told of these: the power failed, or a write
/// that was done was reported as failed.
void Node::show_written() {
  log::ChainReader{disk}.each_from(ground_.history.seq() + 1, [&](uint64_t seq, std::string_view line) {
    const auto record = read_line(line);
    if (record) ground_.history.line(id_, seq, std::make_shared<const std::string>(line), *record);
    return static_cast<bool>(record);
  });
}

/// Planted: the lines are taken as they are.
std::optional<World> Node::recover_unchecked(uint64_t seq, const Digest& head) const {
  auto world = load_checkpoint(disk, seq);
  if (!world) world.emplace();
  log::ChainReader{disk}.each_from(world->set.seq + 1, [&](uint64_t, std::string_view line) {
    const auto record = read_line(line);
    if (record) fold(*world, *record);
    return static_cast<bool>(record);
  });
  world->set.head = head;
  return world->set.seq == seq ? std::move(world) : std::nullopt;
}

void Node::crash() {
  if (!process_) return;
  ground_.history.note(name() + " crashes");
  boot_++;
  under_way_ = nullptr;
  process_.reset();
  mending_ = false;
  disk.countdown = 0;
  if (full_until_ <= now_ms()) disk.fail_writes(false);
  disk.lose_power(static_cast<size_t>(random(0, static_cast<int>(disk.unsynced()) + 1)));
}

bool Node::leads() const {
  return process_ && process_->started && process_->gauges->leading;
}

consensus::MemberId Node::follows() const {
  return process_ ? process_->gauges->leader.load() : 0;
}

uint64_t Node::term() const {
  return process_ ? process_->gauges->term.load() : 0;
}

uint64_t Node::seq() const {
  return process_ ? process_->published->load()->seq : 0;
}

consensus::Members Node::members() const {
  const auto members = process_ ? process_->gauges->members.load() : nullptr;
  return members ? *members : consensus::Members{};
}

std::shared_ptr<const World> Node::world() const {
  return process_->folding->world();
}

void Node::receive(consensus::MemberId from, std::string frame) {
  if (process_ && !dying_) process_->keeper->receive(from, std::move(frame));
}

void Node::read(Answer answer) {
  if (!process_ || dying_) return;
  if (ground_.planted.unproven_reads && process_->gauges->leading)
    return answer(Receipt{process_->published->load()->seq, {}});
  process_->keeper->barrier(std::move(answer));
}

Status Node::change(const std::function<Status(consensus::Replica&)>& what) {
  if (!process_ || dying_) return Error{"leader.lost", "it does not run"};
  return process_->keeper->change(what);
}

void Node::step_down() {
  if (process_ && !dying_) process_->keeper->step_down();
}

Time Node::now() {
  return kEpoch + Millis{ground_.clock.now()} + ahead_;
}

void Node::later(unsigned ms, std::function<void()> task) {
  ground_.clock.later(ms, [this, at = boot_, task = std::move(task)] {
    if (at == boot_) task();
  });
}

/// Threads are starved now and then: what is under way then arrives in another leadership.
unsigned Node::tell_ms() {
  auto& chance = ground_.chance;
  if (ground_.faults && chance.hits(0.0005)) return chance.ms(1'000, 5'000);
  return ground_.faults && chance.hits(0.01) ? chance.ms(10, 300) : chance.ms(0, 2);
}

/// A message to another of this node's actors: soon, but behind those that went the same way.
void Node::tell(size_t line, std::function<void()> task) {
  if (!process_) return;
  process_->lines[line].push_back(std::move(task));
  auto& due = process_->due[line];
  due = std::max(due, now_ms()) + tell_ms();
  later(static_cast<unsigned>(due - now_ms()), [this, line] {
    auto& waiting = process_->lines[line];
    const auto next = std::move(waiting.front());
    waiting.pop_front();
    if (!dying_) next();
  });
}

unsigned Node::disk_ms() {
  if (slow_until > now_ms()) return static_cast<unsigned>(random(50, 1500));
  return static_cast<unsigned>(ground_.faults && ground_.chance.hits(0.01) ? 400 : random(1, 5));
}

/// As the thread beside the keeper's does it: some time later, and the keeper hears of it later still.
bool Node::apart(std::function<void()> work, std::function<void()> done) {
  if (!ground_.chance.hits(0.5)) return false;
  under_way_ = std::move(work);
  later(disk_ms(), [this, done = std::move(done)] {
    join();
    later(tell_ms(), done);
  });
  return true;
}

void Node::join() {
  if (const auto work = std::exchange(under_way_, nullptr); work && !dying_) work();
}

void Node::send(consensus::MemberId to, std::string frame) {
  if (!dying_) ground_.send(id_, to, std::move(frame));
}

void Node::publish(actors::CommittedPtr committed) {
  if (dying_) return;
  const auto first = committed->far ? given_ + 1 : committed->records.front().seq;
  if (first > given_ + 1)
    ground_.history.fail(name() + " folds line " + std::to_string(first) + " on top of line " +
                         std::to_string(given_));
  if (committed->far) see_lines(committed->head.seq);
  given_ = std::max(given_, committed->head.seq);
  for (size_t i = 0; i < committed->lines.size() && !committed->far; i++)
    ground_.history.line(id_, committed->records[i].seq, committed->lines[i], committed->records[i]);
  ground_.history.head(id_, committed->head.seq, committed->head.hash);
  tell(kToFolds, [this, committed] { process_->folding->take(committed); });
}

/// Lines that were not handed over but are on the disk.
void Node::see_lines(uint64_t to) {
  log::ChainReader{disk}.each_from(given_ + 1, [&](uint64_t seq, std::string_view line) {
    const auto record = read_line(line);
    if (seq != given_ + 1 || !record)
      ground_.history.fail(name() + " folds line " + std::to_string(seq) + " on top of line " +
                           std::to_string(given_));
    given_ = seq;
    if (record) ground_.history.line(id_, seq, std::make_shared<const std::string>(line), *record);
    return seq < to;
  });
}

void Node::lead(uint64_t generation) {
  ground_.history.leads(id_, process_->gauges->term);
  tell(kToFolds, [this, generation] { process_->folding->lead(generation); });
}

void Node::restart(size_t domain, std::shared_ptr<actors::Lead> lead) {
  tell(kToFolds, [this, domain, lead] { process_->folding->restart(domain, lead); });
}

void Node::unlead() {
  ground_.history.note(name() + " leads no more");
  tell(kToFolds, [this] { process_->folding->unlead(); });
}

void Node::flush_soon() {
  tell(kToKeeper, [this] { process_->keeper->flush(); });
}

void Node::broken(const Error& why) {
  if (why.code.empty()) return;
  ground_.history.note(name() + ": " + why.code);
  if (why.code != "log.unwritable") ground_.history.fail(name() + ": " + why.detail);
  mend_later();
}

/// What was not durable may be gone once a disk takes writes again; not once it was opened again: what
/// follows is in use.
void Node::mend_later() {
  mending_ = true;
  later(static_cast<unsigned>(random(100, 1000)), [this] {
    if (full_until_ > now_ms()) return mend_later();
    mending_ = false;
    disk.countdown = 0;
    disk.fail_writes(false);
    if (disk.refuses())
      disk.lose_power(static_cast<size_t>(random(0, static_cast<int>(disk.unsynced()) + 1)));
  });
}

void Node::starve(unsigned ms) {
  if (!process_) return;
  for (size_t domain = 0; domain < kDomains; domain++) process_->due[kFromDomain + domain] = now_ms() + ms;
}

void Node::fill_disk(unsigned ms) {
  if (!process_) return;
  full_until_ = now_ms() + ms;
  disk.fail_writes(true);
  ground_.clock.later(ms, [this] {
    if (!mending_ && full_until_ <= now_ms()) disk.fail_writes(false);
  });
}

void Node::mend() {
  full_until_ = 0;
  disk.countdown = 0;
  if (!mending_) disk.fail_writes(false);
}

/// A peer's checkpoint took the place of lines that are not here.
void Node::restart_from(uint64_t at) {
  if (dying_) return;
  ground_.history.note(name() + " takes the checkpoint of line " + std::to_string(at));
  given_ = std::max(given_, at);
  tell(kToFolds, [this, at] { process_->folding->restart_from(at); });
}

void Node::beat() {
  later(static_cast<unsigned>(random(kTickMs - 10, kTickMs + 10)), [this] {
    if (!dying_) process_->keeper->tick();
    beat();
  });
}

/// Deadlines, as the actor around the claims keeps them.
void Node::sweep() {
  later(kSweepMs, [this] {
    if (leads()) {
      auto asked = std::make_shared<actors::Ask<ClaimsDomain>>();
      asked->command = claims::Sweep{};
      ask<ClaimsDomain>(std::move(asked));
    }
    sweep();
  });
}

/// Each time leadership begins, the member says so in the log; the other domains begin when that is folded.
void Node::start_member() {
  auto asked = std::make_shared<actors::Ask<ClusterDomain>>();
  cluster::Start start;
  start.cluster = sha256_hex(name() + std::to_string(boot_)).substr(0, 32);
  start.member.member = name();
  start.member.version = "1";
  start.member.feature_level = kFeatureLevel;
  start.member.id = id_;
  start.member.address = start.member.url = name();
  start.member.boot = std::to_string(boot_);
  asked->command = std::move(start);
  ask<ClusterDomain>(std::move(asked));
}

void Node::checkpoint(std::shared_ptr<const World> world) {
  tell(kToDisk, [this, world = std::move(world)] {
    const auto stored = store_checkpoint(disk, *world);
    if (!stored) return;
    auto asked = std::make_shared<actors::Ask<ClusterDomain>>();
    cluster::Checkpointed made;
    made.at = stored->at;
    made.head = to_hex(world->set.head);
    made.digest = stored->digest;
    made.bytes = stored->bytes;
    asked->command = cluster::Checkpoint{std::move(made)};
    ask<ClusterDomain>(std::move(asked));
  });
}

void Node::compact(bool newest) {
  if (!process_) return;
  const auto views = process_->published->load();
  const auto& cluster = view<cluster::View>(*views);
  cluster::Compacted dropped;
  cluster.checkpoints.each([&](uint64_t, const auto& row) {
    if (row.made.at <= cluster.log.compacted_to || (!newest && dropped.to != 0)) return;
    dropped.to = dropped.checkpoint = row.made.at;
    dropped.head = row.made.head;
  });
  if (dropped.to == 0) return;
  dropped.from = cluster.log.compacted_to + 1;
  dropped.lines = dropped.to - cluster.log.compacted_to;
  auto asked = std::make_shared<actors::Ask<ClusterDomain>>();
  asked->command = cluster::Compact{std::move(dropped)};
  ask<ClusterDomain>(std::move(asked));
}

/// The effect of a committed compaction; done again at the start when it was cut short.
void Node::drop_lines(uint64_t to) {
  tell(kToDisk, [this, to] {
    ground_.history.note(name() + " drops lines up to " + std::to_string(to));
    (void)drop_covered_lines(disk, to);
  });
}

}  // namespace muster::sim
