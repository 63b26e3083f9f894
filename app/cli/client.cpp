// The HTTP client on libcurl.
#include "app/cli/client.hpp"

#include <cctype>

#include <curl/curl.h>

#include "app/cli/problem.hpp"

namespace muster::cli {
namespace {

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~')
      encoded += c;
    else
      (((encoded += '%') += kHex[byte >> 4U]) += kHex[byte & 15U]);
  }
  return encoded;
}

/// Where a reply goes: errors are kept, everything else goes to the sink or is kept too.
struct Receiver {
  CURL* handle = nullptr;
  Answer answer;
  const Client::Sink* sink = nullptr;
  const Client::Tick* tick = nullptr;
  bool stopped = false;
};

size_t on_body(char* data, size_t, size_t size, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  long status = 0;
  curl_easy_getinfo(receiver.handle, CURLINFO_RESPONSE_CODE, &status);
  if (receiver.sink == nullptr || status >= 300) {
    receiver.answer.body.append(data, size);
    return size;
  }
  if ((*receiver.sink)({data, size})) return size;
  receiver.stopped = true;
  return 0;
}

size_t on_header(char* data, size_t, size_t size, void* user) {
  constexpr std::string_view kName = "x-next-cursor:";
  std::string_view line{data, size};
  if (line.size() <= kName.size()) return size;
  for (size_t i = 0; i < kName.size(); i++)
    if (std::tolower(static_cast<unsigned char>(line[i])) != kName[i]) return size;
  line.remove_prefix(kName.size());
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  static_cast<Receiver*>(user)->answer.next_cursor = line;
  return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& receiver = *static_cast<Receiver*>(user);
  if (receiver.tick == nullptr || !*receiver.tick || (*receiver.tick)()) return 0;
  receiver.stopped = true;
  return 1;
}

}  // namespace

std::string with_query(std::string_view path, const Query& query) {
  std::string text{path};
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    text += separator + std::string{name} + "=" + percent_encoded(value);
    separator = '&';
  }
  return text;
}

std::string path_segment(std::string_view text) {
  return percent_encoded(text);
}

struct Client::State {
  std::string server;
  std::string token;
  std::string key;
  std::string ca_cert;
  Millis timeout{0};
  std::unique_ptr<CURL, FreeHandle> handle{curl_easy_init()};

  Status perform(std::string_view method, const std::string& path, const std::string& body,
                 Receiver& receiver);
};

Status Client::State::perform(std::string_view method, const std::string& path, const std::string& body,
                              Receiver& receiver) {
  CURL* curl = handle.get();
  curl_easy_reset(curl);
  receiver.handle = curl;
  const std::string url = server + path, verb{method};
  HeaderList headers;
  const auto add = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  add("Accept: application/json, application/x-ndjson, */*");
  if (!token.empty()) add("Authorization: Bearer " + token);
  if (!key.empty()) add("X-API-Key: " + key);
  if (!body.empty()) add("Content-Type: application/json");
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, verb.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
  if (receiver.sink == nullptr) {
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  }
  if (!ca_cert.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_cert.c_str());
  if (!body.empty() || method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &receiver);

  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  receiver.answer.status = static_cast<int>(status);
  if (code != CURLE_OK && !receiver.stopped)
    return Error{"unreachable", server + ": " + curl_easy_strerror(code)};
  if (status >= 300) return problem_of(receiver.answer.status, receiver.answer.body);
  return Done{};
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client> Client::make(const config::Config& config) {
  auto state = std::make_unique<State>();
  state->server = config.text("server");
  if (state->server.find("://") == std::string::npos) state->server = "http://" + state->server;
  while (state->server.ends_with('/')) state->server.pop_back();
  state->token = config.text("token");
  auto key = config::api_key(config);
  if (!key) return key.error();
  state->key = *std::move(key);
  state->ca_cert = config.text("ca-cert");
  state->timeout = config.duration("timeout");
  return Client{std::move(state)};
}

const std::string& Client::server() const {
  return state_->server;
}

Result<Answer> Client::call(std::string_view method, const std::string& path, const std::string& body) {
  Receiver receiver;
  if (const auto done = state_->perform(method, path, body, receiver); !done) return done.error();
  return std::move(receiver.answer);
}

Result<Json> Client::get(const std::string& path) {
  const auto answer = call("GET", path);
  if (!answer) return answer.error();
  auto json = parse_json(answer->body);
  if (!json)
    return Error{"internal", state_->server + path + " did not answer with JSON: " + json.error().detail};
  return json;
}

Status Client::stream(const std::string& path, const Sink& sink, const Tick& tick) {
  Receiver receiver;
  receiver.sink = &sink;
  receiver.tick = &tick;
  return state_->perform("GET", path, {}, receiver);
}

}  // namespace muster::cli
