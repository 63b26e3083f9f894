// libcurl underneath: an easy handle inside a multi handle, whose poll another thread can wake.
#include "adapters/http_client.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <ctime>

#include "adapters/curl_library.hpp"

namespace muster {

namespace {

/// Only where a handle of it is there, or is being made.
const CurlLibrary& curl() {
  return *curl_library();
}

}  // namespace

struct HttpClient::Curl {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  std::atomic<bool> cancelled{false};
};

namespace {

constexpr size_t kMaxHeaderBytes = 64 * 1024;

/// One call: what came so far, and why it was ended from this side.
struct Transfer {
  CURL* easy = nullptr;
  const HttpClient::OnChunk* on_chunk = nullptr;
  size_t max_bytes = 0;
  HttpReply reply{};
  size_t header_bytes = 0;
  bool too_large = false;
  bool head_ended = false;  // With its empty line; libcurl takes one that was cut off for whole.
};

struct SlistFree {
  void operator()(curl_slist* list) const { curl().slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistFree>;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

size_t on_header(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  transfer.header_bytes += size;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // Also after a 100 Continue: what came before does not count.
    transfer.reply.headers.clear();
    transfer.head_ended = false;
    return size;
  }
  if (line == "\r\n" || line == "\n") transfer.head_ended = true;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  transfer.reply.headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
  return size;
}

size_t on_body(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  long status = 0;
  curl().easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.on_chunk && status >= 200 && status < 300) {
    if ((*transfer.on_chunk)({data, size})) return size;
    transfer.reply.stopped = true;
    return 0;
  }
  if (transfer.reply.body.size() + size > transfer.max_bytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.reply.body.append(data, size);
  return size;
}

bool is_loopback(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  const auto host = url.substr(scheme + 3);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

Slist headers_of(const HttpRequest& request) {
  Slist list;
  const auto add = [&](const std::string& line) {
    curl_slist* longer = curl().slist_append(list.get(), line.c_str());
    if (longer) {
      (void)list.release();
      list.reset(longer);
    }
  };
  for (const auto& [name, value] : request.headers)
    add(value.empty() ? name + ";" : std::string(name).append(": ").append(value));
  add("Expect:");  // No waiting for a 100 Continue.
  return list;
}

void set_up(CURL* easy, const HttpRequest& request, Transfer& transfer, curl_slist* headers) {
  curl().easy_reset(easy);
  curl().easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl().easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl().easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl().easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // No waiting for the thread that looks up a name.
  curl().easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  if (is_loopback(request.url)) curl().easy_setopt(easy, CURLOPT_PROXY, "");
  curl().easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl().easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  if (!request.ca_file.empty()) curl().easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
  if (request.insecure) {
    curl().easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl().easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (request.method == "HEAD") {
    curl().easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    curl().easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl().easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl().easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl().easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl().easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl().easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl().easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl().easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
}

Error failure(CURLcode code, const HttpRequest& request, const char* why) {
  const std::string detail = request.url + ": " + (why[0] != '\0' ? why : curl().easy_strerror(code));
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {"field.invalid", detail};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return {"tls.untrusted", detail};
    default:
      return {"unreachable", detail};
  }
}

/// In one of the three forms of RFC 9110, section 5.6.7.
std::optional<std::chrono::sys_seconds> date_of(std::string_view text) {
  const std::string given(text);
  for (const auto* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* end = strptime(given.c_str(), form, &parts);
    if (end == given.c_str() + given.size())
      return std::chrono::sys_seconds{std::chrono::seconds{timegm(&parts)}};
  }
  return std::nullopt;
}

/// Runs until the transfer ended, was cancelled or its tick said stop.
CURLcode run(CURLM* multi, const std::atomic<bool>& cancelled, const HttpClient::OnTick& on_tick,
             bool& stopped) {
  int running = 1;
  while (running > 0 && !cancelled) {
    if (curl().multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    if (running > 0 && on_tick && !on_tick()) {
      stopped = true;
      break;
    }
    if (running > 0 && !cancelled) curl().multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl().multi_info_read(multi, &left))
    if (message->msg == CURLMSG_DONE) return message->data.result;
  return CURLE_ABORTED_BY_CALLBACK;
}

}  // namespace

std::string_view HttpReply::header(std::string_view name) const {
  const auto found =
    std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::chrono::seconds> HttpReply::retry_after(Time now) const {
  const auto text = header("retry-after");
  if (const auto until = date_of(text)) {
    const auto from = date_of(header("date")).value_or(std::chrono::floor<std::chrono::seconds>(now));
    return std::clamp(*until - from, std::chrono::seconds{0}, kMaxRetryAfter);
  }
  uint64_t given = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), given);
  if (text.empty() || wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds{std::min(given, static_cast<uint64_t>(kMaxRetryAfter.count()))};
}

HttpClient::HttpClient() : curl_(std::make_unique<Curl>()) {
  if (!curl_library()) return;  // Each request says so.
  curl_->multi = curl().multi_init();
  curl_->easy = curl().easy_init();
}

HttpClient::~HttpClient() {
  if (curl_->multi == nullptr) return;
  curl().easy_cleanup(curl_->easy);
  curl().multi_cleanup(curl_->multi);
}

void HttpClient::cancel() {
  curl_->cancelled = true;
  if (curl_->multi == nullptr) return;
  curl().multi_wakeup(curl_->multi);
}

Result<HttpReply> HttpClient::fetch(const HttpRequest& request) {
  return stream(request, nullptr);
}

Result<HttpReply> HttpClient::stream(const HttpRequest& request, const OnChunk& on_chunk,
                                     const OnTick& on_tick) {
  if (!curl_library()) return curl_library().error();
  Transfer transfer{curl_->easy, on_chunk ? &on_chunk : nullptr, request.max_bytes};
  const Slist headers = headers_of(request);
  char why[CURL_ERROR_SIZE] = {};
  set_up(curl_->easy, request, transfer, headers.get());
  curl().easy_setopt(curl_->easy, CURLOPT_ERRORBUFFER, why);
  curl().multi_add_handle(curl_->multi, curl_->easy);
  const CURLcode code = run(curl_->multi, curl_->cancelled, on_tick, transfer.reply.stopped);
  long status = 0;
  curl().easy_getinfo(curl_->easy, CURLINFO_RESPONSE_CODE, &status);
  curl().multi_remove_handle(curl_->multi, curl_->easy);
  curl().easy_setopt(curl_->easy, CURLOPT_ERRORBUFFER, nullptr);
  transfer.reply.status = static_cast<int>(status);
  if (transfer.too_large)
    return Error{"reply.too.large",
                 request.url + " sent more than " + std::to_string(request.max_bytes) + " bytes"};
  if (curl_->cancelled && on_chunk) transfer.reply.stopped = true;
  if (code == CURLE_OK && !transfer.head_ended)
    return Error{"unreachable", request.url + ": the connection ended in the middle of a reply's head"};
  if (code == CURLE_OK || transfer.reply.stopped) return std::move(transfer.reply);
  return failure(code, request, curl_->cancelled ? "cancelled" : why);
}

}  // namespace muster
