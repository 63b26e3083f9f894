// How much a run may hold: who plans one and who records it go by the same numbers, so that what can be
// planned can run. All of it together fits into one entry of the log.
#pragma once

#include <cstddef>

#include "domain/names.hpp"

namespace muster::runs {

constexpr size_t kMaxSteps = 256;               ///< Steps of a run.
constexpr size_t kMaxName = 4 * names::kMaxId;  ///< Bytes of an id or name that a job's file gives: one line.
constexpr size_t kMaxPolicies = 256;            ///< Different decisions of the policy about one run.
/// Bytes of all arguments together, as JSON: Linux hands on no variable of more than 128 KiB.
constexpr size_t kMaxArguments = 120 * 1024;

}  // namespace muster::runs
