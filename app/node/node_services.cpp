// The shell around domain/supervision: it starts, looks, tells and keeps; what to do is decided there.
#include "app/node/node_services.hpp"

#include <atomic>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/child_process.hpp"
#include "adapters/service_log.hpp"
#include "app/node/plan_inbox.hpp"
#include "app/node/prober.hpp"
#include "app/node/service_records.hpp"
#include "base/hash.hpp"

namespace muster::app {
namespace {

namespace sup = supervision;

constexpr Millis kLookEvery{500};     // At instances that cannot wake anybody.
constexpr Millis kBoundEvery{2'000};  // At the size of logs.

sup::Tick tick() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

/// An instance that is there, and what it was started from.
struct Held {
  std::unique_ptr<Instance> instance;
  Order order;
  std::string executor;
  bool runs = false;     // It is past what comes before: a build, an image.
  bool told_up = false;  // And the fact is kept.

  Look look() {
    auto seen = instance->look();
    runs |= seen.state != Look::State::starting && seen.why.empty();
    return seen;
  }
};

}  // namespace

struct NodeServices::Impl {
  explicit Impl(NodeServicesOptions o, Executors e)
    : options(std::move(o)),
      executors(std::move(e)),
      records(options.folder),
      wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Impl() { ::close(wake); }

  void push(sup::Input input) {
    {
      const std::lock_guard lock{mutex};
      inbox.push_back(std::move(input));
    }
    signal();
  }
  void signal() const {
    const uint64_t one = 1;
    (void)!::write(wake, &one, sizeof one);
  }

  void adopt_all();
  void adopt(const ServiceRecord& record);
  void run();
  void take_inbox();
  void look_at_all();
  void handle(const sup::Input& input);
  void perform(const sup::Action& action);
  void start(const sup::Start& start);
  void note(services::Event fact);
  [[nodiscard]] bool waits(const std::string& run) const;
  void keep_record(const sup::Service& service);
  void keep_records();
  void bound_logs();
  void rest();

  NodeServicesOptions options;
  Executors executors;
  ServiceRecords records;
  int wake;
  std::map<std::string, Held> held;  // By name.
  sup::State state;
  std::string by_plan;            // The plan's executor.
  std::deque<sup::Input> inputs;  // To be handled after the one that is.
  sup::Tick next_bound{0};

  mutable std::mutex mutex;
  std::deque<sup::Input> inbox;
  std::vector<std::string> running;
  PlanInbox plans;
  std::atomic<bool> stopping{false};

