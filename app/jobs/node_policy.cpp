// The bundle and its signature.
#include "app/jobs/node_policy.hpp"

#include <chrono>

#include "adapters/keys.hpp"
#include "adapters/signatures.hpp"
#include "app/jobs/job_choice.hpp"
#include "base/hash.hpp"

namespace muster::app {

Result<NodePolicy> node_policy(const config::Config& config, const config::Environment& environment,
                               const std::string& requested) {
  auto profile = jobs::effective_profile(
    {requested, environment("FLWD_PROFILE").value_or(""), config.text("security-profile")});
  if (!profile) return profile.error();
  auto bundle = policy_bundle(environment);
  if (!bundle) return bundle.error();
  Signer signer{config.text("signer-identity"), config.text("signer-issuer"),
                config.duration("signature-timeout")};
  const auto file = policy_file(environment);
  if (!file.empty() && *profile == jobs::Profile::secure) {
    const auto text = read_file(file, jobs::kMaxBundle);
    const bool same = text && sha256_hex(*text) == bundle->digest;
    const auto looked = same ? verify_file(file, *text, config.text("policy-key"), signer)
                             : Verified{false, "it changed while it was read"};
    if (!looked.good) return Error{"policy.unsigned", file + ": " + looked.reason, {}};
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(config.duration("secure-timeout")).count();
  return NodePolicy{*profile, std::move(*bundle), std::move(signer), static_cast<uint64_t>(seconds)};
}

}  // namespace muster::app
