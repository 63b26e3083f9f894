// A job as a command: muster demo --name alice.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/verb.hpp"
#include "domain/jobs/common_flags.hpp"

namespace muster::cli {

/// Runs the job that the words name, settings may stand before them: on the node that the configuration
/// names, or that serves the data folder, else embedded. Nothing when there is no such job.
[[nodiscard]] std::optional<Outcome> run_named_job(const std::vector<std::string>& arguments, const Io& io);

/// `named` of the words are the job's name.
void print_job_help(const Io& io, const std::vector<std::string>& words, size_t named, const jobs::Job& job);
void warn_of_strays(const Io& io, const jobs::Common& common);

}  // namespace muster::cli
