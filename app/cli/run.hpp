// The command line: finds the verb, parses, configures, runs, reports.
#pragma once

#include <string>
#include <vector>

#include "app/cli/verb.hpp"

namespace muster::cli {

/// `arguments` without the program's name. Returns the exit status: 0 done, 1 failed, 2 usage, 3 denied,
/// 4 precondition or conflict, 5 unavailable.
int run(const std::vector<std::string>& arguments, const Io& io);

/// With the process's own streams and environment.
int run(int argc, char** argv);

}  // namespace muster::cli
