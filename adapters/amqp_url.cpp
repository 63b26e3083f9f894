// Reading AMQP URLs (RabbitMQ's URI specification).
#include "adapters/amqp_url.hpp"

#include <charconv>
#include <optional>
#include <system_error>

#include "domain/broker_rules.hpp"
#include "domain/names.hpp"

namespace muster {
namespace {

Error invalid(std::string_view why) {
  return {"field.invalid", "the AMQP URL is none: " + std::string(why) +
                             "; it is written amqp://user:password@host:port/vhost"};
}

/// Nothing when an escape is broken or stands for a zero byte, which no part may have.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    unsigned char byte = static_cast<unsigned char>(text[i]);
    if (byte == '%') {
      const auto* digits = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return {};
      i += 2;
    }
    if (byte == 0) return {};
    out += static_cast<char>(byte);
  }
  return out;
}

/// What stands before `mark`, which goes with it; nothing and no change when there is none.
std::optional<std::string_view> take_until(std::string_view& text, char mark) {
  const size_t at = text.find(mark);
  if (at == text.npos) return {};
  const auto before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

Status read_user(std::string_view text, AmqpUrl& url) {
  const auto name = take_until(text, ':');
  auto user = decoded(name.value_or(text));
  auto password = name ? decoded(text) : std::string();
  if (!user || !password || user->size() > broker::kMaxName)
    return invalid("user or password cannot be read");
  url.user = std::move(*user);
  url.password = std::move(*password);
  return Done{};
}

Status read_authority(std::string_view text, AmqpUrl& url) {
  if (const size_t at = text.rfind('@'); at != text.npos) {
    if (auto status = read_user(text.substr(0, at), url); !status) return status;
    text.remove_prefix(at + 1);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return invalid("the address has no ]");
    url.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    auto host = decoded(text.substr(0, colon));
    if (!host) return invalid("the host cannot be read");
    url.host = std::move(*host);
    if (colon != text.npos) port = text.substr(colon);
  }
  if (url.host.empty() || url.host.size() > 253) return invalid("the host has 1 to 253 bytes");
  url.port = url.tls ? 5671 : 5672;
  if (port.empty()) return Done{};
  const auto* end = port.data() + port.size();
  const auto read = std::from_chars(port.data() + 1, end, url.port);
  if (port[0] != ':' || read.ptr != end || read.ec != std::errc{} || url.port == 0)
    return invalid("the port is 1 to 65535");
  return Done{};
}

}  // namespace

std::string AmqpUrl::shown() const {
  const bool bare = host.find(':') == host.npos;
  return std::string(tls ? "amqps" : "amqp") + "://" + (bare ? host : "[" + host + "]") + ":" +
         std::to_string(port) + (vhost.starts_with('/') ? "" : "/") + vhost;
}

Result<AmqpUrl> parse_amqp_url(std::string_view text) {
  if (text.size() > kMaxAmqpUrl) return invalid("it has more than " + std::to_string(kMaxAmqpUrl) + " bytes");
  AmqpUrl url;
  if (text.starts_with("amqps://"))
    url.tls = true;
  else if (!text.starts_with("amqp://"))
    return invalid("it does not begin with amqp:// or amqps://");
  text.remove_prefix(url.tls ? 8 : 7);
  if (text.find_first_of("?#") != text.npos) return invalid("it has a query or a fragment");
  const auto authority = take_until(text, '/');
  if (auto status = read_authority(authority.value_or(text), url); !status) return status.error();
  if (!authority || text.empty()) return url;
  auto vhost = decoded(text);
  if (!vhost || text.find('/') != text.npos || vhost->size() > broker::kMaxName)
    return invalid("the vhost cannot be read; a / in it is written %2F");
  url.vhost = std::move(*vhost);
  return url;
}

Result<ManagementUrl> parse_management_url(std::string_view text, const AmqpUrl& broker) {
  std::string url(text);
  AmqpUrl who = broker;
  const size_t scheme = text.find("://"), begin = scheme == text.npos ? 0 : scheme + 3;
  const auto authority = text.substr(begin, text.find_first_of("/?#", begin) - begin);
  if (const size_t at = authority.rfind('@'); at != authority.npos) {
    if (auto status = read_user(authority.substr(0, at), who); !status)
      return Error{"field.invalid", "the management API's user or password cannot be read"};
    url.erase(begin, at + 1);
  }
  while (url.ends_with('/')) url.pop_back();
  auto fault = names::url_fault(url);
  if (fault.empty() && url.find_first_of("?#") != url.npos) fault = "must not have a query or fragment";
  if (!fault.empty()) return Error{"field.invalid", "the management API's URL " + fault};
  return ManagementUrl{std::move(url), std::move(who.user), std::move(who.password)};
}

}  // namespace muster
