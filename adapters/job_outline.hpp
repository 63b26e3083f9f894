// What completion wants to know of a tree of scripts, kept between two processes: reading five hundred files
// of YAML takes longer than anybody waits for a tab.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/job_files.hpp"

namespace muster {

constexpr size_t kMaxOutline = 64ul * 1024 * 1024;  ///< Bytes of one that is kept.
constexpr size_t kMaxOutlines = 64;                 ///< In one folder; the oldest goes.

/// The jobs below `root` and their aliases; of a job only its id, name, summary and folder are there, and of
/// its arguments the name, the type, the description and the choices. Nothing may be run from it. `kept_in`
/// is the folder of outlines: a file of what was kept is read again when its stamp changed; a folder that is
/// missing is made, and one that cannot be used, "" or a damaged outline only cost the time of reading.
/// Errors: as JobFiles::read.
Result<std::shared_ptr<const JobListing>> read_job_outline(const std::string& root,
                                                           const std::string& kept_in,
                                                           const std::vector<std::string>& words);

}  // namespace muster
