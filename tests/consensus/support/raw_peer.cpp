// OpenSSL on a blocking socket.
#include "tests/consensus/support/raw_peer.hpp"

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/ports.hpp"

namespace muster::consensus::test {
namespace {

using muster::test::loopback;

void be_patient(int socket) {
  std::signal(SIGPIPE, SIG_IGN);  // The network may hang up first, and OpenSSL writes without MSG_NOSIGNAL.
  const timeval minute{60, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
}

}  // namespace

void RawPeer::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}

RawPeer::RawPeer(uint16_t port, uint8_t from) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  be_patient(socket_);
  auto source = loopback(0);
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + from);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0)
    throw std::runtime_error("cannot bind on the loopback");
  const auto where = loopback(port);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    throw std::runtime_error("cannot connect to the loopback");
}

RawPeer::RawPeer(int socket, const PeerCredentials& credentials) : socket_(socket) {
  be_patient(socket_);
  trust_ = *PeerTrust::make(credentials);
  session_.reset(trust_->new_session());
  SSL_set_fd(session_.get(), socket_);
  if (SSL_accept(session_.get()) != 1) throw std::runtime_error("no handshake");
}

RawPeer::~RawPeer() {
  session_.reset();
  if (socket_ >= 0) ::close(socket_);
}

RawPeer::RawPeer(RawPeer&& other) noexcept
  : socket_(std::exchange(other.socket_, -1)),
    session_(std::move(other.session_)),
    trust_(std::move(other.trust_)),
    reader_(std::move(other.reader_)) {}

bool RawPeer::secure(const PeerCredentials& credentials) {
  trust_ = *PeerTrust::make(credentials);
  session_.reset(trust_->new_session());
  SSL_set_fd(session_.get(), socket_);
  ERR_clear_error();
  return SSL_connect(session_.get()) == 1;
}

bool RawPeer::send(std::string_view bytes) {
  ERR_clear_error();
  return SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
}

bool RawPeer::send_clear(std::string_view bytes) {
  return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
}

bool RawPeer::open(Lane lane, const std::string& boot) {
  return send(frame_of(Inner::open, encode(Opening{kProtocol, lane, boot})));
}

std::optional<Frame> RawPeer::next() {
  std::array<char, 16384> piece{};
  for (;;) {
    if (auto frame = reader_.next()) return frame;
    if (reader_.broken()) return std::nullopt;
    ERR_clear_error();
    const int n = SSL_read(session_.get(), piece.data(), static_cast<int>(piece.size()));
    if (n <= 0) return std::nullopt;
    reader_.add({piece.data(), static_cast<size_t>(n)});
  }
}

std::optional<Frame> RawPeer::next_said() {
  for (;;) {
    auto frame = next();
    if (!frame) return frame;
    const auto kind = static_cast<Inner>(frame->kind);
    if (kind != Inner::ping && kind != Inner::pong) return frame;
  }
}

std::string RawPeer::refusal() {
  const auto frame = next_said();
  if (!frame) return "(closed)";
  if (frame->kind != static_cast<uint8_t>(Inner::refusal))
    return "(kind " + std::to_string(frame->kind) + ")";
  return frame->body;
}

bool RawPeer::closed() {
  std::array<char, 16384> piece{};
  for (;;) {
    const auto n = ::recv(socket_, piece.data(), piece.size(), 0);
    if (n > 0) continue;
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }
}

RawListener::RawListener(PeerCredentials credentials)
  : credentials_(std::move(credentials)), socket_(muster::test::bound_to(0)) {
  be_patient(socket_);
  if (::listen(socket_, 16) != 0) throw std::runtime_error("cannot listen on the loopback");
  port_ = muster::test::port_of(socket_);
}

RawListener::~RawListener() {
  ::close(socket_);
}

std::string RawListener::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

RawPeer RawListener::accept() {
  const int socket = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) throw std::runtime_error("nobody connects");
  return {socket, credentials_};
}

std::map<Lane, RawPeer> RawListener::welcome_both() {
  std::map<Lane, RawPeer> lanes;
  while (lanes.size() < kLanes) {
    auto lane = accept();
    const auto frame = lane.next();
    const auto opening = frame ? decode_opening(frame->body) : std::nullopt;
    if (!opening) throw std::runtime_error("no opening");
    lane.send(frame_of(Inner::welcome, encode(Opening{kProtocol, opening->lane, std::string(kBootId, 'r')})));
    lanes.emplace(opening->lane, std::move(lane));
  }
  return lanes;
}

}  // namespace muster::consensus::test
