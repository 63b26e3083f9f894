// recv and sendmsg, or OpenSSL on the same socket.
#include "http/server_transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace muster::http {
namespace {

constexpr size_t kRecord = 16 << 10;  ///< The largest TLS record.

Error tls_error(const std::string& file) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return Error{"internal", "cannot use " + file + " for TLS: " + text.data()};
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                    unsigned int in_size, void*) {
  constexpr std::string_view kOurs = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const auto* wanted = reinterpret_cast<const unsigned char*>(kOurs.data());
  const auto result =
    SSL_select_next_proto(&chosen, size, wanted, static_cast<unsigned>(kOurs.size()), in, in_size);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Transfer moved(ssize_t result, Transfer::Wants wants) {
  if (result > 0) return {static_cast<size_t>(result), false, wants};
  if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return {0, false, wants};
  return {0, true, wants};
}

}  // namespace

Result<TlsContext> tls_context(const std::string& certificate, const std::string& key) {
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return tls_error("OpenSSL");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1)
    return tls_error(certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) return tls_error(key);
  if (SSL_CTX_check_private_key(context.get()) != 1) return tls_error(key);
  return context;
}

void Transport::FreeSsl::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

Transport::Transport(int socket, const TlsContext& context) : socket_(socket) {
  if (!context) return;
  ssl_.reset(SSL_new(context.get()));
  broken_ = !ssl_ || SSL_set_fd(ssl_.get(), socket) != 1;
  if (!broken_) SSL_set_accept_state(ssl_.get());
}

Transport::~Transport() = default;

Transfer Transport::read(std::span<char> into) {
  if (ssl_) return read_tls(into);
  return moved(::recv(socket_, into.data(), into.size(), 0), Transfer::Wants::read);
}

Transfer Transport::write(std::span<const iovec> parts) {
  if (ssl_) return write_tls(parts);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return moved(::sendmsg(socket_, &message, MSG_NOSIGNAL), Transfer::Wants::write);
}

Transfer Transport::tls_failure(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {0, false, Transfer::Wants::read};
    case SSL_ERROR_WANT_WRITE:
      return {0, false, Transfer::Wants::write};
    case SSL_ERROR_ZERO_RETURN:
      return {0, true, Transfer::Wants::read};
    default:
      broken_ = true;
      return {0, true, Transfer::Wants::read};
  }
}

Transfer Transport::read_tls(std::span<char> into) {
  if (broken_) return {0, true, Transfer::Wants::read};
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
  return result > 0 ? Transfer{static_cast<size_t>(result), false, Transfer::Wants::read}
                    : tls_failure(result);
}

/// One record a call: small parts are joined, because each record costs a header and a tag.
Transfer Transport::write_tls(std::span<const iovec> parts) {
  if (broken_) return {0, true, Transfer::Wants::write};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): 16 KiB, filled as far as they are sent.
  std::array<char, kRecord> record;
  size_t size = 0;
  for (const auto& part : parts) {
    const auto n = std::min(part.iov_len, record.size() - size);
    std::memcpy(record.data() + size, part.iov_base, n);
    size += n;
    if (n < part.iov_len) break;
  }
  ERR_clear_error();
  const int result = SSL_write(ssl_.get(), record.data(), static_cast<int>(size));
  return result > 0 ? Transfer{static_cast<size_t>(result), false, Transfer::Wants::write}
                    : tls_failure(result);
}

void Transport::finish() {
  if (ssl_ && !broken_ && ready()) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(socket_, SHUT_WR);
}

bool Transport::buffered() const {
  return ssl_ && !broken_ && SSL_pending(ssl_.get()) > 0;
}

bool Transport::ready() const {
  return !ssl_ || SSL_is_init_finished(ssl_.get()) == 1;
}

}  // namespace muster::http
