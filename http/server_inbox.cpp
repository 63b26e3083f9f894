// One lock, one wake for all that waits.
#include "http/server_inbox.hpp"

namespace muster::http {

void Inbox::deliver(ConnectionId connection, Response response) {
  if (std::this_thread::get_id() == owner_ && handling_ == connection) {
    at_once_ = std::move(response);
    return;
  }
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  waiting_.push_back({connection, std::move(response)});
  if (waiting_.size() == 1) wake_();
}

void Inbox::take(std::vector<Answer>& into) {
  const std::lock_guard lock(mutex_);
  waiting_.swap(into);
}

void Inbox::close() {
  std::vector<Answer> dropped;  // Destroyed outside the lock: a stream's end may do anything.
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(waiting_);
}

std::optional<Response> Inbox::answered_at_once() {
  handling_ = 0;
  return std::exchange(at_once_, std::nullopt);
}

}  // namespace muster::http
