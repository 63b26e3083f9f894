// Outgoing HTTP: one request at a time over kept connections, whole replies or streams.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;  ///< http or https; redirects are not followed.
  HttpHeaders headers{};
  std::string body{};
  Millis connect_timeout{3'000};
  Millis total_timeout{30'000};  ///< 0: none, for streams.
  std::string ca_file{};         ///< PEM; empty: the system's.
  bool insecure = false;         ///< Takes any certificate.
  size_t max_bytes = 64 * 1024 * 1024;
};

struct HttpReply {
  int status = 0;
  HttpHeaders headers;   ///< Names in lower case.
  std::string body;      ///< Of a stream: only when the status is not 2xx.
  bool stopped = false;  ///< The stream was ended by a callback or by cancel().

  /// The first header of that name (in lower case), or "".
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// How long Retry-After says to wait, at most kMaxRetryAfter. A date counts from the reply's own, so that
  /// it does not matter whose clock is right; from `now` when it has none.
  [[nodiscard]] std::optional<std::chrono::seconds> retry_after(Time now = system_now()) const;
  static constexpr std::chrono::seconds kMaxRetryAfter = std::chrono::hours{1};
};

/// Connections are kept between calls. One thread at a time, except for cancel().
class HttpClient {
public:
  /// Takes the next piece of a stream; false ends it.
  using OnChunk = std::function<bool(std::string_view)>;
  /// Called at least once a second while a stream is open; false ends it.
  using OnTick = std::function<bool()>;

  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any status is a reply. Errors: `unreachable` (no connection, or a time-out), `tls.untrusted`,
  /// `reply.too.large`, `field.invalid` for a URL that is none.
  Result<HttpReply> fetch(const HttpRequest& request);

  /// Hands on a 2xx body as it comes; `max_bytes` bounds only other bodies.
  Result<HttpReply> stream(const HttpRequest& request, const OnChunk& on_chunk, const OnTick& on_tick = {});

  /// Ends the running call, and every later one, at once; from any thread.
  void cancel();

private:
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

}  // namespace muster
