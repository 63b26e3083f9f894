// The writing half of a connection: replies and streams to bytes, and what a slow peer does to them.
#include <algorithm>
#include <exception>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "http/percent.hpp"
#include "http/server_connection.hpp"

namespace muster::http {
namespace {

constexpr size_t kPull = 64 << 10;  ///< Of one stream, before others have their turn.
// What the kernel may hold for a stream: enough for a busy reader; the rest of what it allows is for the
// farewell of one that stalls.
constexpr int kStreamBuffer = 128 << 10;
constexpr int kFarewellBuffer = 208 << 10;

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

Connection::Exchange::Exchange(const Asked& views) : asked(views) {
  text.reserve(views.method.size() + views.path.size() + views.id.size() + views.actor.size());
  const auto keep = [&](std::string_view& part) {
    const auto from = text.size();
    text += part;
    part = std::string_view(text).substr(from);
  };
  keep(asked.method);
  keep(asked.path);
  keep(asked.id);
  keep(asked.actor);
}

void Connection::respond(const Asked& asked, Response response) {
  if (response.stream && !asked.head) {
    if (!exchange_) exchange_ = std::make_unique<Exchange>(asked);
    return respond_stream(std::move(response));
  }
  compress(asked, response);
  auto& out = output();
  const auto before = out.size();
  const bool none = bodiless(response.status);
  HeadStyle style{core_.date, asked.id, asked.http10, asked.keep_alive && !core_.stopping};
  style.has_length = !none && !response.stream;
  style.chunked = response.stream && !asked.http10;
  style.length = response.shared ? response.shared->size() : response.body.size();
  write_head(out, response, style);
  if (!asked.head && !none) {
    if (response.shared)
      out.shared(std::move(response.shared));
    else
      out.body(std::move(response.body));
  }
  if (!style.keep_alive) close_after_ = true;
  report(asked, response.status, out.size() - before);
}

void Connection::compress(const Asked& asked, Response& response) const {
  if (!Gzip::worth(response, response.shared ? response.shared->size() : response.body.size())) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!asked.gzip) return;
  if (!response.shared) response.shared = std::make_shared<const std::string>(std::move(response.body));
  auto compressed = core_.gzip.compress(response.shared);
  if (!compressed) return;
  response.shared = std::move(compressed);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

void Connection::respond_stream(Response response) {
  auto& exchange = *exchange_;
  HeadStyle style{core_.date, exchange.asked.id, exchange.asked.http10};
  style.keep_alive = exchange.asked.keep_alive && !exchange.asked.http10 && !core_.stopping;
  style.has_length = false;
  style.chunked = !exchange.asked.http10;
  exchange.asked.keep_alive = style.keep_alive;
  write_head(output(), response, style);
  exchange.stream = std::move(response.stream);
  exchange.status = response.status;
  core_.stats.streams++;
  const auto stall_ms = static_cast<int>(core_.limits.stall_timeout.count());
  set_option(socket_.native_handle(), SOL_SOCKET, SO_SNDBUF, kStreamBuffer);
  // A peer that vanished is noticed even when the stream has little to say.
  set_option(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, std::max(2 * stall_ms, 60'000));
  if (core_.stopping) return end_stream(true);
  make_ready();
}

void Connection::make_ready() {
  enter(Phase::ready);
  core_.schedule_pump();
}

void Connection::append_chunk(const std::vector<Bytes>& pieces, size_t size) {
  if (size == 0) return;
  auto& out = output();
  const bool chunked = !exchange_->asked.http10;
  if (chunked) {
    out.number(size, 16);
    out.text("\r\n");
  }
  for (const auto& piece : pieces) out.shared(piece);
  if (chunked) out.text("\r\n");
  exchange_->bytes_out += size;
}

void Connection::pump() {
  if (!streams() || blocked_) return;
  auto& pieces = core_.pieces;
  auto state = Stream::State::ended;
  try {
    state = exchange_->stream->pull(pieces, kPull);
  } catch (const std::exception&) {
    pieces.clear();
    return close();  // Without an end, so that the reader knows that something is missing.
  }
  size_t size = 0;
  for (const auto& piece : pieces) size += piece ? piece->size() : 0;
  append_chunk(pieces, size);
  pieces.clear();
  if (state == Stream::State::ended)
    end_stream(false);
  else
    enter(state == Stream::State::more && size > 0 ? Phase::ready : Phase::streaming);
  flush();
  if (!streams() && can_parse() && !in_.empty()) return process(in_, true);
  settle();
}

/// Closes the books on the stream; its last bytes are in the output.
void Connection::end_stream(bool farewell) {
  if (farewell) {
    const auto last = std::make_shared<const std::string>(exchange_->stream->farewell());
    append_chunk({last}, last->size());
  }
  if (!exchange_->asked.http10) output().text("0\r\n\r\n");
  if (!exchange_->asked.keep_alive || core_.stopping) close_after_ = true;
  report(exchange_->asked, exchange_->status, exchange_->bytes_out);
  core_.stats.streams--;  // Before the stream goes: who sees that it is gone sees that it is not counted.
  exchange_.reset();
  restart_ = true;
}

void Connection::answer(Response response) {
  if (!exchange_ || exchange_->stream) return;
  if (response.stream) {
    respond(exchange_->asked, std::move(response));
  } else {
    const auto exchange = std::move(exchange_);
    restart_ = true;
    respond(exchange->asked, std::move(response));
  }
  if (can_parse() && !in_.empty()) return process(in_, true);
  flush();
  settle();
}

/// Sends what it can. What the peer does not take stays in blocked_, and goes on when the socket is writable.
void Connection::flush() {
  if (waiting_write_ || phase_ == Phase::closed) return;
  auto& out = output();
  while (!out.empty()) {
    const auto moved = transport_.write(out.gather(core_.parts));
    if (moved.closed) {
      out.clear();
      return close();
    }
    if (moved.bytes == 0) {
      if (!blocked_) blocked_ = std::exchange(core_.output, std::make_unique<Output>());
      return wait_write(moved.wants);
    }
    out.sent(moved.bytes);
    if (blocked_) restart_ = true;  // The peer takes something: its time begins anew.
  }
  out.clear();
  blocked_.reset();
  if (close_after_ && !exchange_) finish();
}

void Connection::wait_write(Transfer::Wants wants) {
  waiting_write_ = true;
  const auto kind = wants == Transfer::Wants::write ? Socket::wait_write : Socket::wait_read;
  socket_.async_wait(kind, [self = shared_from_this()](boost::system::error_code ec) {
    self->waiting_write_ = false;
    if (self->phase_ == Phase::closed) return;
    if (ec) return self->close();
    self->on_writable();
  });
}

void Connection::on_writable() {
  flush();
  if (blocked_ || phase_ == Phase::closed) return settle();
  if (streams()) make_ready();
  if (can_parse() && !in_.empty()) return process(in_, true);
  settle();
}

/// What the kernel still takes of the backlog and the farewell reaches a reader that wakes up later.
void Connection::drop_stalled() {
  set_option(socket_.native_handle(), SOL_SOCKET, SO_SNDBUF, kFarewellBuffer);
  end_stream(true);
  core_.stats.dropped_streams++;  // After it: a dropped stream is not counted as a live one, too.
  while (!output().empty()) {
    const auto moved = transport_.write(output().gather(core_.parts));
    if (moved.bytes == 0) break;
    output().sent(moved.bytes);
  }
  transport_.finish();
  close();
}

/// All is written and nothing follows.
void Connection::finish() {
  if (lingering_) return;
  transport_.finish();
  if (!unread_ && in_.empty()) return close();
  std::string().swap(in_);
  lingering_ = true;
}

void Connection::drain() {
  if (phase_ == Phase::lingering || phase_ == Phase::closed) return close();
  if (streams()) {
    end_stream(true);
    flush();
    return settle();
  }
  char byte = 0;
  const bool asks = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  if (phase_ == Phase::idle && !asks && Clock::now() - since > core_.limits.last_request) close();
}

bool Connection::wake_due(Clock::time_point now) const {
  if (!streams()) return false;
  const auto at = exchange_->stream->wake_at();
  return at && *at <= now;
}

void Connection::report(const Asked& asked, int status, size_t bytes_out) {
  core_.stats.requests++;
  core_.application.finished(
    {asked.method, asked.path, asked.route, asked.id, asked.actor, status,
     std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - asked.began), asked.bytes_in,
     bytes_out});
}

}  // namespace muster::http
