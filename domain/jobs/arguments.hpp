// Binding arguments: from the API's JSON or a command line's words to the values that scripts get.
#pragma once

#include <span>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/jobs/common_flags.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// Binds what the API was sent; null counts as nothing. `job` must outlive the result. All arguments together
/// have runs::kMaxArguments at most.
/// Errors: `arguments.unwanted`; `arguments.invalid` (an unknown name, a wrong JSON type, a type that no
/// argument has); `arguments.refused` (`required`, enums, pairs, secrets with a default). Each names every
/// faulty argument, in the order of the job's list, under `/args/<name>`; the detail is about the first.
Result<Arguments> bind_json(const Job& job, const Json& args);

/// Binds the words after a job's command, and reads the common flags, which shadow arguments of their name.
/// `--name value`, `--name=value`; a boolean takes its value only with `=`; after `--` no word is a flag.
/// The word after a flag that wants one is its value, whatever it looks like. With `--help` nothing is bound.
/// Error: `E_ARGS`, about the first fault, its detail as it is to be printed.
Result<Arguments> bind_words(const Job& job, std::span<const std::string> words, Common& common);

/// `errors` as the API shows them: [{"arg", "message"}].
[[nodiscard]] Json argument_errors(const Error& error);

}  // namespace muster::jobs
