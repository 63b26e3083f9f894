// Reading, writing and closing over asio's TLS stream.
#include "consensus/peer_connection.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>

namespace muster::consensus {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr size_t kReadAtOnce = 16 << 10;  ///< A TLS record.
constexpr int kUserTimeoutMs = 10'000;    ///< Data that the other machine does not acknowledge.
constexpr int kKeepIdleS = 5, kKeepEveryS = 2, kKeepProbes = 3;

void tune(Socket& socket) {
  error_code ignored;
  const int on = 1;
  const auto set = [&](int level, int name, int value) {
    ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
  };
  socket.non_blocking(true, ignored);
  set(IPPROTO_TCP, TCP_NODELAY, on);
  set(SOL_SOCKET, SO_KEEPALIVE, on);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepEveryS);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepProbes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
}

}  // namespace

Connection::Connection(Socket socket, const PeerTrust& trust, Side side, Owner& owner, size_t max_body)
  : stream_(std::move(socket), trust.new_session()), side_(side), owner_(&owner), reader_(max_body) {
  tune(stream_.next_layer());
}

void Connection::start() {
  const auto type = side_ == Side::server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
  stream_.async_handshake(type, [self = shared_from_this()](error_code ec) {
    if (self->closed_) return;
    if (ec) return self->fail("no TLS: " + ec.message());
    self->ready_ = true;
    self->in_.resize(kReadAtOnce);
    self->owner_->secured();
    if (!self->closed_) self->read();
  });
}

void Connection::read() {
  stream_.async_read_some(asio::buffer(in_), [self = shared_from_this()](error_code ec, size_t size) {
    if (self->closed_) return;
    if (ec)
      return self->fail(ec == asio::error::eof || ec == asio::ssl::error::stream_truncated
                          ? "the other end closed the connection"
                          : ec.message());
    self->reader_.add({self->in_.data(), size});
    while (auto frame = self->reader_.next()) {
      self->owner_->came(std::move(*frame));
      if (self->closed_) return;
    }
    if (self->reader_.broken()) return self->fail("a frame is empty or larger than is allowed");
    self->read();
  });
}

void Connection::write(std::string bytes) {
  if (closed_ || finishing_ || bytes.empty()) return;
  if (waiting_.empty()) {
    waiting_ = std::move(bytes);
  } else {
    waiting_ += bytes;
  }
  if (writing_.empty()) write_some();
}

void Connection::write_some() {
  if (writing_.empty()) {
    writing_.swap(waiting_);
    written_ = 0;
    moved_ = PeerClock::now();
  }
  const auto rest = asio::buffer(writing_.data() + written_, writing_.size() - written_);
  stream_.async_write_some(rest, [self = shared_from_this()](error_code ec, size_t size) {
    if (self->closed_) return;
    if (ec) return self->fail(ec.message());
    self->moved_ = PeerClock::now();
    self->written_ += size;
    if (self->written_ == self->writing_.size()) self->writing_ = {};
    if (self->busy()) return self->write_some();
    if (self->finishing_) {
      error_code ignored;
      self->stream_.next_layer().shutdown(Socket::shutdown_send, ignored);
    } else {
      self->owner_->drained();
    }
  });
}

void Connection::finish() {
  if (closed_ || finishing_) return;
  finishing_ = true;
  error_code ignored;
  if (!busy()) stream_.next_layer().shutdown(Socket::shutdown_send, ignored);
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  owner_ = nullptr;
  error_code ignored;
  stream_.next_layer().close(ignored);
}

void Connection::fail(const std::string& why) {
  auto* owner = owner_;
  close();
  owner->lost(why);
}

Identity Connection::identify(const PeerTrust& trust, Time now) {
  return trust.identify(session(), side_ == Side::client, now);
}

}  // namespace muster::consensus
