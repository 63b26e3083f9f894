// Writing and reading the TXT record of an advert; what is read comes from anybody on the network.
#include "adapters/advert_text.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "domain/names.hpp"

namespace muster {
namespace {

using finding::Advert;
using finding::Role;

constexpr size_t kChunk = 240;  // Of a value; its key has room beside it.

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.back() == ']') return false;
  return text.find_first_of("/?#@ ") == std::string_view::npos &&
         names::url_fault("http://" + std::string(text)).empty();
}

std::string_view ca_of(const Advert& advert) {
  return std::string_view(advert.ca).substr(0, finding::kCaChars);
}

class Strings {
public:
  void add(std::string_view key, std::string_view value) {
    for (size_t from = 0, part = 0; from < value.size() || part == 0; from += kChunk, part++)
      strings_.push_back(std::string(key) + (part == 0 ? "" : std::to_string(part)) + "=" +
                         std::string(value.substr(from, kChunk)));
  }
  void add_some(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, value);
  }
  std::vector<std::string> take() { return std::move(strings_); }

private:
  std::vector<std::string> strings_;
};

using Values = std::map<std::string_view, std::string_view>;

std::string joined(const Values& values, const std::string& key) {
  std::string whole;
  auto at = values.find(key);
  for (size_t part = 1; at != values.end(); part++) {
    whole += at->second;
    at = values.find(key + std::to_string(part));
  }
  return whole;
}

template <class Number>
std::optional<Number> number(const Values& values, std::string_view key) {
  const auto at = values.find(key);
  if (at == values.end()) return std::nullopt;
  Number value{};
  const auto* end = at->second.data() + at->second.size();
  const auto read = std::from_chars(at->second.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<Role> role_of(std::string_view text) {
  for (const auto role : {Role::searching, Role::member, Role::leader})
    if (text == to_text(role)) return role;
  return std::nullopt;
}

std::optional<Values> values_in(const std::vector<std::string>& strings) {
  if (strings.size() > kMaxTxtStrings) return std::nullopt;
  Values values;
  size_t bytes = 0;
  for (const std::string_view text : strings) {
    bytes += text.size();
    if (text.size() > kMaxTxtString || bytes > kMaxTxtBytes) return std::nullopt;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos && equals > 0)
      values.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return values;
}

}  // namespace

Status check_advert(const Advert& advert) {
  names::Check check;
  check.id("/node", advert.node);
  if (advert.role != Role::searching) check.id("/cluster", advert.cluster);
  if (advert.role == Role::searching && !advert.cluster.empty())
    check.fault("/cluster", "is empty while searching");
  const auto ca = ca_of(advert);
  if (!is_hex(ca) || (!ca.empty() && ca.size() != finding::kCaChars))
    check.fault("/ca", "is a SHA-256 in hex, or empty");
  if (advert.address.size() > kMaxAdvertAddress || !is_host_and_port(advert.address))
    check.fault("/address", "is host:port");
  if (advert.url.size() > kMaxAdvertUrl)
    check.fault("/url", "is longer than " + std::to_string(kMaxAdvertUrl) + " bytes");
  else if (!advert.url.empty())
    check.url("/url", advert.url);
  if (advert.boot.size() > kMaxBoot)
    check.fault("/boot", "is longer than " + std::to_string(kMaxBoot) + " bytes");
  else
    check.id("/boot", advert.boot);
  return check.done();
}

std::vector<std::string> to_txt(const Advert& advert) {
  Strings strings;
  strings.add("txtvers", "1");
  strings.add("id", advert.node);
  strings.add("role", to_text(advert.role));
  strings.add("epoch", std::to_string(advert.epoch));
  strings.add_some("cluster", advert.cluster);
  strings.add_some("ca", ca_of(advert));
  strings.add("addr", advert.address);
  strings.add_some("url", advert.url);
  strings.add("boot", advert.boot);
  strings.add("since", std::to_string(advert.created_at.time_since_epoch().count()));
  if (advert.bare) strings.add("bare", "1");
  if (advert.dev) strings.add("dev", "1");
  return strings.take();
}

std::optional<Advert> from_txt(const std::vector<std::string>& strings) {
  const auto values = values_in(strings);
  if (!values || joined(*values, "txtvers") != "1") return std::nullopt;
  const auto role = role_of(joined(*values, "role"));
  const auto epoch = number<uint64_t>(*values, "epoch");
  const auto since = number<int64_t>(*values, "since");
  if (!role || !epoch || !since) return std::nullopt;
  Advert advert;
  advert.node = joined(*values, "id");
  advert.cluster = joined(*values, "cluster");
  advert.ca = joined(*values, "ca");
  advert.dev = joined(*values, "dev") == "1";
  advert.role = *role;
  advert.epoch = *epoch;
  advert.address = joined(*values, "addr");
  advert.url = joined(*values, "url");
  advert.boot = joined(*values, "boot");
  advert.created_at = Time{Millis{*since}};
  advert.bare = joined(*values, "bare") == "1";
  if (advert.ca.size() > finding::kCaChars || !check_advert(advert)) return std::nullopt;
  return advert;
}

std::string at_host(std::string text, std::string_view host) {
  const auto scheme = text.find("://");
  const auto from = scheme == std::string::npos ? 0 : scheme + 3;
  for (const std::string_view any : {"0.0.0.0", "[::]"})
    if (text.compare(from, any.size() + 1, std::string(any) + ":") == 0 ||
        text.compare(from, std::string::npos, any) == 0)
      return text.replace(from, any.size(), host);
  return text;
}

}  // namespace muster
