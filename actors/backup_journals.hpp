// The journals of a node's runs, as they were at one moment, in pieces.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace muster::backup {

/// Named before the store's snapshot is taken, so that each of these runs is in it; measured after it, so
/// that what the log says of a run that has ended is there.
class Journals {
public:
  Journals() = default;
  /// Finds the runs below `data`, those first whose folders are oldest: what is restored in this order is
  /// dropped in this order, too.
  explicit Journals(const std::string& data);
  Journals(Journals&& other) noexcept;
  Journals& operator=(Journals&& other) noexcept;
  ~Journals();

  /// Only what is there now will be read.
  void measure();
  /// The next piece and what it is a piece of; false: there is none. A run that was dropped meanwhile is
  /// passed over.
  bool next(std::string& name, std::string& piece);

private:
  struct Segment {
    uint64_t first = 0;
    uint64_t left = 0;  ///< Bytes.
    int fd = -1;
  };
  struct Run {
    std::string id;
    std::deque<Segment> segments;
  };
  void open_run();
  void close_run();

  std::string folder_;
  std::deque<Run> runs_;
  bool opened_ = false;  ///< The first run's segments, all at once: one that is dropped now is read still.
};

}  // namespace muster::backup
