// What a connection waits for, what happens when that takes too long, and how it ends.
#include "http/server_connection.hpp"

namespace muster::http {

void Connection::start() {
  phase_ = Phase::idle;
  settle();
}

void Connection::timed_out() {
  const Error slow{"request.timeout",
                   phase_ == Phase::body ? "the body came too slowly" : "the headers came too slowly"};
  if (phase_ == Phase::stalled) return drop_stalled();
  if ((phase_ != Phase::head && phase_ != Phase::body) || !transport_.ready()) return close();
  if (phase_ == Phase::head && in_.empty()) return close();
  Asked asked{"", "", "other", "", "anonymous", since, in_.size(), false, false, false, false};
  if (upload_ && !parse_head(upload_->head, core_.head)) asked = asked_of(core_.head, upload_->body.size());
  asked.began = since;
  fail(slow, asked);
  flush();
  settle();
}

Phase Connection::current() const {
  if (phase_ == Phase::closed) return Phase::closed;
  if (lingering_) return Phase::lingering;
  if (blocked_) return streams() ? Phase::stalled : Phase::writing;
  if (streams()) return phase_ == Phase::ready ? Phase::ready : Phase::streaming;
  if (exchange_) return Phase::handling;
  if (upload_) return Phase::body;
  return !in_.empty() || peer_.refused || !transport_.ready() ? Phase::head : Phase::idle;
}

void Connection::settle() {
  const auto phase = current();
  if (phase == Phase::closed) return;
  if (phase != phase_ || restart_ || !is_linked()) enter(phase);
  restart_ = false;
  const bool talks = phase != Phase::handling && phase != Phase::writing;
  // A peer that talks into its stream is not read on for ever.
  if (talks && (!streams() || in_.size() < core_.limits.max_header)) want_read();
}

void Connection::enter(Phase phase) {
  phase_ = phase;
  since = Clock::now();
  unlink();
  core_.list(phase).push_back(*this);
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  unlink();
  if (streams()) end_stream(false);
  output().clear();  // It is the server's: what is left in it would begin the next connection's reply.
  exchange_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);
  core_.forget(id_, peer_.refused);
}

}  // namespace muster::http
