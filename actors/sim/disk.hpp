// A disk for the simulator: it fails at a chosen write, or the power does.
#pragma once

#include <functional>

#include "events/log/memory_disk.hpp"

namespace muster::sim {

class Disk : public log::MemoryDisk {
public:
  Status write(const log::Batch& batch, bool sync) override {
    if (countdown > 0 && --countdown == 0) {
      if (reaches_platter) (void)MemoryDisk::write(batch, sync);
      fail_writes(true);
      failed();
    }
    return MemoryDisk::write(batch, sync);
  }
  size_t countdown = 0;          ///< The how many-th write from now fails, and all after it; 0: none.
  bool reaches_platter = false;  ///< The first write that fails is done all the same.
  std::function<void()> failed = [] {};

  /// A vote is gone that was synced.
  void forget_vote();
  /// As new.
  void wipe();
  /// One bit of the newest row of lines is another now, within a number, so that the line still reads. False
  /// when there is none.
  bool rot();
};

}  // namespace muster::sim
