// The policy that a node serves by: read once, when it starts.
#pragma once

#include "app/config/config.hpp"
#include "domain/jobs/policy.hpp"

namespace muster::app {

struct NodePolicy {
  jobs::Profile profile = jobs::Profile::secure;
  jobs::Bundle bundle;
};

/// FLWD_PROFILE, else --security-profile, and the bundle. Under `secure` the bundle's signature is looked at:
/// by --policy-key, else keyless by cosign (contract of jobs, section 10). Errors: `E_POLICY`;
/// `policy.unsigned`.
Result<NodePolicy> node_policy(const config::Config& config, const config::Environment& environment);

}  // namespace muster::app
