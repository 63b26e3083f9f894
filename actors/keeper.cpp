// Gathering, committing, answering.
#include "actors/keeper.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "actors/burst.hpp"
#include "actors/recovering.hpp"
#include "events/line.hpp"

namespace muster::actors {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr uint64_t kProbeEveryMs = 500;

}  // namespace

Keeper::Keeper(log::Disk& disk, Surroundings& around, std::vector<std::shared_ptr<Flight>> flights,
               std::shared_ptr<LogGauges> gauges, KeeperOptions options)
  : disk_(disk),
    around_(around),
    gauges_(std::move(gauges)),
    options_(std::move(options)),
    reader_(disk),
    checkpoints_(disk),
    chain_(std::make_unique<log::ChainWriter>(disk, options_.counts)),
    gathering_(std::move(flights), reader_, options_.limits),
    committed_epoch_(options_.start_epoch),
    last_time_(options_.start_time),
    published_(chain_->head().seq) {}

Keeper::~Keeper() = default;

void Keeper::open() {
  auto& self = *this;  // Each base is private: the replica is handed what it asks for.
  replica_ = std::make_unique<consensus::Replica>(
    options_.self, options_.address, disk_, static_cast<consensus::Machine&>(self),
    static_cast<consensus::Watcher&>(self), static_cast<consensus::Outside&>(self), options_.timing,
    options_.rules);
  Status status = Done{};
  if (options_.found && !consensus::Replica::bootstrapped(disk_)) {
    const auto& head = chain_->head();  // Of a restored folder: whoever joins has to fetch what is there.
    status = consensus::Replica::bootstrap(disk_, {{options_.self, options_.address, consensus::Role::voter}},
                                           {head.index, head.seq, head.hash});
  }
  if (status) status = replica_->open();
  if (!status) broken(status.error());
  show();
}

void Keeper::close() {
  if (!replica_) return;
  flush();
  replica_->close();
  lose(Error{"leader.lost", "the node is stopping", {}, true});
  (void)disk_.sync();
  replica_.reset();
}

void Keeper::tick() {
  if (!replica_) return;
  if (!broken_)
    replica_->tick();
  else if (around_.now_ms() >= next_probe_ms_)
    probe();
  flush_soon();  // While leadership was being handed on nothing could be proposed.
  show();
}

void Keeper::receive(consensus::MemberId from, std::string frame) {
  if (replica_) replica_->receive(from, std::move(frame));
}

void Keeper::append(const std::vector<AppendPtr>& appends) {
  for (const auto& append : appends)
    if (auto taken = gathering_.take(append); !taken && replica_) replica_->fail(taken.error());
  restart_domains();
  gauges_->pending = gathering_.size();
  flush_soon();
}

void Keeper::flush() {
  flushing_ = false;
  if (!leading_ || entry_ || !replica_) return;
  if (!gathering_.waiting()) return replica_->tell_commit();
  if (!replica_->can_propose()) return;
  propose();
  flush_soon();
}

void Keeper::barrier(Answer answer) {
  gathering_.take_barrier(std::move(answer));
  flush_soon();
}

Status Keeper::change(const std::function<Status(consensus::Replica&)>& what) {
  if (!replica_ || !leading_) return Error{"leader.lost", "this member does not lead"};
  auto changed = what(*replica_);
  show();
  return changed;
}

Status Keeper::recover(const cluster::Recovered& what) {
  if (!replica_ || broken_) return Error{"log.unwritable", "the log is not open", {}};
  if (replica_->leader() != 0) return Error{"conflict", "somebody leads: nothing is to be recovered", {}};
  replica_->close();
  lose(Error{"leader.lost", "the cluster is recovered", {}, true});
  const consensus::Member self{options_.self, options_.address, consensus::Role::voter};
  log::Batch word;
  put_recovering(word, what);
  auto written = consensus::Replica::recover(disk_, self, head(), std::move(word));
  if (!written) {
    (void)replica_->open();  // As it was; a disk that fails is told of, and probed.
    return written;
  }
  publish();  // Also lines that were to be shown once all of a snapshot's were here.
  auto opened = replica_->open();
  show();
  return opened;
}

