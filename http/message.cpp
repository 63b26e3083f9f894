// Looking into a request, and the promise that every request is answered once.
#include "http/message.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "http/percent.hpp"

namespace muster::http {

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

std::string_view Request::param(std::string_view name) const {
  for (const auto& [key, value] : params)
    if (key == name) return value;
  return {};
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  std::string decoded;
  for (auto rest = query; !rest.empty();) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (!percent_decode(pair.substr(0, equals), true, decoded) || decoded != name) continue;
    if (!percent_decode(pair.substr(std::min(equals + 1, pair.size())), true, decoded)) continue;
    return decoded;
  }
  return std::nullopt;
}

struct Reply::State {
  State(Send s, std::string_view id) : send(std::move(s)), request_id(id) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (!answered.exchange(true))
      send(problem(Error{"internal", "the request was dropped without an answer"}, request_id));
  }

  Send send;
  std::string request_id;
  std::atomic<bool> answered{false};
};

Reply::Reply(Send send, std::string_view request_id)
  : state_(std::make_shared<State>(std::move(send), request_id)) {}

void Reply::operator()(Response response) const {
  if (state_ && !state_->answered.exchange(true)) state_->send(std::move(response));
}

bool Reply::answered() const {
  return !state_ || state_->answered;
}

std::string_view to_string(Method method) {
  constexpr std::array<std::string_view, 8> kNames = {"GET",   "HEAD",   "POST",    "PUT",
                                                      "PATCH", "DELETE", "OPTIONS", "OTHER"};
  return kNames.at(static_cast<size_t>(method));
}

Response json_response(std::string text, int status) {
  Response response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

}  // namespace muster::http
