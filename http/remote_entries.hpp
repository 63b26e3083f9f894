// What a run's journal holds, wherever the run is carried out.
#pragma once

#include <memory>
#include <string>

#include "http/api.hpp"

namespace muster::http {

/// On this node, or fetched from the member that has it, piece by piece; nothing comes when that one cannot
/// be asked. On the server's thread; `api` has jobs.
[[nodiscard]] std::unique_ptr<RunEntries> entries_of(Api& api, const std::string& run,
                                                     const std::string& node, uint64_t after);

}  // namespace muster::http
