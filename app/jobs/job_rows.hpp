// Jobs as GET /jobs lists them.
#pragma once

#include <string>
#include <vector>

#include "adapters/job_files.hpp"
#include "base/json.hpp"
#include "domain/jobs/aliases.hpp"
#include "domain/jobs/job_tree.hpp"

namespace muster::app {

/// `path` of a listing as somebody in the node's working folder would type it.
[[nodiscard]] std::string below(const std::string& root, const std::string& path);
/// `source` and its `type` are empty of a job of the node's own tree.
[[nodiscard]] Json row_of(const jobs::Job& job, const std::string& source, const std::string& type);
/// Adds the words that name the job on a command line, where they do.
void add_command(Json& row, const jobs::Job& job, const jobs::Tree& tree);
/// A row for each alias, with what it stands for in its tree; `source` is empty of the node's own. `all`: for
/// each declaration of a name that has several, too, and for each alias that cannot be used.
void add_aliases(std::vector<Json>& rows, const JobListing& listing, const std::string& source, bool all);
/// By id, then by source.
void sort_rows(std::vector<Json>& rows);

}  // namespace muster::app
