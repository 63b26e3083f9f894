// Accepting, sweeping, waking, stopping: one thread with one io_context.
#include "http/server.hpp"

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include "http/server_connection.hpp"

namespace muster::http {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr int kTurn = 8;  ///< Handlers that run, at most, before the application hears that a turn ended.
constexpr int kBacklog = 4096;
constexpr size_t kMaxRefused = 256;  ///< Peers that are told so; more are closed at once.
constexpr auto kLinger = 2s;

std::string random_prefix() {
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";
  std::random_device random;
  std::string prefix;
  for (int i = 0; i < 6; i++) prefix += kLetters[random() % kLetters.size()];
  return prefix + '-';
}

/// Often enough that the shortest limit is kept within a quarter of it.
std::chrono::milliseconds sweep_interval(const Limits& limits) {
  const auto shortest = std::min({limits.header_timeout, limits.body_timeout, limits.write_timeout,
                                  limits.idle_timeout, limits.stall_timeout, limits.drain_timeout});
  return std::clamp(shortest / 4, 5ms, 250ms);
}

}  // namespace

struct Server::Impl {
  Impl(Application& application, Listen where, Limits limits)
    : core(application, limits),
      listen(std::move(where)),
      acceptor(core.io),
      timer(core.io),
      pump_timer(core.io) {
    core.id_prefix = random_prefix();
    core.inbox = std::make_shared<Inbox>([this] { asio::post(core.io, [this] { deliver(); }); });
  }

  Status bind();
  void run();
  void accept();
  void admit(Socket socket, const Tcp::endpoint& from);
  void sweep();
  void sweep_after(std::chrono::milliseconds pause);
  void expire(Phase phase, std::chrono::milliseconds limit);
  void deliver();
  void wake();
  void drain();

  Core core;
  Listen listen;
  asio::basic_socket_acceptor<Tcp, Executor> acceptor;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer, pump_timer;
  Tcp::endpoint peer;
  bool accepting = false;
  Clock::time_point drain_until{};
  std::vector<Inbox::Answer> answers;
  std::atomic<bool> woken{false};
  uint16_t port = 0;
  std::thread thread;
};

Status Server::Impl::bind() {
  const auto where = listen.host + ":" + std::to_string(listen.port);
  const auto failed = [&](const error_code& ec) {
    return Error{"internal", "cannot listen on " + where + ": " + ec.message()};
  };
  if (!listen.tls_cert.empty() || !listen.tls_key.empty()) {
    auto context = tls_context(listen.tls_cert, listen.tls_key);
    if (!context) return context.error();
    core.tls = *context;
  }
  error_code ec;
  asio::ip::basic_resolver<Tcp, Executor> resolver(core.io);
  const auto found = resolver.resolve(listen.host, std::to_string(listen.port), Tcp::resolver::passive, ec);
  if (ec) return failed(ec);
  const auto endpoint = found.begin()->endpoint();
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(Tcp::acceptor::reuse_address(true), ec);
  if (!ec && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(kBacklog, ec);
  if (ec) return failed(ec);
  port = acceptor.local_endpoint(ec).port();
  return Done{};
}

void Server::Impl::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // Signals are main's; OpenSSL writes without MSG_NOSIGNAL.
  core.inbox->open();
  core.application.begin();
  accept();
  sweep();
  while (core.io.run_one() != 0) {
    for (int i = 1; i < kTurn && core.io.poll_one() != 0; i++) {
    }
    core.application.turn_ended();
  }
  core.inbox->close();
  error_code ignored;
  acceptor.close(ignored);
  timer.cancel();
  for (const auto& connection : core.connections.all()) connection->close();
  core.io.restart();
  core.io.poll();  // The cancelled operations hold the last references.
  core.application.turn_ended();
}

void Server::Impl::accept() {
  if (accepting || core.stopping) return;
  accepting = true;
  acceptor.async_accept(peer, [this](error_code ec, Socket socket) {
    accepting = false;
    if (!ec) admit(std::move(socket), peer);
    // Out of descriptors: the next sweep tries again, when some may be free.
    if (!ec || ec == asio::error::connection_aborted) accept();
  });
}

