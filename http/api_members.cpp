// What members of one cluster ask of each other's edge, and what a node asks of its own.
#include "http/api.hpp"
#include "http/forward.hpp"

namespace muster::http {
namespace {

/// Passes another member's reply on.
std::function<void(const Result<std::string>&)> answering(const Reply& reply, const Request& request) {
  return [reply, id = std::string(request.id)](const Result<std::string>& answer) {
    if (!answer) return reply(problem(answer.error(), id));
    auto response = decode_response(*answer);
    if (!response) return reply(problem(response.error(), id));
    reply(std::move(*response));
  };
}

}  // namespace

/// Whether it is for the member that leads to answer.
bool Api::elsewhere(const Route& route, const Request& request) const {
  if (route.local || !options_.peering || system_.gauges().leading) return false;
  const bool command = request.method != Method::get && request.method != Method::head;
  return command ? options_.peering->leader_elsewhere() : without_log();
}

/// Whether all that this member could show is with others.
bool Api::without_log() const {
  return options_.peering && !system_.gauges().leading && options_.peering->without_log();
}

/// To the member that leads: it answers as if it had been asked.
void Api::hand_on(const Request& request, const Reply& reply) {
  options_.peering->ask_leader(encode_request(request), answering(reply, request));
}

void Api::hand_to(const std::string& node, const Request& request, const Reply& reply) {
  if (!options_.peering || !options_.peering->members().contains(node))
    return reply(problem(
      {"unreachable", "node " + node + " is no member of this cluster that can be asked", {}}, request.id));
  options_.peering->ask_member(node, encode_request(request), answering(reply, request));
}

void Api::ask_inside(InsideRequest asked, std::function<void(Response)> answer) {
  if (!server_) return;
  auto held = std::make_shared<InsideRequest>(std::move(asked));
  server_->post([this, held, answer = std::move(answer)] {
    Request request;
    request.method = held->method;
    request.method_name = to_string(held->method);
    request.path = held->path;
    request.query = held->query;
    request.body = held->body;
    request.id = held->id;
    request.remote = "inside";
    request.inside = true;
    request.principal = held->principal ? *held->principal : authenticator_.own();
    for (const auto& [name, value] : held->headers) request.headers.emplace_back(name, value);
    std::string_view route;
    dispatch(request, Reply{[held, answer](Response response) { answer(std::move(response)); }, request.id},
             route);
  });
}

void Api::handle_forwarded(std::string request, std::function<void(std::string)> answer) {
  if (!server_) return;
  auto decoded = decode_request(std::move(request));
  if (!decoded) return answer(encode_response(problem(decoded.error(), {})));
  server_->post(
    [this, answer = std::move(answer), forwarded = std::shared_ptr<ForwardedRequest>(std::move(*decoded))] {
      const Reply reply{
        [answer, forwarded](Response response) { answer(encode_response(std::move(response))); },
        forwarded->id};
      auto& asked = forwarded->request;
      asked.inside = true;
      // It is not handed on a second time: who was asked leads, or says that it does not.
      const auto found = router_.find(asked.method, asked.path);
      if (!system_.gauges().leading && !(found.route && found.route->local))
        return reply(
          problem({"leader.starting", "the member that was asked does not lead", {}}, forwarded->id));
      if (asked.principal.anonymous()) {  // Whoever handed it on may not have been able to tell who asks.
        auto principal = authenticator_.authenticate(asked, *system_.views(), system_now());
        if (!principal) return reply(problem(principal.error(), forwarded->id));
        asked.principal = std::move(*principal);
      }
      std::string_view route;
      dispatch(asked, reply, route);
    });
}

}  // namespace muster::http
