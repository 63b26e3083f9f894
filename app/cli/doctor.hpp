// The checks of :doctor, each a question with an answer and, when that is bad, a remedy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config/config.hpp"
#include "base/time.hpp"

namespace muster::cli {

struct Check {
  enum class Verdict : uint8_t { good, warning, bad };
  std::string name;
  Verdict verdict = Verdict::good;
  std::string found;
  std::string remedy{};  ///< Empty when good.
};

/// The folder exists or can be made, is writable and has room.
[[nodiscard]] Check check_data(const config::Config& config);
/// The median time of 50 small synced writes in the data folder.
[[nodiscard]] Check check_sync(const config::Config& config);
/// The year is sane and, as far as the kernel knows, the clock is synchronised.
[[nodiscard]] Check check_clock(Time now);
/// How far the running node's clock is off the other members'; nothing when no member of a cluster answers.
[[nodiscard]] std::optional<Check> check_cluster_clock(const config::Config& config);
/// --bind is allowed and its port free, or held by a muster.
[[nodiscard]] Check check_port(const config::Config& config);
/// Open files suffice for --max-connections.
[[nodiscard]] Check check_open_files(const config::Config& config);
/// Keys and the data folder are not readable by others.
[[nodiscard]] std::vector<Check> check_permissions(const config::Config& config);

/// Every template in the plans folder can be read.
[[nodiscard]] Check check_plans(const config::Config& config);

}  // namespace muster::cli
