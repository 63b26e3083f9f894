// The join token that muster :cluster init prints before there is a log to hold it.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "events/cluster.hpp"

namespace muster::app {

/// Keeps what the log will be told of the token, good for an hour from `now`: never its secret. Error:
/// `internal`.
Status keep_first_token(const std::string& data, const std::string& secret, Time now);
/// What was kept, and not recorded yet.
[[nodiscard]] std::optional<cluster::JoinTokenMade> first_token(const std::string& data);
void forget_first_token(const std::string& data);

}  // namespace muster::app
