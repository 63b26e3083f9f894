// What a node's environment came to, as JSON; shared by the routes that look, apply and prune.
#pragma once

#include <optional>
#include <string>

#include "actors/environment.hpp"
#include "http/routes.hpp"

namespace muster::http {

[[nodiscard]] Json shown(const environment::Row& row);
/// Without `all`, only the resources that are not as they should be, and those of which nobody can see it.
[[nodiscard]] Json shown(const environment::Report& report, bool all);
/// A path or a server's words may be any bytes.
[[nodiscard]] std::string text_of(const Json& json);

/// The node's environment, or an answer that it keeps none.
Environment* environment_of(Api& api, const Request& request, const Reply& reply);
/// Empty: all of them. Error: `field.invalid`.
Result<std::optional<environment::Component>> only_of(const std::string& component);

}  // namespace muster::http