void Server::Impl::admit(Socket socket, const Tcp::endpoint& from) {
  const bool refused = core.accepted >= core.limits.max_connections;
  if (refused) core.stats.refused++;
  if (refused && core.refused >= kMaxRefused) return;
  error_code ec;
  socket.non_blocking(true, ec);
  socket.set_option(Tcp::no_delay(true), ec);
  auto address = from.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  const auto name = core.connections.reserve();
  auto connection = std::make_shared<Connection>(
    core, std::move(socket), name, Connection::Peer{address.to_string(), address.is_loopback(), refused});
  core.connections.put(name, connection);
  (refused ? core.refused : core.accepted)++;
  core.stats.connections++;
  connection->start();
}

void Server::Impl::expire(Phase phase, std::chrono::milliseconds limit) {
  auto& list = core.list(phase);
  const auto due = Clock::now() - limit;
  while (!list.empty() && list.front().since <= due) {
    const auto connection = connection_of(list.front()).shared_from_this();
    connection->timed_out();
    if (!list.empty() && &list.front() == connection.get()) connection->close();
  }
}

void Server::Impl::sweep() {
  const auto now = Clock::now();
  core.date = http_date();
  core.application.tick();
  expire(Phase::idle, core.stopping ? core.limits.last_request : core.limits.idle_timeout);
  expire(Phase::head, core.limits.header_timeout);
  expire(Phase::body, core.limits.body_timeout);
  expire(Phase::writing, core.limits.write_timeout);
  expire(Phase::stalled, core.limits.stall_timeout);
  expire(Phase::lingering, std::min<std::chrono::milliseconds>(kLinger, core.limits.header_timeout));
  auto& streams = core.list(Phase::streaming);
  for (auto it = streams.begin(); it != streams.end();) {
    auto& connection = connection_of(*it++);
    if (connection.wake_due(now)) connection.make_ready();
  }
  core.gzip.forget_dead();
  accept();
  if (core.stopping && now >= drain_until) return core.io.stop();
  sweep_after(sweep_interval(core.limits));
}

void Server::Impl::sweep_after(std::chrono::milliseconds pause) {
  timer.expires_after(pause);
  timer.async_wait([this](error_code ec) {
    if (!ec) sweep();
  });
}

void Server::Impl::deliver() {
  core.inbox->take(answers);
  for (auto& [id, response] : answers)
    if (const auto connection = core.connections.find(id)) connection->answer(std::move(response));
  answers.clear();
}

void Server::Impl::wake() {
  if (const auto rested = core.round.rested(); Clock::now() < rested) {
    pump_timer.expires_at(rested);
    return pump_timer.async_wait([this](error_code ec) {
      if (!ec) wake();
    });
  }
  woken = false;
  auto& streams = core.list(Phase::streaming);
  while (!streams.empty()) connection_of(streams.front()).make_ready();
}

void Server::Impl::drain() {
  if (core.stopping) return;
  core.stopping = true;
  drain_until = Clock::now() + core.limits.drain_timeout;
  error_code none_left, ignored;
  acceptor.non_blocking(true, none_left);
  // Those that wait to be accepted would be reset, with what they have asked.
  for (int i = 0; i < kBacklog && !none_left; i++) {
    Socket socket{core.io};
    Tcp::endpoint from;
    acceptor.accept(socket, from, none_left);
    if (!none_left) admit(std::move(socket), from);
  }
  acceptor.close(ignored);
  for (const auto& connection : core.connections.all()) connection->drain();
  if (core.accepted + core.refused == 0) return core.io.stop();
  sweep_after(core.limits.last_request);
}

Server::Server(Application& application, Listen listen, Limits limits)
  : impl_(std::make_unique<Impl>(application, std::move(listen), limits)) {}

Server::~Server() {
  stop();
}

Status Server::start() {
  if (auto bound = impl_->bind(); !bound) return bound;
  impl_->thread = std::thread([this] { impl_->run(); });
  return Done{};
}

uint16_t Server::port() const {
  return impl_->port;
}

void Server::wake_streams() {
  if (!impl_->woken.exchange(true)) asio::post(impl_->core.io, [impl = impl_.get()] { impl->wake(); });
}

void Server::post(std::function<void()> task) {
  asio::post(impl_->core.io, std::move(task));
}

void Server::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->core.io, [impl = impl_.get()] { impl->drain(); });
  impl_->thread.join();
}

const ServerStats& Server::stats() const {
  return impl_->core.stats;
}

}  // namespace muster::http
