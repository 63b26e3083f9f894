// A git repository as a folder of this machine: fetched, resolved to one commit, and checked out.
#pragma once

#include <string>

#include "adapters/program.hpp"
#include "domain/jobs/source.hpp"

namespace muster {

struct CheckoutOrder {
  std::string url;        ///< As parse_git_url() takes it; that it may be had is somebody else's check.
  std::string ref;        ///< A branch, a tag or a commit, as ref_fault() allows it.
  std::string folder;     ///< Absolute, below a folder of this node's own.
  Millis limit{300'000};  ///< For all of it.
  const Cancellation* cancellation = nullptr;
};

struct Checkout {
  std::string commit;
  std::string
    resolved_ref;  ///< As the origin calls it: `refs/heads/...`, `refs/tags/...`, HEAD, or the commit.
};

/// Clones, or points the clone that is there to the URL and fetches; resolves the ref, a branch of the origin
/// first, then a tag, then a commit; and makes the folder that commit, and nothing else (contract of jobs,
/// section 11). No hook, submodule, redirect to another host or transport but the URL's own is followed, and
/// nothing is asked for. A clone that was cut short leaves nothing. Errors: `source.unavailable` with git's
/// own words; `source.not.allowed` for a folder that is a link, or that something else made.
Result<Checkout> check_out(const CheckoutOrder& order);

/// The commit that a checkout stands at; empty when it is none.
[[nodiscard]] std::string commit_of(const std::string& folder);

}  // namespace muster
