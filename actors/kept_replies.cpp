// Looking up, and waiting for, replies under idempotency keys.
#include "actors/kept_replies.hpp"

#include "base/bytes.hpp"

namespace muster {
namespace {

Error mismatch() {
  return {"idempotency.mismatch", "this Idempotency-Key was used for another request", {}};
}

Error given_once() {
  return {"idempotency.one_time", "the reply to this Idempotency-Key held a secret and was given once", {}};
}

Result<Receipt> again(const log::KeptReply& kept) {
  if (kept.one_time) return given_once();
  return Receipt{kept.seq, kept.result, true};
}

}  // namespace

/// The reply under this key whose time is not over. Throws log::Unreadable.
std::optional<log::KeptReply> KeptReplies::look_up(const std::string& key, Time now) {
  const auto since = Persistence::Clock::now();
  try {
    auto kept = chain_.kept_reply(key);
    const bool expired = kept && kept->expires <= now;
    if (expired) kept.reset();
    counts_->took(expired ? Persistence::lookup_expired
                  : kept  ? Persistence::lookup_hit
                          : Persistence::lookup_miss,
                  since);
    return kept;
  } catch (const log::Unreadable&) {
    counts_->took(Persistence::lookup_error, since);
    throw;
  }
}

KeptReplies::Begun KeptReplies::begin(const Origin& origin, Answer answer, Time now) {
  const auto key = bytes_of(sha256(origin.actor + '\n' + origin.key));
  const auto hmac = bytes_of(hmac_sha256(secret_, origin.fingerprint));
  std::unique_lock lock{mutex_};
  if (const auto found = in_flight_.find(key); found != in_flight_.end()) {
    if (found->second.hmac == hmac) {
      found->second.waiting.push_back(std::move(answer));
    } else {
      lock.unlock();
      answer(mismatch());
    }
    return {true, {}, {}};
  }
  // Looked up under the lock: a reply is committed before its flight ends, so it is seen here or there.
  try {
    if (const auto kept = look_up(key, now)) {
      lock.unlock();
      answer(kept->hmac == hmac ? again(*kept) : Result<Receipt>{mismatch()});
      return {true, {}, {}};
    }
  } catch (const log::Unreadable& failed) {  // What is not known to be new is not done.
    lock.unlock();
    answer(failed.error());
    return {true, {}, {}};
  }
  auto& flight = in_flight_[key];
  flight.hmac = hmac;
  flight.one_time = origin.one_time;
  Answer ending{[this, key, since = Persistence::Clock::now(),
                 answer = std::move(answer)](const Result<Receipt>& result) {
    if (result || result.error().code.starts_with("log."))  // What is refused is not stored.
      counts_->took(result ? Persistence::store_ok : Persistence::store_error, since);
    answer(result);
    finish(key, result);
  }};
  return {false, log::KeptReply{key, hmac, now + ttl_, 0, "", origin.one_time}, std::move(ending)};
}

void KeptReplies::finish(const std::string& key, const Result<Receipt>& result) {
  std::vector<Answer> waiting;
  bool one_time = false;
  {
    const std::lock_guard lock{mutex_};
    const auto found = in_flight_.find(key);
    if (found == in_flight_.end()) return;
    waiting = std::move(found->second.waiting);
    one_time = found->second.one_time;
    in_flight_.erase(found);
  }
  for (const auto& answer : waiting) {
    auto copy = result;
    if (copy) copy->replayed = true;
    answer(copy && one_time ? Result<Receipt>{given_once()} : std::move(copy));
  }
}

}  // namespace muster
