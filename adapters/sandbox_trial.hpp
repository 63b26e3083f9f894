// Whether this machine can do what a sandbox asks for: it is tried.
#pragma once

#include <string>

#include "domain/jobs/policy.hpp"

namespace muster {

/// Runs a program that does nothing in the sandbox whose options are in the file `options`, and says what is
/// missing: `user namespaces` or `bubblewrap`, with bubblewrap's words; empty: nothing is. Where it worked
/// once for such settings it is not tried again. Any thread.
[[nodiscard]] std::string sandbox_lack(const std::string& options, const jobs::Settings& settings);

}  // namespace muster
