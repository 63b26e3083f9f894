// The journals of this node's runs as they are read: beside what the log says of them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/persistence.hpp"
#include "http/jobs_port.hpp"
#include "projections/catalog.hpp"

namespace muster::app {

/// What `run.finished` says of the output; nothing while the run goes on, and when its node told nothing.
[[nodiscard]] std::optional<JournalTotals> recorded_end(const ViewSet& views, const std::string& run);

/// Entries after a number. Of a run that has ended the last one is `journal.evicted` when nothing is kept any
/// more, and `journal.corrupt` with a code and a detail, instead of the entries from there on, when they are
/// not what was written.
[[nodiscard]] std::unique_ptr<http::RunEntries> kept_entries(
  const std::string& journal, uint64_t after, std::shared_ptr<Persistence> counts,
  std::function<std::optional<JournalTotals>()> recorded);

/// As JobsPort::check() says.
Result<http::JournalChecked> check_kept(const std::string& journal, const std::string& run,
                                        const ViewSet& views);

}  // namespace muster::app
