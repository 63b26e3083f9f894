// What this node's log says of those who asked to be let in and were not.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "consensus/peers.hpp"

namespace muster::app {

/// Any thread. At most a few lines a second, whatever is asked: the next one says how many were left out.
class JoinLog {
public:
  /// The member port answered `who`, who had asked for `asked`. Says nothing of one that was let in, nor of
  /// one that is to ask again.
  void answered(const consensus::Stranger& who, const std::string& asked, const std::string& answer);

private:
  /// How many were left out before this one; -1: this one is, too.
  int take();

  std::mutex mutex_;
  std::chrono::steady_clock::time_point second_{};
  int said_ = 0, unsaid_ = 0;
};

}  // namespace muster::app
