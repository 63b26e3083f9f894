// Requests on their way to the member that leads, and replies on their way back, as bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace muster::http {

/// A line of JSON that says what was asked and by whom, then the body. The member that took the request has
/// authenticated its caller; the one that leads believes it.
[[nodiscard]] std::string encode_request(const Request& request);

/// A request that was handed on; `request` points into it.
struct ForwardedRequest {
  std::string bytes, method, path, query, id, remote;
  std::vector<std::pair<std::string, std::string>> headers;
  Request request;
};
/// Error: `bad.request`.
Result<std::unique_ptr<ForwardedRequest>> decode_request(std::string bytes);

/// A stream is not handed on: Error `log.elsewhere` stands for it.
[[nodiscard]] std::string encode_response(Response response);
/// Error: `bad.request`.
Result<Response> decode_response(std::string_view bytes);

}  // namespace muster::http
