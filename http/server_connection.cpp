// The reading half of a connection: bytes to requests, requests to the application.
#include "http/server_connection.hpp"

#include <algorithm>
#include <cstring>
#include <exception>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "http/percent.hpp"

namespace muster::http {
namespace {

constexpr size_t kBatchBytes = 256 << 10;  ///< Pipelined replies gathered before they are written.
constexpr size_t kBatchParts = 64;

bool acceptable_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Error too_large(const char* code, const char* what, size_t limit) {
  return Error{code, std::string(what) + " may have " + std::to_string(limit) + " bytes"};
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): of first_ only what was read is looked at.
Connection::Connection(Core& core, Socket socket, ConnectionId id, Peer peer)
  : core_(core),
    socket_(std::move(socket)),
    transport_(socket_.native_handle(), core.tls),
    id_(id),
    peer_(std::move(peer)) {}

void Connection::want_read() {
  if (reading_ || phase_ == Phase::closed) return;
  reading_ = true;
  auto self = shared_from_this();
  if (!transport_.tls())
    socket_.async_read_some(boost::asio::buffer(first_),
                            [self](boost::system::error_code ec, size_t n) { self->on_read(ec, n); });
  else if (transport_.buffered())
    boost::asio::post(core_.io, [self] { self->on_read({}, 0); });
  else
    socket_.async_wait(Socket::wait_read, [self](boost::system::error_code ec) { self->on_read(ec, 0); });
}

void Connection::on_read(boost::system::error_code ec, size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  if (ec) return close();
  if (transport_.tls()) return read_tls();
  if (bytes < first_.size()) return received({first_.data(), bytes});
  std::memcpy(core_.scratch.data(), first_.data(), bytes);
  bytes += transport_.read(std::span(core_.scratch).subspan(bytes)).bytes;
  received({core_.scratch.data(), bytes});
}

void Connection::read_tls() {
  const auto got = transport_.read(core_.scratch);
  if (got.closed) return close();
  if (got.bytes > 0) return received({core_.scratch.data(), got.bytes});
  if (got.wants == Transfer::Wants::read) return settle();
  reading_ = true;
  socket_.async_wait(Socket::wait_write,
                     [self = shared_from_this()](boost::system::error_code ec) { self->on_read(ec, 0); });
}

void Connection::received(std::string_view data) {
  if (lingering_) return want_read();
  if (can_parse() && in_.empty()) return process(data, false);
  in_ += data;
  if (can_parse()) return process(in_, true);
  settle();
}

bool Connection::can_parse() const {
  return !exchange_ && !blocked_ && !close_after_ && phase_ != Phase::closed;
}

/// Takes whole requests off `data`; `own`: `data` is in_. Requests whose answers are at hand are answered in
/// one write.
void Connection::process(std::string_view data, bool own) {
  for (bool full = true; full;) {
    full = false;
    size_t used = 0;
    while (used < data.size() && can_parse() && !full) {
      const auto taken = parse_one(data.substr(used));
      if (taken == 0) break;
      used += taken;
      full = output().size() > kBatchBytes || output().parts() > kBatchParts;
    }
    if (own)
      in_.erase(0, used);
    else
      in_ = data.substr(used);
    if (in_.empty()) std::string().swap(in_);
    flush();
    data = in_;
    own = true;
    full = full && !in_.empty() && can_parse();
  }
  settle();
}

/// How much of `data` was used up; 0: more is needed.
size_t Connection::parse_one(std::string_view data) {
  if (upload_) return go_on_uploading(data);
  if (data.starts_with("\r\n")) return 2;  // RFC 9112 2.2: an empty line before a request is ignored.
  if (data == "\r") return 0;
  const auto end = head_end(data, scanned_);
  const auto size = std::min(end, data.size());
  scanned_ = 0;
  const Asked unknown{"", "", "other", "", "anonymous", Clock::now(), size, false, false, false, false};
  if (peer_.refused) {
    fail(Error{"connections.exhausted",
               "the node holds " + std::to_string(core_.limits.max_connections) + " connections"},
         unknown);
  } else if (size > core_.limits.max_header) {
    fail(too_large("header.too.large", "request line and headers", core_.limits.max_header), unknown);
  } else if (end == std::string_view::npos) {
    if (!hopeless_head(data)) {
      scanned_ = data.size();
      return 0;
    }
    fail(Error{"bad.request", "this is not an HTTP/1.1 request"}, unknown);
  } else if (const auto error = parse_head(data.substr(0, end), core_.head)) {
    fail(*error, unknown);
  } else {
    return begin_request(data, end);
  }
  return data.size();
}

size_t Connection::begin_request(std::string_view data, size_t head_size) {
  const auto& head = core_.head;
  restart_ = true;
  if (head.content_length > core_.limits.max_body) {
    fail(too_large("body.too.large", "a body", core_.limits.max_body), asked_of(head, head_size));
    return data.size();
  }
  if (!head.chunked && head.content_length <= data.size() - head_size) {
    dispatch(data.substr(head_size, head.content_length), head_size + head.content_length);
    return head_size + head.content_length;
  }
  upload_ = std::make_unique<Upload>(Upload{std::string(data.substr(0, head_size)),
                                            {},
                                            head.content_length,
                                            head.chunked,
                                            ChunkedBody(core_.limits.max_body)});
  if (head.expects_continue && !head.http10 && data.size() == head_size)
    output().text("HTTP/1.1 100 Continue\r\n\r\n");
  return head_size;
}

size_t Connection::go_on_uploading(std::string_view data) {
  auto rest = data;
  auto state = ChunkedBody::State::more;
  if (upload_->is_chunked) {
    state = upload_->chunked.feed(rest, upload_->body);
  } else {
    const auto part = rest.substr(0, upload_->length - upload_->body.size());
    upload_->body += part;
    rest.remove_prefix(part.size());
    if (upload_->body.size() == upload_->length) state = ChunkedBody::State::done;
  }
  if (state == ChunkedBody::State::more) return data.size();
  const auto upload = std::move(upload_);
  const auto size = upload->head.size() + upload->body.size();
  if (parse_head(upload->head, core_.head)) return data.size();  // It was read before.
  if (state == ChunkedBody::State::done)
    dispatch(upload->body, size);
  else if (state == ChunkedBody::State::too_large)
    fail(too_large("body.too.large", "a body", core_.limits.max_body), asked_of(core_.head, size));
  else
    fail(Error{"bad.request", "the chunked body cannot be read"}, asked_of(core_.head, size));
  return close_after_ ? data.size() : data.size() - rest.size();
}

Connection::Asked Connection::asked_of(const Head& head, size_t bytes_in) {
  std::string_view wanted, encoding;
  for (const auto& [name, value] : head.headers) {
    if (equals_ignoring_case(name, "X-Request-Id")) wanted = value;
    if (equals_ignoring_case(name, "Accept-Encoding")) encoding = value;
  }
  core_.request_id = acceptable_id(wanted) ? std::string(wanted) : core_.make_id();
  return {head.method_name,
          head.path,
          "other",
          core_.request_id,
          "anonymous",
          Clock::now(),
          bytes_in,
          head.method == Method::head,
          head.http10,
          head.keep_alive,
          !encoding.empty() && accepts_gzip(encoding)};
}

void Connection::dispatch(std::string_view body, size_t bytes_in) {
  auto& head = core_.head;
  auto& request = core_.request;
  auto asked = asked_of(head, bytes_in);
  restart_ = true;
  request.method = head.method;
  request.method_name = head.method_name;
  request.path = head.path;
  request.query = head.query;
  request.body = body;
  request.remote = peer_.address;
  request.loopback = peer_.loopback;
  request.tls = transport_.tls();
  request.id = core_.request_id;
  request.principal = Principal{};
  request.params.clear();
  request.headers.swap(head.headers);
  core_.inbox->handling(id_);
  {
    const Reply reply([inbox = core_.inbox, id = id_](Response r) { inbox->deliver(id, std::move(r)); },
                      core_.request_id);
    try {
      core_.application.handle(request, reply, asked.route);
    } catch (const std::exception&) {
      reply(problem(Error{"internal", "the handler failed"}, core_.request_id));
    }
  }
  asked.actor = request.principal.id;
  if (auto response = core_.inbox->answered_at_once())
    respond(asked, std::move(*response));
  else
    exchange_ = std::make_unique<Exchange>(asked);
}

/// The connection cannot be read on after this: where the next request begins is unknown.
void Connection::fail(const Error& error, const Asked& asked) {
  auto known = asked;
  if (known.id.empty()) {
    core_.request_id = core_.make_id();
    known.id = core_.request_id;
  }
  known.keep_alive = false;
  unread_ = true;
  respond(known, problem(error, known.id));
  upload_.reset();  // `asked` views its head.
}

}  // namespace muster::http
