// Asking for lists, and telling apart answers, problems and nonsense.
#include "adapters/rabbit_management.hpp"

#include <algorithm>

#include <openssl/evp.h>

#include "base/percent.hpp"

namespace muster {
namespace {

constexpr Millis kConnect{3'000}, kTotal{10'000};  // The latter of all calls of a list.
constexpr size_t kMaxReply = 16 * 1024 * 1024;

std::string basic(const std::string& credentials) {
  std::string text(4 * ((credentials.size() + 2) / 3) + 1, '\0');  // And a zero byte.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(credentials.data()),
                  static_cast<int>(credentials.size()));
  text.pop_back();
  return "Basic " + text;
}

/// False when it cannot be right.
bool add(const Json& row, const std::string& kind, RabbitListing& listing) {
  if (!row.is_object()) return false;
  const auto text = [&](const char* member) {
    const auto found = row.find(member);
    return found != row.end() ? found->get_ptr<const std::string*>() : nullptr;
  };
  if (kind != "binding") {
    const auto* name = text("name");
    if (name) listing.forms[kind + " " + *name] = row;
    return name != nullptr;
  }
  const auto *from = text("source"), *to = text("destination"), *what = text("destination_type"),
             *key = text("routing_key");
  if (!from || !to || !what || !key) return false;
  if (*what == "queue" && row.value("arguments", Json::object()).empty())
    listing.bound.insert({*from, {*to, *key}});
  return true;
}

}  // namespace

RabbitManagement::RabbitManagement(ManagementUrl url, const std::string& vhost, std::string ca_file)
  : url_(std::move(url)),
    vhost_(percent_encoded(vhost)),
    ca_file_(std::move(ca_file)),
    authorization_(basic(url_.user + ":" + url_.password)) {}

Result<RabbitListing> RabbitManagement::list() {
  const std::lock_guard lock(mutex_);
  if (steady_now() < alone_until_) return patience_;
  deadline_ = steady_now() + kTotal;
  RabbitListing listing;
  for (const std::string kind : {"binding", "exchange", "queue"}) {
    const auto rows = ask(kind);
    if (!rows) return rows.error();
    bool sound = rows->is_array();
    for (const auto& row : *rows) sound = sound && add(row, kind, listing);
    if (!sound) return Error{"backend.reply", url() + " answered with what is no list of " + kind + "s"};
  }
  return listing;
}

Result<Json> RabbitManagement::ask(const std::string& kind) {
  const auto left = std::chrono::duration_cast<Millis>(deadline_ - steady_now());
  if (left <= Millis::zero()) return Error{"unreachable", url() + " is too slow"};
  const auto asked = url() + "/api/" + kind + "s/" + vhost_;
  const auto* columns = kind == "binding" ? "source,destination,destination_type,routing_key,arguments"
                                          : "name,type,durable,auto_delete,internal,exclusive,arguments";
  const auto reply =
    client_.fetch({.url = asked + "?disable_stats=true&columns=" + columns,
                   .headers = {{"Accept", "application/json"}, {"Authorization", authorization_}},
                   .connect_timeout = std::min(kConnect, left),
                   .total_timeout = left,
                   .ca_file = ca_file_,
                   .max_bytes = kMaxReply});
  if (!reply) {
    const auto& why = reply.error();
    return Error{why.code == "reply.too.large" ? "backend.reply" : why.code, why.detail};
  }
  if (reply->status != 200) return refusal(asked, *reply);
  auto rows = parse_json(reply->body);
  if (!rows) return Error{"backend.reply", asked + ": " + rows.error().detail};
  return rows;
}

/// Repeats nothing of what the server said: the credentials may be in it.
Error RabbitManagement::refusal(const std::string& asked, const HttpReply& reply) {
  auto detail = asked + " answered " + std::to_string(reply.status);
  if (reply.status == 401 || reply.status == 403)
    return {"backend.refused", detail + ": its user needs the tag management, and access to the vhost"};
  if (reply.status < 500 && reply.status != 429) return {"backend.reply", std::move(detail)};
  if (const auto wait = reply.retry_after().value_or(std::chrono::seconds{0}); wait.count() > 0) {
    detail += ", and to ask again in " + std::to_string(wait.count()) + " s";
    alone_until_ = steady_now() + wait;
  }
  return patience_ = {"unreachable", std::move(detail)};
}

}  // namespace muster
