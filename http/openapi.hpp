// The description of every route: OpenAPI 3.1, put together from one piece per domain (http/openapi/).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/embedded.hpp"
#include "base/json.hpp"
#include "http/router.hpp"

namespace muster::http {

/// The files of http/openapi/, as they were when this was built.
[[nodiscard]] std::span<const EmbeddedFile> openapi_pieces();

/// One document. What the pieces say in short is spelt out: an operation's x-problems become responses with
/// the status and title of the catalogue of errors, the refused bodies that hold for all are added to each,
/// and x-action is what the route is checked for. Error: `internal`, naming the piece or operation with the
/// defect.
Result<Json> openapi_document(std::span<const EmbeddedFile> pieces, const std::vector<Route>& routes,
                              std::string_view version);

}  // namespace muster::http