void Keeper::step_down() {
  if (replica_) replica_->step_down();
}

consensus::Head Keeper::head() const {
  return {chain_->head().index, chain_->head().seq, chain_->head().hash};
}

void Keeper::apply(uint64_t index, std::string_view body, log::Batch& batch) {
  const auto first = chain_->head().seq + 1;
  const auto before = lines_.size();
  chain_->apply(index, body, last_time_, batch, lines_);
  // Another leader may have put its own entry there before this one heard that it was deposed.
  const bool ours = entry_ && entry_->see(index, body);
  auto records = ours ? std::move(entry_->records) : read_lines(before);
  for (size_t i = 0; i < records.size(); i++) {
    records[i].seq = first + i;  // Absent in what this process decided itself.
    if (std::holds_alternative<cluster::Recovered>(records[i].event)) forget_recovering(batch);
  }
  if (records_.empty())
    records_ = std::move(records);
  else
    std::move(records.begin(), records.end(), std::back_inserter(records_));
}

void Keeper::applied(uint64_t index) {
  publish();  // Before the answers: who reads after an answer most likely finds what it told of.
  if (!entry_ || entry_->index > index) return;
  entry_->pass(index);
  if (entry_->fate == Entry::Fate::overtaken) return;  // following() tells its callers.
  auto done = std::move(*entry_);
  entry_.reset();
  if (may_go_on(done))
    propose(&done);
  else
    settle(done);
  restart_domains();
  flush_soon();
  if (flushing_ || !leading_ || entry_ || alone()) return;
  flushing_ = true;  // Others learn what is committed at once, also when nothing follows.
  around_.flush_soon();
}

bool Keeper::alone() const {
  const auto members = gauges_->members.load();
  return !members || members->size() < 2;
}

/// Whether the next entry is written while `done` is answered. With others their messages go first (rule 1);
/// and an entry of few commands would keep the many waiting that come from the answers.
bool Keeper::may_go_on(const Entry& done) const {
  const auto waiting = gathering_.size();
  return waiting >= options_.limits.apart && 4 * waiting >= done.appends.size() && leading_ && alone() &&
         replica_->can_propose();
}

bool Keeper::apart(std::function<void()> work, std::function<void()> done) {
  if (!entry_ || entry_->appends.size() < options_.limits.apart) return false;
  return around_.apart([work = std::move(work), spent = std::exchange(spent_, {})] { work(); },
                       std::move(done));
}

/// Lines that this process did not decide: read from their bytes.
std::vector<Record> Keeper::read_lines(size_t from) const {
  std::vector<Record> records;
  for (auto i = from; i < lines_.size(); i++) {
    auto record = read_line(*lines_[i]);
    if (!record) throw std::runtime_error("a committed line does not read: " + record.error().detail);
    records.push_back(std::move(*record));
  }
  return records;
}

/// Hands what was committed to the folds.
void Keeper::publish() {
  gauges_->index = chain_->head().index;
  gauges_->seq = chain_->head().seq;
  if (far_) end_far();
  if (lines_.empty()) return;
  gauges_->events += far_ ? chain_->head().seq - std::min(chain_->head().seq, published_) : lines_.size();
  auto committed = std::make_shared<Committed>();
  committed->far = std::exchange(far_, false);
  committed->records = std::move(records_);
  committed->lines = std::move(lines_);
  committed->head = chain_->head();
  records_.clear();
  lines_.clear();
  for (const auto& record : committed->records) {
    last_time_ = std::max(last_time_, record.envelope.time);
    committed_epoch_ = epoch_after(std::max(committed_epoch_, record.envelope.epoch), record.event);
    compare(record);
  }
  published_ = std::max(published_, committed->head.seq);
  around_.publish(std::move(committed));
}

