// Calls to a Weaviate server: time limits, credentials, and what its answers mean, whichever of its shapes
// they have.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http_client.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace muster {

struct WeaviateSettings {
  std::string url;        ///< What comes before /v1, without credentials: http://host:8080
  std::string api_key{};  ///< Sent as a bearer token; empty: none.
  std::string ca_file{};  ///< PEM; empty: the system's.
  Millis connect_timeout{3'000};
  Millis call_timeout{10'000};   ///< Of a call of the port, with all its requests.
  SteadyNow clock = steady_now;  ///< That it is measured by.
};

class WeaviateHttp {
public:
  explicit WeaviateHttp(WeaviateSettings settings);

  struct Request {
    std::string method = "GET";
    std::string path{};  ///< Behind /v1.
    Json body{};         ///< Null: none.
    std::string key{};   ///< Idempotency key; empty: none.
  };
  struct Answer {
    int status = 0;
    Json body{};          ///< Of a 200; null otherwise.
    std::string words{};  ///< What the server said, of any other status; never a credential.
  };

  /// A call of the port begins.
  void begin();
  /// An answer of status 200, or of one of these. Before the first, and after one that failed, the server is
  /// asked whether it is ready. Errors: as VectorIndex; a 503 is `unreachable`, and `backend.throttled` when
  /// it says for how long; any other 5xx is `backend.failed`.
  Result<Answer> ask(const Request& request, const std::vector<int>& expected);
  /// Error: `unreachable` while it is not.
  Status ready();
  [[nodiscard]] Millis retry_after() const { return retry_after_; }
  /// One short line of UTF-8 of what a server or proxy said, without the API key, which it may repeat.
  [[nodiscard]] std::string clean(std::string_view said) const;
  /// Ends the running call, and every later one, at once; from any thread.
  void cancel() { client_.cancel(); }

private:
  Result<HttpReply> send(const Request& request);
  Error refusal(const Request& request, const HttpReply& reply);
  [[nodiscard]] std::string words_of(const HttpReply& reply) const;
  void log_version();

  WeaviateSettings settings_;
  HttpClient client_;
  bool ready_ = false;
  bool version_asked_ = false;
  SteadyTime deadline_{};
  Millis retry_after_{0};
};

/// Error: `field.invalid` when the URL is none or has more in it than it may, or when the key cannot be sent.
Status check(const WeaviateSettings& settings);

}  // namespace muster