  std::unique_ptr<Prober> prober;
  std::thread thread;
};

void NodeServices::Impl::adopt_all() {
  state.life = random_hex(6);
  for (const auto& record : records.load()) adopt(record);
}

void NodeServices::Impl::adopt(const ServiceRecord& record) {
  auto app = record.read_app();
  if (!app) {
    spdlog::error("services service={} error={}", record.name, app.error().detail);
    return records.forget(record.name);
  }
  using Was = sup::Found::Was;
  if (record.was == "done" || record.was == "failed") {
    if (record.boot != boot_id()) return records.forget(record.name);
    return handle(
      sup::Found{*app, record.run, record.was == "done" ? Was::done : Was::failed, "", 0, record.cluster});
  }
  auto* executor = executors.by_name(record.executor);
  Order order{*app, record.run, service_folder(options.folder, record.name)};
  auto instance = executor ? executor->adopt(order, record.record)
                           : Result<std::unique_ptr<Instance>>{Error{"not.found", "no such executor", {}}};
  if (instance) {
    spdlog::info("services service={} run={} found running", record.name, record.run);
    const bool told = record.was == "healthy" || record.was == "up" || waits(record.run);
    held[record.name] = {std::move(*instance), std::move(order), record.executor, told, told};
    return handle(sup::Found{*app, record.run,
                             record.was == "healthy" ? Was::healthy
                             : told                  ? Was::up
                                                     : Was::starting,
                             record.executor, record.pid, record.cluster});
  }
  records.forget(record.name);
  if (record.record.empty() || record.was == "preparing") return;  // It never ran.
  if (record.was == "started" && !waits(record.run)) {
    services::Started started;
    started.name = record.name;
    started.run = record.run;
    started.hash = sup::hash_of(*app);
    started.executor = record.executor;
    started.pid = record.pid;
    note(started);
  }
  services::Exited exited;
  exited.name = record.name;
  exited.run = record.run;
  note(exited);
}

/// The fact of this start is kept, and nobody took it yet.
bool NodeServices::Impl::waits(const std::string& run) const {
  const auto waiting = options.facts->waiting(kMaxWaitingFacts);
  return std::any_of(waiting.begin(), waiting.end(), [&](const auto& fact) {
    const auto* started = std::get_if<services::Started>(&fact);
    return started && started->run == run;
  });
}

/// A start is told once: its record says so before anybody is asked to take the fact.
void NodeServices::Impl::note(services::Event fact) {
  const auto* started = std::get_if<services::Started>(&fact);
  const auto run = started ? started->run : std::string{};
  if (started && waits(run)) return;  // It is told to whoever takes it.
  match(fact)([&](services::Fact& header) {
    header.node = options.node;
    header.at = system_now();
  });
  const auto body = match(fact)([](const auto& e) { return std::string(e.type) + " service=" + e.name; });
  spdlog::info("services fact={}", body);
  if (const auto status = options.facts->put(std::move(fact)); !status)
    spdlog::error("services fact={} error={}", body, status.error().detail);
  for (const auto& service : state.services)  // The record of one that is gone stays until its end is kept.
    if (!run.empty() && service.run == run && held.contains(service.app.name)) keep_record(service);
  if (options.on_fact) options.on_fact();
}

void NodeServices::Impl::handle(const sup::Input& input) {
  inputs.push_back(input);
  if (inputs.size() > 1) return;  // The one that is being handled goes on with it.
  while (!inputs.empty()) {
    for (const auto& action : sup::step(state, inputs.front(), tick(), options.limits)) perform(action);
    inputs.pop_front();
  }
}

void NodeServices::Impl::perform(const sup::Action& action) {
  match(action)([&](const sup::Start& a) { start(a); },
                [&](const sup::Stop& a) {
                  prober->forget(a.name);
                  if (const auto at = held.find(a.name); at != held.end()) at->second.instance->stop();
                },
                [&](const sup::Kill& a) {
                  if (const auto at = held.find(a.name); at != held.end()) at->second.instance->kill();
                },
                [&](const sup::Probe& a) {
                  if (const auto at = held.find(a.name); at != held.end())
                    prober->ask(a.name, a.run, *at->second.order.app.health);
                },
                [&](const sup::Note& a) { note(a.fact); });
}

/// The record is written before the start, too: what is cut short in between is found by its run.
void NodeServices::Impl::start(const sup::Start& start) {
  const auto service = std::find_if(state.services.begin(), state.services.end(),
                                    [&](const auto& s) { return s.app.name == start.name; });
  const auto failed = [&](const Error& why) { handle(sup::NotStarted{start.name, start.run, why.detail}); };
  auto executor = executors.for_app(service->app, by_plan);
  if (!executor) return failed(executor.error());
  auto folder = records.make_folder(start.name);
  if (!folder) return failed(folder.error());
  Order order{service->app, start.run, *folder};
  ServiceRecord record;
  record.name = start.name;
  record.run = start.run;
  record.executor = (*executor)->name();
  record.was = "preparing";
  record.boot = boot_id();
  record.set_app(service->app);
  if (auto status = records.keep(record); !status) return failed(status.error());
  auto instance = (*executor)->start(order);
  if (!instance) return failed(instance.error());
  auto& one = held[start.name] = {std::move(*instance), std::move(order), record.executor, false, false};
  one.look();
  keep_record(*service);
}

void NodeServices::Impl::look_at_all() {
  std::vector<sup::Input> seen;
  for (auto at = held.begin(); at != held.end();) {
    auto& [name, one] = *at;
    const auto look = one.look();
    if (one.runs && !std::exchange(one.told_up, true))
      seen.emplace_back(sup::Up{name, one.order.run, one.executor, one.instance->pid()});
    if (look.state != Look::State::ended) {
      ++at;
      continue;
    }
    if (look.why.empty())
      seen.emplace_back(sup::Ended{name, one.order.run, look.known, look.code, look.signal});
    else
      seen.emplace_back(sup::NotStarted{name, one.order.run, look.why});
    prober->forget(name);
    at = held.erase(at);
  }
  for (const auto& input : seen) handle(input);
}

void NodeServices::Impl::take_inbox() {
  std::deque<sup::Input> taken;
  {
    const std::lock_guard lock{mutex};
    taken.swap(inbox);
  }
  for (const auto& input : taken) handle(input);
  auto given = plans.take(tick());
  if (!given) return;
  by_plan = std::move(given->executor);
  handle(std::move(given->plan));
}

void NodeServices::Impl::keep_record(const sup::Service& service) {
  const auto& name = service.app.name;
  const bool ended = service.phase == sup::Phase::done || service.phase == sup::Phase::failed;
  const auto at = held.find(name);
  ServiceRecord record;
  record.name = name;
  record.run = ended ? service.ended_run : service.run;
  record.boot = boot_id();
  record.cluster = service.cluster;
  if (at != held.end()) {
    const auto& one = at->second;
    record.executor = one.executor;
    record.record = one.instance->record();
    record.pid = one.instance->pid();
    record.was = service.phase == sup::Phase::running ? "healthy"
                 : one.told_up                        ? "up"
                 : one.runs                           ? "started"
                                                      : "preparing";
    record.set_app(one.order.app);
  } else if (ended) {
    record.was = to_string(service.phase);
    record.set_app(service.app);
  } else {
    return records.forget(name);
  }
  if (const auto status = records.keep(record); !status)
    spdlog::error("services service={} error={}", name, status.error().detail);
}

void NodeServices::Impl::keep_records() {
  std::vector<std::string> gone;
  for (const auto& service : state.services) keep_record(service);
  for (const auto& name : records.names()) {
    const bool there = std::any_of(state.services.begin(), state.services.end(),
                                   [&](const auto& s) { return s.app.name == name; });
    if (!there) gone.push_back(name);
  }
  for (const auto& name : gone) records.forget(name);
}

void NodeServices::Impl::bound_logs() {
  if (tick() < next_bound) return;
  next_bound = tick() + kBoundEvery;
  for (const auto& [name, one] : held) bound_log(one.order.folder);
}

/// Until something happens: a process ends, a plan comes, a phase is due.
void NodeServices::Impl::rest() {
  std::vector<pollfd> waiting{{wake, POLLIN, 0}};
  Millis limit = held.empty() ? Millis{60'000} : kBoundEvery;
  for (const auto& [name, one] : held) {
    if (one.instance->fd() < 0)
      limit = std::min(limit, kLookEvery);
    else
      waiting.push_back({one.instance->fd(), POLLIN, 0});
  }
  for (const auto& due : {sup::next_due(state), plans.due()})
    if (due) limit = std::clamp(*due - tick(), Millis{0}, limit);
  (void)::poll(waiting.data(), waiting.size(), static_cast<int>(limit.count()));
  uint64_t count = 0;
  (void)!::read(wake, &count, sizeof count);
}

void NodeServices::Impl::run() {
  while (!stopping) {
    take_inbox();
    look_at_all();
    look_at_all();  // What was started by what was seen.
    handle(sup::Clock{});
    keep_records();
    bound_logs();
    {
      const std::lock_guard lock{mutex};
      running = sup::running(state);
    }
    rest();
  }
}

NodeServices::NodeServices() = default;

Result<std::unique_ptr<NodeServices>> NodeServices::start(NodeServicesOptions options) {
  auto executors = Executors::make(options.executor);
  if (!executors) return executors.error();
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) return Error{"internal", "cannot make " + options.folder + ": " + error.message(), {}};
  std::filesystem::permissions(options.folder, std::filesystem::perms::owner_all, error);
  std::unique_ptr<NodeServices> made{new NodeServices};
  made->impl_ = std::make_unique<Impl>(std::move(options), std::move(*executors));
  auto& impl = *made->impl_;
  impl.prober = std::make_unique<Prober>([&impl](const std::string& name, const std::string& run) {
    impl.push(sup::Healthy{name, run});
  });
  impl.adopt_all();
  impl.running = sup::running(impl.state);
  impl.thread = std::thread([&impl] { impl.run(); });
  return made;
}

NodeServices::~NodeServices() {
  stop();
}

void NodeServices::apply(supervision::Plan plan, std::string executor) {
  impl_->plans.put({std::move(plan), std::move(executor)}, tick());
  impl_->signal();
}

void NodeServices::hold() {
  impl_->plans.hold();
}

void NodeServices::release() {
  impl_->plans.release();
  impl_->signal();
}

std::vector<std::string> NodeServices::running() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->running;
}

void NodeServices::stop() {
  impl_->stopping = true;
  impl_->signal();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->prober.reset();
}

}  // namespace muster::app
