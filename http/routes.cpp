// What routes share: pages, ETags, numbers of a query.
#include "http/routes.hpp"

#include <charconv>

#include "base/hash.hpp"

namespace muster::http {
namespace {

std::optional<std::string> from_hex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return std::nullopt;
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t byte = 0;
    const auto [end, ec] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (ec != std::errc{} || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

Error bad_query(std::string_view name, const std::string& what) {
  return {
    "field.invalid", "query parameter " + std::string(name) + " " + what, {{"?" + std::string(name), what}}};
}

}  // namespace

Response no_content(const Receipt&) {
  Response response;
  response.status = 204;
  return response;
}

Result<uint64_t> number_from_query(const Request& request, std::string_view name, uint64_t fallback) {
  const auto text = request.query_value(name);
  if (!text) return fallback;
  uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (ec != std::errc{} || end != text->data() + text->size())
    return bad_query(name, "must be a whole number");
  return value;
}

Result<Page> page_of(const Request& request, size_t max_page) {
  const auto limit = number_from_query(request, "limit", max_page);
  if (!limit) return limit.error();
  if (*limit == 0 || *limit > max_page)
    return bad_query("limit", "must be from 1 to " + std::to_string(max_page) + " (limit max-page)");
  Page page{static_cast<size_t>(*limit), ""};
  if (const auto cursor = request.query_value("cursor")) {
    auto key = from_hex(*cursor);
    if (!key || key->empty()) return Error{"cursor.invalid", "this cursor was not made by this listing", {}};
    page.after = std::move(*key);
  }
  return page;
}

void add_next_page(Response& response, const Request& request, const std::string& last_key) {
  const auto cursor = to_hex(std::string_view{last_key});
  response.headers.emplace_back("X-Next-Cursor", cursor);
  std::string link = "<";
  link.append(request.path).append("?");
  for (const auto* keep : {"limit", "status", "role", "as_of"})
    if (const auto value = request.query_value(keep))
      link.append(keep).append("=").append(*value).append("&");
  response.headers.emplace_back("Link", link + "cursor=" + cursor + ">; rel=\"next\"");
}

std::string etag_of(std::string_view view, uint64_t changed) {
  return "W/\"" + std::string(view) + "-" + std::to_string(changed) + "\"";
}

std::optional<Response> not_modified(const Request& request, const std::string& etag) {
  const auto asked = request.header("if-none-match");
  if (asked.empty() || (asked != "*" && asked.find(etag) == std::string_view::npos)) return std::nullopt;
  Response response;
  response.status = 304;
  response.headers.emplace_back("ETag", etag);
  return response;
}

Result<Time> expiry_of(const std::string& text, Time now) {
  if (text.empty()) return Time{};
  if (const auto lasts = parse_duration(text)) return now + *lasts;
  if (const auto at = parse_rfc3339(text)) return *at;
  const std::string what = "must be a duration, such as 7d, or a time, such as 2026-01-02T03:04:05Z";
  return Error{"field.invalid", "/expires " + what, {{"/expires", what}}};
}

}  // namespace muster::http
