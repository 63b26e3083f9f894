// Taking URLs apart, and naming what they name.
#include "domain/endpoint.hpp"

#include <algorithm>
#include <charconv>

#include "base/hash.hpp"

namespace muster::environment {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.starts_with("localhost.") || host.ends_with(".localhost") ||
         host.starts_with("127.") || host.starts_with("::ffff:127.") || host == "::1" || host == "0.0.0.0" ||
         host == "::";
}

}  // namespace

Endpoint endpoint_of(std::string_view url) {
  Endpoint endpoint;
  endpoint.scheme = url.substr(0, url.find(':'));
  endpoint.port = endpoint.scheme == "https" ? 443 : 80;
  url.remove_prefix(std::min(url.size(), endpoint.scheme.size() + std::string_view("://").size()));
  auto authority = url.substr(0, url.find('/'));
  endpoint.within = url.substr(authority.size());
  while (endpoint.within.ends_with('/')) endpoint.within.pop_back();
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && !authority.ends_with(']')) {
    (void)std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), endpoint.port);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[')) authority = authority.substr(1, authority.size() - 2);
  endpoint.host = authority;
  return endpoint;
}

std::string mark_of(const Endpoint& endpoint, std::string_view machine) {
  const auto host = lower(endpoint.host);
  auto text =
    lower(endpoint.scheme) + "\n" + host + "\n" + std::to_string(endpoint.port) + "\n" + endpoint.within;
  if (is_loopback(host)) text.append("\n").append(machine);
  return sha256_hex(text).substr(0, kMark);
}

}  // namespace muster::environment
