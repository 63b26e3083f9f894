// Connecting, declaring and reading; what librabbitmq and brokers answer as errors of the port.
#include "adapters/amqp_session.hpp"

#include <algorithm>
#include <utility>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "adapters/amqp_parts.hpp"
#include "base/redact.hpp"

namespace muster {
namespace {

using amqp::bytes;
using amqp::text;

constexpr int kMaxFrame = 131'072;
constexpr size_t kMaxSaid = 300;  // Bytes of a broker's sentence that are kept.
constexpr Millis kGoodbye{500};   // How long a broker may take to agree to the end.

timeval timeval_of(Millis time) {
  return {static_cast<time_t>(time.count() / 1000), static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

/// Whether what OpenSSL complained of last is the certificate.
bool untrusted() {
  const auto error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED;
}

}  // namespace

AmqpSession::AmqpSession(const AmqpOptions& options) : options_(options), state_(amqp_new_connection()) {}

AmqpSession::~AmqpSession() {
  if (!ended_) {
    const auto within = timeval_of(kGoodbye);
    amqp_set_rpc_timeout(state_, &within);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  }
  amqp_destroy_connection(state_);
}

Result<std::unique_ptr<AmqpSession>> AmqpSession::open(const AmqpOptions& options) {
  std::unique_ptr<AmqpSession> session(new AmqpSession(options));
  const auto until = Clock::now() + options.handshake;
  Status status = session->connect();
  if (status) status = session->log_in(until);
  for (const int channel : {amqp::kPublishing, amqp::kAsking}) {
    if (status) session->answer_by(until);
    if (status) status = session->open_channel(channel);
  }
  if (status) session->answer_by(until);
  if (status) status = session->ask_for_confirms();
  if (!status) return status.error();
  session->answer_by(Clock::now() + options.answer);
  return session;
}

void AmqpSession::answer_by(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<Millis>(until - Clock::now());
  const auto within = timeval_of(std::max(left, Millis{1}));
  amqp_set_rpc_timeout(state_, &within);
}

Status AmqpSession::connect() {
  const auto& url = options_.url;
  amqp_socket_t* socket = url.tls ? amqp_ssl_socket_new(state_) : amqp_tcp_socket_new(state_);
  if (socket == nullptr) return fail(AMQP_STATUS_NO_MEMORY);
  if (url.tls) {
    ERR_clear_error();
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    auto* context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
    const bool loaded = options_.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context) == 1
                          : amqp_ssl_socket_set_cacert(socket, options_.ca_file.c_str()) == AMQP_STATUS_OK;
    if (!loaded) return end("tls.untrusted", "the authorities in " + options_.ca_file + " cannot be read");
  }
  const auto within = timeval_of(options_.connect);
  const int status = amqp_socket_open_noblock(socket, url.host.c_str(), url.port, &within);
  if (status != AMQP_STATUS_OK) return fail(status);
  // A broker that takes nothing any more ends a write, too: librabbitmq's own waits for ever.
  const int fd = amqp_get_sockfd(state_);
  const auto patience = static_cast<unsigned>(options_.answer.count());
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
  return Done{};
}

Status AmqpSession::log_in(Clock::time_point until) {
  const auto& url = options_.url;
  const auto left = std::chrono::duration_cast<Millis>(until - Clock::now());
  const auto within = timeval_of(std::max(left, Millis{1}));
  amqp_set_handshake_timeout(state_, &within);
  const auto reply = amqp_login(state_, url.vhost.c_str(), 0, kMaxFrame, options_.heartbeat_s,
                                AMQP_SASL_METHOD_PLAIN, url.user.c_str(), url.password.c_str());
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return Done{};
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
    return fail_closed(reply.reply.decoded);
  return fail(reply.library_error);
}

Status AmqpSession::open_channel(int channel) {
  amqp_channel_open(state_, static_cast<amqp_channel_t>(channel));
  const auto opened = answer(channel);
  if (!opened) return opened.error();
  if (opened->code != 0) return fail_reply("no channel can be opened: " + opened->text);
  return Done{};
}

Status AmqpSession::ask_for_confirms() {
  amqp_confirm_select(state_, amqp::kPublishing);
  next_tag_ = 1;
  const auto selected = answer(amqp::kPublishing);
  if (!selected) return selected.error();
  if (selected->code != 0) return fail_reply("it confirms nothing: " + selected->text);
  return Done{};
}

std::string AmqpSession::said(std::string_view words) const {
  auto out = redacted(std::string(words), options_.url.password).substr(0, kMaxSaid);
  for (auto& c : out)
    if (c < 0x20 || c >= 0x7f) c = '?';
  return out;
}

Error AmqpSession::end(std::string_view code, std::string_view why) {
  ended_ = Error{std::string(code), options_.url.shown() + ": " + std::string(why)};
  return *ended_;
}

Error AmqpSession::fail(int status) {
  switch (status) {
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
      return end("tls.untrusted", "the certificate names another host");
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
      return end("tls.untrusted", "the certificate is not trusted");
    case AMQP_STATUS_SSL_CONNECTION_FAILED:
      if (untrusted()) return end("tls.untrusted", "the certificate is not trusted");
      break;
    case AMQP_STATUS_BAD_AMQP_DATA:
    case AMQP_STATUS_UNKNOWN_CLASS:
    case AMQP_STATUS_UNKNOWN_METHOD:
    case AMQP_STATUS_WRONG_METHOD:
    case AMQP_STATUS_UNEXPECTED_STATE:
    case AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION:
    case AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD:
      return fail_reply(amqp_error_string2(status));
    default:
      break;
  }
  return end("unreachable", amqp_error_string2(status));
}

Error AmqpSession::fail_reply(std::string_view why) {
  return end("backend.reply", why);
}

Error AmqpSession::fail_closed(void* close) {
  const auto& method = *static_cast<const amqp_connection_close_t*>(close);
  const auto words = said(text(method.reply_text));
  switch (method.reply_code) {
    case AMQP_ACCESS_REFUSED:
    case AMQP_NOT_ALLOWED:
      return end("backend.refused", words);
    case AMQP_CONNECTION_FORCED:
    case AMQP_RESOURCE_ERROR:
    case AMQP_INTERNAL_ERROR:
      return end("unreachable", words);
    default:
      return fail_reply(words);
  }
}

Result<AmqpRefusal> AmqpSession::closed(int channel, void* close) {
  const auto& method = *static_cast<const amqp_channel_close_t*>(close);
  AmqpRefusal refusal{method.reply_code, said(text(method.reply_text))};
  if (refusal.code == 0) refusal.code = AMQP_INTERNAL_ERROR;  // It is none for all that.
  amqp_channel_close_ok_t ok{};
  const int status =
    amqp_send_method(state_, static_cast<amqp_channel_t>(channel), AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  if (status != AMQP_STATUS_OK) return fail(status);
  amqp_channel_open(state_, static_cast<amqp_channel_t>(channel));
  const auto opened = amqp_get_rpc_reply(state_);
  if (opened.reply_type != AMQP_RESPONSE_NORMAL)
    return opened.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
             ? fail(opened.library_error)
             : fail_reply("no channel can be opened again");
  return refusal;
}

Result<AmqpRefusal> AmqpSession::answer(int channel) {
  const auto reply = amqp_get_rpc_reply(state_);
  return answer_of(channel, &reply);
}

Result<AmqpRefusal> AmqpSession::answer_of(int channel, const void* raw) {
  const auto& reply = *static_cast<const amqp_rpc_reply_t*>(raw);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    amqp_maybe_release_buffers(state_);
    return AmqpRefusal{};
  }
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) return fail(reply.library_error);
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
    if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) return closed(channel, reply.reply.decoded);
    if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) return fail_closed(reply.reply.decoded);
  }
  return fail_reply("it answered something else than it was asked");
}

