// Why a call failed, for a person or a program, and the exit status.
#pragma once

#include <string>

#include "app/cli/verb.hpp"

namespace muster::cli {

/// Prints one block on stderr: title and code, detail, each bad field, the remedy; with `json` one line of
/// JSON with the members of the problem document. Returns the exit status of the code
/// (base/error_catalog.hpp).
int print_problem(const Io& io, const Error& error, bool json);

/// Reads a reply with an error status. A code of a newer node that is not in the catalog is replaced by the
/// one nearest to the HTTP status, and stands in the detail.
[[nodiscard]] Error problem_of(int http_status, const std::string& body);

}  // namespace muster::cli
