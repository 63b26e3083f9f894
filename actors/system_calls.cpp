// What a System is asked for, on any thread.
#include "actors/system_impl.hpp"

namespace muster {
namespace {

constexpr size_t kPastViews = 4;  // Worlds of the past that are kept.

}  // namespace

void System::Impl::cache(uint64_t seq, std::shared_ptr<const ViewSet> views) {
  past.emplace_front(seq, std::move(views));
  if (past.size() > kPastViews) past.pop_back();
}

void System::open() {
  caf::anon_send(impl_->log, open_atom::value);
}

bool System::ready() const {
  return impl_->started && impl_->gauges->leading;
}

void System::ask(cluster::Command c, Origin o, Answer a) {
  impl_->ask(impl_->cluster, std::move(c), std::move(o), std::move(a));
}
void System::ask(nodes::Command c, Origin o, Answer a) {
  impl_->ask(impl_->nodes, std::move(c), std::move(o), std::move(a));
}
void System::ask(lease::Command c, Origin o, Answer a) {
  impl_->ask(impl_->lease, std::move(c), std::move(o), std::move(a));
}
void System::ask(claims::Command c, Origin o, Answer a) {
  impl_->ask(impl_->claims, std::move(c), std::move(o), std::move(a));
}
void System::ask(tokens::Command c, Origin o, Answer a) {
  impl_->ask(impl_->tokens, std::move(c), std::move(o), std::move(a));
}
void System::ask(secrets::Command c, Origin o, Answer a) {
  impl_->ask(impl_->secrets, std::move(c), std::move(o), std::move(a));
}
void System::ask(plans::Command c, Origin o, Answer a) {
  impl_->ask(impl_->plans, std::move(c), std::move(o), std::move(a));
}
void System::ask(bootstrap::Command c, Origin o, Answer a) {
  impl_->ask(impl_->bootstrap, std::move(c), std::move(o), std::move(a));
}
void System::ask(services::Command c, Origin o, Answer a) {
  impl_->ask(impl_->services, std::move(c), std::move(o), std::move(a));
}
void System::ask(runs::Command c, Origin o, Answer a) {
  impl_->ask(impl_->runs, std::move(c), std::move(o), std::move(a));
}
void System::ask(sources::Command c, Origin o, Answer a) {
  impl_->ask(impl_->sources, std::move(c), std::move(o), std::move(a));
}

void System::gather_asks() {
  Burst::current() = &Burst::own();
}
void System::send_asks() {
  Burst::own().send();
}

void System::ask_reading(std::function<Fresh<PlansDomain>()> read, Origin origin, Answer answer) {
  auto asked = std::make_shared<Ask<PlansDomain>>();
  auto first = read();
  asked->command = std::move(first.command);
  asked->expects = std::move(first.expects);
  asked->origin = std::move(origin);
  asked->answer = std::move(answer);
  asked->refresh = [read = std::move(read)] {
    auto again = read();
    return Reading<PlansDomain>{std::move(again.command), std::move(again.expects)};
  };
  impl_->send(impl_->plans, AskPtr<PlansDomain>{std::move(asked)});
}

std::shared_ptr<const ViewSet> System::views() const {
  return impl_->published->load();
}
std::shared_ptr<const Beats::Map> System::beats() const {
  return impl_->beats->load();
}
void System::hear_beats(const std::vector<std::pair<std::string, Time>>& beats) {
  impl_->beats->merge(beats);
}
const log::ChainReader& System::chain() const {
  return impl_->chain;
}
log::Disk& System::disk() const {
  return impl_->disk;
}
const Keys& System::keys() const {
  return impl_->keys;
}
const SystemOptions& System::options() const {
  return impl_->options;
}

SystemGauges System::gauges() const {
  const auto& g = *impl_->gauges;
  return {g.leading, g.writable,
          g.term,    g.index,
          g.seq,     g.epoch,
          g.entries, g.events,
          g.pending, g.commits.counts(),
          g.leader,  impl_->checkpoints_failed};
}

std::shared_ptr<const consensus::Members> System::members() const {
  return impl_->gauges->members.load();
}

void System::receive(consensus::MemberId from, std::string frame) {
  caf::anon_send(impl_->log, std::make_shared<actors::Frame>(actors::Frame{from, std::move(frame)}));
}

void System::barrier(Answer answer) {
  impl_->on_log([answer = std::move(answer)](Keeper& keeper) { keeper.barrier(answer); });
}

void System::change(std::function<Status(consensus::Replica&)> what, std::function<void(Status)> then) {
  impl_->on_log([what = std::move(what), then = std::move(then)](Keeper& keeper) {
    auto changed = keeper.change(what);
    if (then) then(std::move(changed));
  });
}

void System::read_slowly(std::function<void()> task) {
  caf::anon_send(impl_->historian_actor, std::make_shared<const std::function<void()>>(std::move(task)));
}

void System::views_at(uint64_t seq, std::function<void(Result<std::shared_ptr<const ViewSet>>)> then) {
  read_slowly([this, seq, then = std::move(then)] {
    for (const auto& [at, views] : impl_->past)
      if (at == seq) return then(views);
    auto set = muster::views_at(impl_->disk, seq);
    if (!set) return then(set.error());
    auto views = std::make_shared<const ViewSet>(std::move(*set));
    impl_->cache(seq, views);
    then(std::move(views));
  });
}

void System::live_world(std::function<void(const World&)> then) {
  using Task = std::function<void()>;
  auto show = [then = std::move(then),
               to = impl_->historian_actor](const std::shared_ptr<const World>& world) {
    caf::anon_send(to, std::make_shared<const Task>([then, world] { then(*world); }));
  };
  caf::anon_send(impl_->projector, std::make_shared<const ShowWorld>(std::move(show)));
}

void System::checkpoint(std::function<void(Result<uint64_t>)> then) {
  read_slowly([this, then = std::move(then)] {
    const auto head = log::read_head(impl_->disk);
    auto world = world_at(impl_->disk, head.seq);
    if (!world) return then(world.error());
    caf::anon_send(impl_->checkpointer, std::make_shared<const World>(std::move(*world)));
    then(head.seq);
  });
}

void System::discover() {
  if (impl_->discoverer) caf::anon_send(impl_->discoverer, tick_atom::value);
}

void System::recover(std::vector<std::string> lost, std::function<void(Status)> then) {
  cluster::Recovered what{impl_->options.node, std::move(lost), views()->seq, 0};
  impl_->on_log(
    [what = std::move(what), then = std::move(then)](Keeper& keeper) { then(keeper.recover(what)); });
}

void System::step_down() {
  impl_->on_log([](Keeper& keeper) { keeper.step_down(); });
}

}  // namespace muster
