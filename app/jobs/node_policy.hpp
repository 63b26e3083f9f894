// The policy that a node serves by: read once, when it starts.
#pragma once

#include "adapters/signatures.hpp"
#include "app/config/config.hpp"
#include "domain/jobs/policy.hpp"

namespace muster::app {

struct NodePolicy {
  jobs::Profile profile = jobs::Profile::secure;
  jobs::Bundle bundle;
  Signer signer;                  ///< Of images.
  uint64_t secure_timeout_s = 0;  ///< --secure-timeout: see Preparation::limit_time().
};

/// What is `requested` when it is, else FLWD_PROFILE, else --security-profile, and the bundle. Under `secure`
/// the bundle's signature is looked at: by --policy-key, else keyless by cosign (contract of jobs, section
/// 10). Errors: `E_POLICY`; `policy.unsigned`.
Result<NodePolicy> node_policy(const config::Config& config, const config::Environment& environment,
                               const std::string& requested = "");

}  // namespace muster::app
