// The network's thread, and what others ask of it.
#include "consensus/peer_network.hpp"

#include <csignal>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "consensus/peer_door.hpp"

namespace muster::consensus {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::string new_boot() {
  return random_bytes(kBootId);
}

bool same_face(const PeerCredentials& a, const PeerCredentials& b) {
  return a.chain == b.chain && a.key == b.key;
}

}  // namespace

struct PeerNetwork::Impl {
  explicit Impl(PeerOptions options)
    : core(std::move(options)), door(core), timer(core.io), shown(core.options.credentials) {
    core.boot = new_boot();
  }

  void run();
  void tick();
  void close();
  void use(std::shared_ptr<const PeerTrust> trust, bool redial);

  Core core;
  Door door;
  asio::basic_waitable_timer<PeerClock, asio::wait_traits<PeerClock>, Executor> timer;
  std::mutex credentials_mutex;
  PeerCredentials shown;
  std::thread thread;
};

void PeerNetwork::Impl::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // Signals are main's.
  core.io.run();                              // Until everything is closed.
}

void PeerNetwork::Impl::tick() {
  if (core.stopping) return;
  const auto now = PeerClock::now();
  for (const auto& link : core.all_links()) link->tick(now);
  door.tick(now);
  timer.expires_after(core.limits().ping_every);
  timer.async_wait([this](error_code ec) {
    if (!ec) tick();
  });
}

void PeerNetwork::Impl::close() {
  core.stopping = true;
  timer.cancel();
  for (const auto& link : core.all_links()) link->drop();
  door.close();
}

void PeerNetwork::Impl::use(std::shared_ptr<const PeerTrust> trust, bool redial) {
  core.trust = std::move(trust);
  door.check();
  for (const auto& link : core.all_links()) {
    link->check();
    if (redial) link->redial();
    link->hurry();  // What was refused before may not be now.
  }
}

PeerNetwork::PeerNetwork(PeerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

PeerNetwork::~PeerNetwork() {
  stop();
}

Status PeerNetwork::start() {
  auto trust = PeerTrust::make(impl_->shown);
  if (!trust) return trust.error();
  impl_->core.trust = std::move(*trust);
  if (auto bound = impl_->door.bind(); !bound) return bound;
  asio::post(impl_->core.io, [impl = impl_.get()] {
    impl->door.begin();
    impl->tick();
  });
  impl_->thread = std::thread([this] { impl_->run(); });
  return Done{};
}

void PeerNetwork::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->core.io, [impl = impl_.get()] { impl->close(); });
  impl_->thread.join();
  impl_->core.gate->close();
}

uint16_t PeerNetwork::port() const {
  return impl_->door.port();
}

std::string PeerNetwork::address() const {
  const auto& options = impl_->core.options;
  if (!options.advertised.empty()) return options.advertised;
  return options.listen.substr(0, options.listen.rfind(':') + 1) + std::to_string(port());
}

Status PeerNetwork::set_credentials(const PeerCredentials& credentials) {
  auto trust = PeerTrust::make(credentials);
  if (!trust) return trust.error();
  const std::lock_guard lock(impl_->credentials_mutex);
  const bool redial = !same_face(impl_->shown, credentials);
  impl_->shown = credentials;
  impl_->core.gate->post([impl = impl_.get(), trust = std::move(*trust), redial]() mutable {
    impl->use(std::move(trust), redial);
  });
  return Done{};
}

void PeerNetwork::set_members(std::vector<Peer> members) {
  auto& core = impl_->core;
  std::vector<std::shared_ptr<Link>> gone, come;
  {
    const std::lock_guard lock(core.mutex);
    std::map<std::string, std::shared_ptr<Link>> next;
    for (auto& peer : members) {
      if (peer.node == core.options.node) continue;
      const auto known = core.links.find(peer.node);
      const bool same = known != core.links.end() && known->second->peer == peer;
      auto& link = next[peer.node];
      if (link) continue;
      link = same ? known->second : std::make_shared<Link>(core, peer);
      if (!same) come.push_back(link);
    }
    for (const auto& [node, link] : core.links)
      if (const auto kept = next.find(node); kept == next.end() || kept->second != link) gone.push_back(link);
    core.links.swap(next);
  }
  for (const auto& link : gone) link->member = false;
  core.gate->post([gone, come] {
    for (const auto& link : gone) link->drop();
    for (const auto& link : come) link->begin();
  });
}

void PeerNetwork::send(const std::string& node, Envelope envelope) {
  auto& core = impl_->core;
  const auto link = core.find(node);
  if (!link || envelope.body.size() > kMaxEnvelope) {
    core.counters.dropped++;
    return;
  }
  const auto lane = envelope.body.size() <= kMaxUrgent ? Lane::urgent : Lane::bulk;
  auto& queue = link->lane(lane).queue;
  const auto pushed = queue.push(static_cast<uint8_t>(envelope.kind), envelope.body, PeerClock::now());
  (pushed == PeerQueue::Pushed::full ? core.counters.dropped : core.counters.sent)++;
  if (pushed == PeerQueue::Pushed::first) core.gate->post([link, lane] { link->lane(lane).flush(); });
}

std::map<std::string, PeerState> PeerNetwork::states() const {
  std::map<std::string, PeerState> states;
  for (const auto& link : impl_->core.all_links()) states.emplace(link->peer.node, link->state());
  return states;
}

PeerStats PeerNetwork::stats() const {
  const auto& c = impl_->core.counters;
  return {c.accepted, c.refused, c.evicted, c.strangers, c.sent, c.received, c.dropped};
}

}  // namespace muster::consensus
