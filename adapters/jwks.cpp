// Reading a JWKS URL on a thread of its own.
#include "adapters/jwks.hpp"

namespace muster {

Jwks::~Jwks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  http_.cancel();
  if (thread_.joinable()) thread_.join();
}

Status Jwks::start() {
  if (auto status = read(); !status) return status;
  thread_ = std::thread([this] { run(); });
  return Done{};
}

Status Jwks::read() {
  HttpRequest request;
  request.url = options_.url;
  request.ca_file = options_.ca_file;
  request.headers = {{"Accept", "application/jwk-set+json, application/json"}};
  request.total_timeout = Millis{5'000};
  request.max_bytes = 1024 * 1024;
  const auto reply = http_.fetch(request);
  const auto fail = [&](Error error) -> Status {
    const std::lock_guard lock(mutex_);
    last_failure_ = error.detail;
    return error;
  };
  if (!reply) return fail({"jwks.unreachable", reply.error().detail});
  if (reply->status != 200)
    return fail({"jwks.unreachable", options_.url + " answered " + std::to_string(reply->status)});
  {
    const std::lock_guard lock(mutex_);
    if (keys_ && reply->body == document_) {
      last_failure_.clear();
      return Done{};
    }
  }
  auto keys = KeySet::parse(reply->body);
  if (!keys) return fail({keys.error().code, options_.url + ": " + keys.error().detail});
  const std::lock_guard lock(mutex_);
  keys_ = std::move(*keys);
  document_ = reply->body;
  last_failure_.clear();
  return Done{};
}

void Jwks::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, options_.refresh, [&] { return stopping_ || wanted_; });
    if (stopping_) return;
    wanted_ = false;
    lock.unlock();
    const auto status = read();  // When it fails, the last good keys stay.
    if (!status && options_.failed) options_.failed(status.error());
    lock.lock();
  }
}

std::shared_ptr<const KeySet> Jwks::keys() {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void Jwks::key_missing() {
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now < early_again_) return;
    early_again_ = now + options_.early;
    wanted_ = true;
  }
  wake_.notify_one();
}

std::string Jwks::last_failure() {
  const std::lock_guard lock(mutex_);
  return last_failure_;
}

}  // namespace muster
