// Bytes in and out of a non-blocking socket, in clear or through TLS.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <sys/uio.h>

#include "base/result.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace muster::http {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

/// TLS 1.2 and later, ALPN http/1.1. Error: `internal` with the file and OpenSSL's reason.
Result<TlsContext> tls_context(const std::string& certificate, const std::string& key);

/// What one call moved. Nothing moved and not `closed`: wait until the socket can do what `wants` says.
struct Transfer {
  enum class Wants : uint8_t { read, write };
  size_t bytes = 0;
  bool closed = false;  ///< The peer ended it, or it failed.
  Wants wants = Wants::read;
};

class Transport {
public:
  /// `context` null: in clear. The socket belongs to the caller and is non-blocking.
  Transport(int socket, const TlsContext& context);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  Transfer read(std::span<char> into);
  Transfer write(std::span<const iovec> parts);
  /// Says that nothing follows, and leaves the reading side open.
  void finish();

  [[nodiscard]] bool tls() const { return ssl_ != nullptr; }
  /// Decrypted bytes that no wait for the socket would report.
  [[nodiscard]] bool buffered() const;
  /// True in clear, and once the TLS handshake is through.
  [[nodiscard]] bool ready() const;

private:
  Transfer read_tls(std::span<char> into);
  Transfer write_tls(std::span<const iovec> parts);
  Transfer tls_failure(int result);

  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  int socket_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  bool broken_ = false;
};

}  // namespace muster::http
