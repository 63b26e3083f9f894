// What a node tells its control plane of its services and its environment.
#include <spdlog/spdlog.h>

#include "app/cli/client.hpp"
#include "app/node/node_session.hpp"
#include "domain/service_facts.hpp"

namespace muster::app {
namespace {

/// For what it says or how long it is: it would be again.
bool is_refused(int status) {
  return status == 400 || status == 413;
}

uint64_t taken_to(const HttpReply& reply) {
  const auto answer = parse_json(reply.body);
  if (!answer || !answer->is_object()) return 0;
  const auto found = answer->find("taken_to");
  return found != answer->end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

}  // namespace

/// Reports do not wait for facts that are refused: not every control plane takes both.
int NodeSession::tell() {
  const int facts = tell_facts();
  if (facts == 0 || facts == kUnavailable) return facts;
  const int reports = tell_reports();
  return facts == 200 ? reports : facts;
}

/// What is refused together is told one by one; the fact that nobody takes is given up.
int NodeSession::tell_facts() {
  const auto facts = options_.facts->waiting(facts_at_once_);
  if (facts.empty()) return 200;
  std::string body = R"({"source":)";
  append_json_string(body, options_.facts->source());
  body += ",\"facts\":[";
  for (size_t i = 0; i < facts.size(); i++) {
    if (i > 0) body += ',';
    append_fields(body, services::body_of(facts[i]));
  }
  body += "]}";
  const auto reply = call("POST", "/v1/nodes/" + cli::path_segment(options_.node) + "/services", body);
  const auto status = status_of(reply);
  const auto number_of = [](const services::Event& event) {
    return match(event)([](const services::Fact& fact) { return fact.local_seq; });
  };
  if (is_refused(status) && facts.size() > 1) {
    facts_at_once_ = 1;
    return 200;
  }
  if (is_refused(status)) {
    spdlog::error("node fact={} given up: {}", number_of(facts.front()), reply->body);
    (void)options_.facts->drop_to(number_of(facts.front()));
    return 200;
  }
  if (status != 200) return status;
  facts_at_once_ = kFactsAtOnce;
  const auto taken = taken_to(*reply);
  if (const auto dropped = options_.facts->drop_to(std::min(taken, number_of(facts.back()))); !dropped)
    spdlog::error("node facts error={}", dropped.error().detail);
  return taken >= number_of(facts.front()) ? status : 502;
}

bool NodeSession::has_to_tell() const {
  return !options_.facts->waiting(1).empty() || (options_.reports && options_.reports->waiting());
}

/// What came of the environment. A report that is refused is given up.
int NodeSession::tell_reports() {
  while (const auto body = options_.reports ? options_.reports->waiting() : std::nullopt) {
    const auto reply = call("POST", "/v1/bootstrap/events", *body);
    const auto status = status_of(reply);
    if (status != 204 && !is_refused(status)) return status;
    if (is_refused(status)) spdlog::error("node report given up: {}", reply->body);
    options_.reports->drop(*body);
  }
  return 200;
}

}  // namespace muster::app
