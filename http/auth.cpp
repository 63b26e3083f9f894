// Authentication and authorization of a request.
#include "http/auth.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace muster::http {
namespace {

/// What nodes write of themselves bears such a name; whoever issues JWTs names no nodes.
constexpr std::string_view kNode = "node/";

Error refused() {
  return {"unauthorized", "unauthorized", {}};
}

std::string_view bearer(const Request& request) {
  auto value = request.header("authorization");
  if (value.starts_with("Bearer ") || value.starts_with("bearer ")) value.remove_prefix(7);
  return value;
}

bool has_host(std::string_view authority, std::string_view host) {
  return authority.starts_with(host) && (authority.size() == host.size() || authority[host.size()] == ':');
}

/// Asked by a name that only this machine has: a name of elsewhere may lead here, too.
bool is_local_host(std::string_view authority) {
  return has_host(authority, "localhost") || has_host(authority, "127.0.0.1") || has_host(authority, "[::1]");
}

/// Every principal holds full scope names; a token's are kept without the prefix.
std::vector<std::string> with_prefix(const std::string& prefix, const std::vector<std::string>& suffixes) {
  std::vector<std::string> scopes;
  scopes.reserve(suffixes.size());
  for (const auto& suffix : suffixes) scopes.emplace_back(prefix).append(":").append(suffix);
  return scopes;
}

}  // namespace

bool is_local_origin(std::string_view origin) {
  for (const std::string_view host :
       {"http://localhost", "https://localhost", "http://127.0.0.1", "http://[::1]"})
    if (has_host(origin, host)) return true;
  return false;
}

Authenticator::Authenticator(AuthOptions options) : options_(std::move(options)) {}

Principal Authenticator::everything(std::string id) const {
  return {std::move(id), policy::all_scopes(options_.scope_prefix)};
}

Principal Authenticator::own() const {
  auto scopes = with_prefix(options_.scope_prefix, {"register", "read", "apply"});
  scopes.emplace_back("runs:write");  // Of what it was to run, and cannot.
  return {std::string(kNode) + options_.node, std::move(scopes)};
}

policy::Policy Authenticator::policy_of(const ViewSet& views) const {
  return {
    options_.flags, static_cast<bool>(options_.jwt), !options_.api_key.empty(),
    !view<tokens::View>(views).by_hash.empty() || !options_.dev_token.empty() || options_.beyond_loopback,
    options_.scope_prefix};
}

Result<Principal> Authenticator::authenticate(const Request& request, const ViewSet& views, Time now) const {
  if (const auto key = request.header("x-api-key"); !key.empty() && !options_.api_key.empty()) {
    if (equal_in_constant_time(key, options_.api_key)) return everything("apikey");
    return refused();
  }
  const auto token = bearer(request);
  if (token.empty()) return Principal{};
  if (!options_.dev_token.empty() && equal_in_constant_time(token, options_.dev_token))
    return everything("dev");
  if (!options_.own_token.empty() && equal_in_constant_time(token, options_.own_token)) return own();
  // The look-up is by digest, so its time tells nothing of the token.
  if (const auto* row = view<tokens::View>(views).usable(sha256_hex(token), now))
    return Principal{row->name, with_prefix(options_.scope_prefix, row->scopes)};
  if (!options_.jwt) return refused();
  auto caller = options_.jwt(token);
  if (caller && caller->id.starts_with(kNode))
    return Error{"unauthorized", "the token's sub begins as a node's name does", {}};
  return caller;
}

Principal Authenticator::nameless(const Request& request, std::string_view action) const {
  const auto scopes = policy::job_scopes();
  const auto origin = request.header("origin");
  if (options_.dev_token.empty() || std::find(scopes.begin(), scopes.end(), action) == scopes.end() ||
      !is_local_host(request.header("host")) || !(origin.empty() || is_local_origin(origin)))
    return {};
  return {"dev", {scopes.begin(), scopes.end()}};
}

Status Authenticator::authorize(const Principal& caller, std::string_view action,
                                const ViewSet& views) const {
  return policy::allow(policy_of(views), action, {caller.id, caller.anonymous(), caller.scopes});
}

}  // namespace muster::http
