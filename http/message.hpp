// What a route sees of HTTP: a request, a reply, a stream. No Asio, no Beast.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/time.hpp"

namespace muster::http {

enum class Method : uint8_t { get, head, post, put, patch, del, options, other };

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Bytes that many replies and streams may share without a copy.
using Bytes = std::shared_ptr<const std::string>;

/// Who calls, as authentication found out. `id` is "anonymous", "apikey", a token's name or a JWT's `sub`.
struct Principal {
  std::string id = "anonymous";
  std::vector<std::string> scopes;
  [[nodiscard]] bool anonymous() const { return id == "anonymous"; }
};

/// Valid while the handler runs; a handler that answers later copies what it needs.
struct Request {
  Method method = Method::get;
  std::string_view method_name;
  std::string_view path;   ///< Percent-decoded, without the query.
  std::string_view query;  ///< Raw, without '?'.
  std::string_view body;
  std::string_view remote;  ///< Peer's IP address.
  std::string_view id;      ///< The request id: X-Request-Id when it is acceptable, else made here.
  bool loopback = false;
  bool tls = false;
  bool inside = false;  ///< A member makes it, or hands it on: routes for members are there for it.
  Principal principal;

  /// The header's value, "" when absent; `name` in any letter case.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// A path parameter: {id} in the route's pattern. "" when there is none.
  [[nodiscard]] std::string_view param(std::string_view name) const;
  /// A decoded query parameter, nullopt when absent (the first one when repeated).
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;

  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::vector<std::pair<std::string_view, std::string_view>> params;
};

/// A reply without an end of its own (SSE, NDJSON). The server pulls; a stream never blocks and never
/// buffers.
class Stream {
public:
  enum class State : uint8_t { more, idle, ended };
  virtual ~Stream() = default;

  /// Appends up to about `limit` bytes as shared pieces. `idle`: nothing now, ask again after a wake or at
  /// wake_at(). `ended`: what was appended is the last.
  virtual State pull(std::vector<Bytes>& into, size_t limit) = 0;

  /// When the server must pull again even if nobody woke it (a comment that keeps the stream alive).
  [[nodiscard]] virtual std::optional<std::chrono::steady_clock::time_point> wake_at() const {
    return std::nullopt;
  }

  /// The reader took nothing for the stall limit; the server writes this as the last bytes and closes.
  [[nodiscard]] virtual std::string farewell() { return {}; }
};

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  ///< Of static storage.
  std::string body;
  Bytes shared;  ///< When set, the body instead of `body`.
  Headers headers;
  std::unique_ptr<Stream> stream;  ///< When set, the body: chunked, exempt from write time-outs.
};

/// Answers one request, exactly once, from any thread. Dropped unanswered, it answers `internal`.
class Reply {
public:
  using Send = std::function<void(Response)>;
  Reply() = default;
  /// `request_id` is named in the problem that a dropped reply answers with.
  explicit Reply(Send send, std::string_view request_id = {});
  void operator()(Response response) const;
  [[nodiscard]] explicit operator bool() const { return state_ != nullptr; }
  [[nodiscard]] bool answered() const;

private:
  struct State;
  std::shared_ptr<State> state_;
};

using Handler = std::function<void(const Request&, const Reply&)>;

/// The problem document of `error` (RFC 7807, application/problem+json): type, title, status, detail, code,
/// retryable, outcome, request, errors[]. Retry-After is set where a retry may help.
[[nodiscard]] Response problem(const Error& error, std::string_view request_id);
/// A problem with what a contract tells beside it.
[[nodiscard]] Response with(Response response, const Json& members);

/// "GET", "HEAD", ...; "OTHER" for a method that no route can have.
[[nodiscard]] std::string_view to_string(Method method);

/// A JSON body. `text` is JSON already.
[[nodiscard]] Response json_response(std::string text, int status = 200);

}  // namespace muster::http