/// A checkpoint names a line that everybody has: who has another one there has no part in this log.
void Keeper::compare(const Record& record) {
  const auto* made = std::get_if<cluster::Checkpointed>(&record.event);
  const auto ours = made ? reader_.line(made->at) : std::nullopt;
  if (!ours || sha256_hex(*ours) == made->head) return;
  around_.broken(
    {"log.diverged", "line " + std::to_string(made->at) + " is not the one that the cluster has"});
}

void Keeper::settle(Entry& entry) {
  gauges_->entries++;
  gauges_->commits.observe(SteadyClock::now() - entry.proposed);
  const Burst::Scope together;  // What is asked by those who are answered.
  gathering_.settle(entry, published_);
  spent_ = std::move(entry.appends);
}

void Keeper::restart_domains() {
  for (auto& [domain, lead] : gathering_.restarts()) around_.restart(domain, std::move(lead));
}

void Keeper::leading(uint64_t term) {
  show();  // Who votes has to be known before anything is decided.
  leading_ = true;
  const auto generation = gathering_.begin();
  epoch_ = committed_epoch_;
  gauges_->epoch = epoch_;
  gauges_->term = term;
  gauges_->leader = options_.self;
  gauges_->leading = true;
  gauges_->changes++;
  around_.lead(generation);
}

void Keeper::following(uint64_t term, consensus::MemberId leader) {
  gauges_->term = term;
  gauges_->leader = leader;
  gauges_->changes++;
  lose(Error{"leader.lost", "leadership was lost before the outcome was known", {}, true});
}

void Keeper::broken(const Error& why) {
  broken_ = true;
  next_probe_ms_ = around_.now_ms() + kProbeEveryMs;
  gauges_->writable = false;
  gauges_->leader = 0;
  gauges_->changes++;
  around_.broken(why);
  auto lost = why;
  lost.outcome_unknown = true;
  lose(lost);
}

void Keeper::lose(const Error& why) {
  const bool led = leading_;
  leading_ = false;
  gauges_->leading = false;
  if (entry_) {
    auto outcome = why;
    // Where another entry stands it never will be.
    outcome.outcome_unknown = entry_->fate != Entry::Fate::overtaken;
    gathering_.lose_entry(outcome, *entry_);
    entry_.reset();
  }
  gathering_.lose(why);
  gauges_->pending = 0;
  if (led) around_.unlead();
}

void Keeper::probe() {
  next_probe_ms_ = around_.now_ms() + kProbeEveryMs;
  broken_ = false;
  if (auto status = replica_->reopen(); !status) {
    broken_ = true;
    return;
  }
  if (broken_) return;
  gauges_->writable = true;
  around_.broken(Error{});
}

void Keeper::flush_soon() {
  if (flushing_ || !leading_ || entry_ || !gathering_.waiting()) return;
  flushing_ = true;
  around_.flush_soon();
}

/// Everything that waits goes into one entry: one sync serves it all. `done` is answered once the disk has
/// something to do.
void Keeper::propose(Entry* done) {
  last_time_ = std::max(last_time_, around_.now());
  auto entry = gathering_.next(last_time_, options_.node, epoch_);
  gauges_->pending = gathering_.size();
  gauges_->epoch = epoch_;
  entry.proposed = SteadyClock::now();
  if (entry.body.empty()) {
    if (done) settle(*done);
    settle(entry);
    return restart_domains();
  }
  entry.index = replica_->last_index() + 1;
  entry_ = std::move(entry);
  uint64_t index = 0;
  const bool proposed = replica_->propose(entry_->body, index);
  if (done) settle(*done);
  if (!proposed) lose(Error{"leader.lost", "leadership was lost", {}, true});
}

void Keeper::show() {
  if (!replica_) return;
  auto members = replica_->members();
  gathering_.alone(std::ranges::count(members, consensus::Role::voter, &consensus::Member::role) < 2);
  const auto shown = gauges_->members.load();
  if (!shown || *shown != members)
    gauges_->members = std::make_shared<const consensus::Members>(std::move(members));
  const auto leader = replica_->leader();
  if (gauges_->leader != leader && !gauges_->leading) {
    gauges_->leader = leader;
    gauges_->changes++;
  }
}

}  // namespace muster::actors
