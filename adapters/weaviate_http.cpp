// Sending, and telling apart answers, problems and nonsense.
#include "adapters/weaviate_http.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/redact.hpp"
#include "domain/names.hpp"

namespace muster {
namespace {

using std::chrono::seconds;

constexpr size_t kMaxReply = 16 * 1024 * 1024;
constexpr size_t kMaxWords = 300;  // Bytes of what a server says that are repeated.
constexpr std::string_view kReady = "/.well-known/ready";

void add_message(std::string& words, const Json& entry) {
  const auto found = entry.is_object() ? entry.find("message") : entry.end();
  if (!entry.is_object() || found == entry.end() || !found->is_string()) return;
  words += (words.empty() ? "" : "; ") + found->get<std::string>();
}

/// A limit that somebody set on the server: it is as full at the next time.
bool is_limit(const HttpReply& reply) {
  const auto body = parse_json(reply.body);
  return body && body->is_object() && body->value("errorCode", Json()) == "USAGE_LIMIT_EXCEEDED";
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

Status check(const WeaviateSettings& settings) {
  if (const auto fault = names::url_fault(settings.url); !fault.empty())
    return Error{"field.invalid", "the index's URL " + fault};
  if (settings.url.find_first_of("?#") != std::string::npos)
    return Error{"field.invalid", "the index's URL must not have a query or fragment"};
  if (std::any_of(settings.api_key.begin(), settings.api_key.end(), is_control))
    return Error{"field.invalid", "the index's API key has a line break or another control character"};
  return Done{};
}

WeaviateHttp::WeaviateHttp(WeaviateSettings settings) : settings_(std::move(settings)) {
  while (settings_.url.ends_with('/')) settings_.url.pop_back();
}

void WeaviateHttp::begin() {
  deadline_ = settings_.clock() + settings_.call_timeout;
  retry_after_ = Millis{0};
}

Result<HttpReply> WeaviateHttp::send(const Request& request) {
  const auto left = std::chrono::duration_cast<Millis>(deadline_ - settings_.clock());
  if (left <= Millis::zero()) {
    ready_ = false;
    return Error{"unreachable", settings_.url + " is too slow"};
  }
  HttpRequest sent;
  sent.method = request.method;
  sent.url = settings_.url + "/v1" + request.path;
  sent.headers = {{"Accept", "application/json"}};
  if (!settings_.api_key.empty()) sent.headers.emplace_back("Authorization", "Bearer " + settings_.api_key);
  if (!request.key.empty()) sent.headers.emplace_back("Idempotency-Key", request.key);
  if (!request.body.is_null()) {
    sent.headers.emplace_back("Content-Type", "application/json");
    sent.body = request.body.dump();
  }
  sent.connect_timeout = std::min(settings_.connect_timeout, left);
  sent.total_timeout = left;
  sent.ca_file = settings_.ca_file;
  sent.max_bytes = kMaxReply;
  auto reply = client_.fetch(sent);
  if (reply) return reply;
  ready_ = false;
  auto error = reply.error();
  error.detail = clean(error.detail);
  if (error.code == "reply.too.large") error.code = "backend.reply";
  return error;
}

Status WeaviateHttp::ready() {
  const Request question{.path = std::string(kReady)};
  const auto reply = send(question);
  if (!reply) return reply.error();
  if (reply->status != 200) return refusal(question, *reply);
  ready_ = true;
  return Done{};
}

Result<WeaviateHttp::Answer> WeaviateHttp::ask(const Request& request, const std::vector<int>& expected) {
  if (!ready_) {
    if (auto status = ready(); !status) return status.error();
    log_version();
  }
  const auto reply = send(request);
  if (!reply) return reply.error();
  if (reply->status == 200) {
    auto body = parse_json(reply->body);
    if (!body) return Error{"backend.reply", settings_.url + request.path + ": " + body.error().detail};
    return Answer{200, std::move(*body)};
  }
  if (std::find(expected.begin(), expected.end(), reply->status) == expected.end())
    return refusal(request, *reply);
  return Answer{reply->status, nullptr, words_of(*reply)};
}

/// Once, for whoever reads the log; a server that keeps it for itself may.
void WeaviateHttp::log_version() {
  if (std::exchange(version_asked_, true)) return;
  const auto reply = send({.path = "/meta"});
  if (!reply || reply->status != 200) return;
  const auto meta = parse_json(reply->body);
  if (!meta || !meta->is_object()) return;
  spdlog::info("index server=weaviate url={} version={}", settings_.url,
               clean(meta->value("version", Json()).dump()));
}

Error WeaviateHttp::refusal(const Request& request, const HttpReply& reply) {
  retry_after_ = reply.retry_after().value_or(seconds{0});
  std::string detail = settings_.url + "/v1" + request.path + " answered " + std::to_string(reply.status);
  if (const auto words = words_of(reply); !words.empty()) detail += ": " + words;
  const bool asks_for_peace = retry_after_ > Millis{0};
  if (asks_for_peace) detail += ", and to ask again in " + std::to_string(retry_after_.count() / 1000) + " s";
  if (reply.status >= 500) ready_ = false;
  if (reply.status == 401 || reply.status == 403 || (reply.status == 429 && is_limit(reply)))
    return {"backend.refused", std::move(detail)};
  if (reply.status == 429 || (reply.status == 503 && asks_for_peace))
    return {"backend.throttled", std::move(detail)};
  if (reply.status == 503) return {"unreachable", std::move(detail)};
  return {reply.status >= 500 ? "backend.failed" : "backend.reply", std::move(detail)};
}

/// {"error":[{"message"}]}, {"code","message"}, some other text, or nothing.
std::string WeaviateHttp::words_of(const HttpReply& reply) const {
  const auto body = parse_json(reply.body);
  if (!body || !body->is_object()) return clean(reply.body);
  std::string words;
  const auto errors = body->find("error");
  if (errors != body->end() && errors->is_array())
    for (const auto& entry : *errors) add_message(words, entry);
  add_message(words, *body);
  return clean(words.empty() ? reply.body : words);
}

std::string WeaviateHttp::clean(std::string_view said) const {
  auto text = redacted(said, settings_.api_key, kMaxWords + 1);
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  if (text.size() > kMaxWords) text = text.substr(0, kMaxWords) + "...";
  if (is_utf8(text)) return text;
  std::replace_if(
    text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return text;
}

}  // namespace muster
