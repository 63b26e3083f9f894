// Authentication and authorization of a request.
#include "http/auth.hpp"

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

/// Every principal holds full scope names; a token's are kept without the prefix.
std::vector<std::string> with_prefix(const std::string& prefix, const std::vector<std::string>& suffixes) {
  std::vector<std::string> scopes;
  scopes.reserve(suffixes.size());
  for (const auto& suffix : suffixes) scopes.emplace_back(prefix).append(":").append(suffix);
  return scopes;
}

}  // namespace

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

Status Authenticator::authorize(const Principal& caller, std::string_view action,
                                const ViewSet& views) const {
  return policy::allow(policy_of(views), action, {caller.id, caller.anonymous(), caller.scopes});
}

}  // namespace muster::http