void AmqpSession::pulse() {
  amqp_frame_t frame;
  const timeval now{};
  const int status = amqp_simple_wait_frame_noblock(state_, &frame, &now);
  if (status == AMQP_STATUS_TIMEOUT) return;
  // Between two calls a broker says nothing but that it closes.
  if (status != AMQP_STATUS_OK)
    (void)fail(status);
  else if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD)
    (void)fail_closed(frame.payload.method.decoded);
  else
    (void)fail_reply("it spoke without being asked");
}

Result<AmqpRefusal> AmqpSession::look_for_exchange(const std::string& name) {
  amqp_exchange_declare(state_, amqp::kAsking, bytes(name), bytes("direct"), 1, 1, 0, 0, amqp_empty_table);
  return answer(amqp::kAsking);
}

Result<AmqpRefusal> AmqpSession::look_for_queue(const std::string& name, uint64_t& messages) {
  const auto* ok = amqp_queue_declare(state_, amqp::kAsking, bytes(name), 1, 1, 0, 0, amqp_empty_table);
  if (ok != nullptr) messages = ok->message_count;
  return answer(amqp::kAsking);
}

Result<AmqpRefusal> AmqpSession::declare(const profile::Exchange& exchange) {
  amqp_exchange_declare(state_, amqp::kAsking, bytes(exchange.name), bytes(exchange.type), 0, 1, 0, 0,
                        amqp_empty_table);
  return answer(amqp::kAsking);
}

Result<AmqpRefusal> AmqpSession::declare(const profile::Queue& queue) {
  amqp_table_entry_t arguments[2];
  amqp_table_t table{0, arguments};
  if (queue.ttl > 0) {
    auto& ttl = arguments[table.num_entries++];
    ttl.key = bytes("x-message-ttl");
    ttl.value.kind = AMQP_FIELD_KIND_I64;
    ttl.value.value.i64 = queue.ttl * 1000;
  }
  if (!queue.dlx.empty()) {
    auto& dlx = arguments[table.num_entries++];
    dlx.key = bytes("x-dead-letter-exchange");
    dlx.value.kind = AMQP_FIELD_KIND_UTF8;
    dlx.value.value.bytes = bytes(queue.dlx);
  }
  amqp_queue_declare(state_, amqp::kAsking, bytes(queue.name), 0, 1, 0, 0, table);
  return answer(amqp::kAsking);
}

Result<AmqpRefusal> AmqpSession::bind(const profile::Binding& binding) {
  amqp_queue_bind(state_, amqp::kAsking, bytes(binding.queue), bytes(binding.exchange), bytes(binding.key),
                  amqp_empty_table);
  return answer(amqp::kAsking);
}

Result<AmqpRefusal> AmqpSession::unbind(const profile::Binding& binding) {
  amqp_queue_unbind(state_, amqp::kAsking, bytes(binding.queue), bytes(binding.exchange), bytes(binding.key),
                    amqp_empty_table);
  return answer(amqp::kAsking);
}

}  // namespace muster
