// A lane's queue: frames as the bytes that will be sent, so that one write takes them all.
#include "consensus/peer_queue.hpp"

#include "consensus/peer_frame.hpp"

namespace muster::consensus {

PeerQueue::Pushed PeerQueue::push(uint8_t kind, std::string_view body, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() + taken_bytes_ + kFrameHead + body.size() > limits_.bytes ||
      frames_ + taken_frames_ >= limits_.frames)
    return Pushed::full;
  append_frame(waiting_, kind, body);
  if (frames_++ > 0) return Pushed::waits;
  since_ = now;
  return Pushed::first;
}

std::string PeerQueue::take() {
  const std::lock_guard lock(mutex_);
  std::string all;
  all.swap(waiting_);
  taken_bytes_ += all.size();
  taken_frames_ += frames_;
  frames_ = 0;
  return all;
}

void PeerQueue::sent() {
  const std::lock_guard lock(mutex_);
  taken_bytes_ = taken_frames_ = 0;
}

size_t PeerQueue::drop_older_than(Clock::time_point then) {
  const std::lock_guard lock(mutex_);
  if (frames_ == 0 || since_ >= then) return 0;
  const auto dropped = frames_;
  waiting_ = {};
  frames_ = 0;
  return dropped;
}

size_t PeerQueue::bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + taken_bytes_;
}

}  // namespace muster::consensus
