// A toy to stand a replica on: a chain of lines, a disk that fails at a chosen write, time that is moved by
// hand.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "consensus/replica.hpp"
#include "events/log/memory_disk.hpp"

namespace muster::consensus {

/// A disk whose n-th write from now fails, before or after it reached the platter.
class FailingDisk : public log::MemoryDisk {
public:
  Status write(const log::Batch& batch, bool sync) override {
    writes++;
    if (countdown > 0 && --countdown == 0) {
      if (reaches_platter) (void)MemoryDisk::write(batch, sync);
      fail_writes(true);
    }
    return MemoryDisk::write(batch, sync);
  }
  /// A vote is gone that was synced.
  void forget_vote();
  size_t writes = 0;
  size_t countdown = 0;  ///< 0: never.
  bool reaches_platter = false;
};

/// Lines are "seq hash-of-the-line-before body\n"; kept like the product keeps its own.
class ToyChain : public Machine {
public:
  explicit ToyChain(const log::Disk& disk);
  [[nodiscard]] Head head() const override { return head_; }
  void apply(uint64_t index, std::string_view body, log::Batch& batch) override;
  void applied(uint64_t index) override;
  bool take_lines(std::string_view lines, log::Batch& batch) override;
  [[nodiscard]] std::string lines_from(uint64_t seq) const override;
  void reload() override;
  [[nodiscard]] std::optional<LogStart> log_start(uint64_t until) const override;
  [[nodiscard]] std::string checkpoint_piece(uint64_t at, const Digest& digest, uint64_t offset,
                                             size_t most) const override;
  bool take_checkpoint(const LogStart& start, std::string_view bytes, log::Batch& batch) override;
  [[nodiscard]] std::string kept_page(const KeptFetch& fetch, size_t most, std::string& last,
                                      bool& end) const override;
  bool take_kept(const KeptFetch& fetch, std::string_view page, const std::string& last, bool end,
                 log::Batch& batch) override;
  /// How many entries left something beside their line: all did.
  [[nodiscard]] uint64_t kept() const;
  /// The last line on the disk: the chain is ahead of it while an entry is written with its line.
  [[nodiscard]] uint64_t stored() const;
  /// Drops the lines up to `to`, for a checkpoint of that many bytes.
  void compact(uint64_t to, size_t size, log::Batch& batch) const;
  [[nodiscard]] uint64_t oldest() const;
  [[nodiscard]] std::vector<std::string> bodies() const;
  /// The last line that was told of: one whose entry is not written yet may be gone when power is.
  [[nodiscard]] const Head& told() const { return told_; }
  /// Tells of the last line on the disk: whoever wrote it may have ended before.
  void tell_last();

  std::function<void()> on_apply;
  std::function<void(uint64_t)> on_applied;
  std::function<void(uint64_t seq, const Digest& hash, std::string_view body)> on_line;

private:
  void extend(std::string_view line, std::string_view body, log::Batch& batch);
  struct Untold {
    Head head;
    std::string body;
  };
  const log::Disk& disk_;
  Head head_, told_;
  std::vector<Untold> untold_;
};

/// Events in the order of their time; whoever runs them moves the time.
class Clock {
public:
  [[nodiscard]] uint64_t now() const { return now_; }
  void later(uint64_t ms, std::function<void()> task) {
    tasks_.emplace(std::pair{now_ + ms, order_++}, std::move(task));
  }
  /// Runs the next event that is due by `until`; false when there is none, and it is then `until`.
  bool step(uint64_t until);

private:
  uint64_t now_ = 0, order_ = 0;
  std::map<std::pair<uint64_t, uint64_t>, std::function<void()>> tasks_;
};

}  // namespace muster::consensus
