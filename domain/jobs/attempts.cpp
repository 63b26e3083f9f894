// The rules of retry, abort and continue.
#include "domain/jobs/attempts.hpp"

#include <algorithm>

namespace muster::jobs {

ErrorHandling handling_of(const Job& job, std::optional<OnError> on_error, bool strict) {
  auto handling = job.error_handling;
  if (on_error) handling.policy = *on_error;
  if (on_error == OnError::retry) handling.retries = std::max<uint64_t>(handling.retries, 1);
  if (!on_error && strict && handling.policy == OnError::go_on) handling.policy = OnError::abort;
  return handling;
}

Follow after_attempt(const ErrorHandling& handling, uint64_t attempt, Ending ending) {
  if (ending == Ending::succeeded) return {Follow::What::go_on};
  if (ending == Ending::canceled) return {Follow::What::stop};
  if (handling.policy == OnError::go_on) return {Follow::What::go_on};
  if (handling.policy == OnError::retry && attempt <= handling.retries)
    return {Follow::What::again, handling.backoff_s};
  return {Follow::What::stop};
}

}  // namespace muster::jobs
