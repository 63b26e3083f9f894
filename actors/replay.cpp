// Replaying in a pipeline: one thread reads and hashes, one decodes, the caller folds.
#include "actors/replay.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "events/log/chain.hpp"

namespace muster {
namespace {

constexpr size_t kBlockLines = 256;
constexpr size_t kBlockBytes = 256 * 1024;
constexpr size_t kBlocksWaiting = 16;  // Between two stages.

/// Some lines in order, and what became of them.
struct Block {
  std::string bytes;
  std::vector<size_t> ends;
  uint64_t first = 0;           ///< The seq of its first line.
  std::vector<Record> records;  ///< Kept from block to block: they lend their memory.
  size_t decoded = 0;           ///< How many of them are of this block.
  Digest head{};                ///< Of its last line.
  Status status = Done{};
};
using BlockPtr = std::unique_ptr<Block>;

/// Blocks on their way from one thread to the next: a few at most, and an end.
class Channel {
public:
  /// False when nobody takes any more.
  bool give(BlockPtr block) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return closed_ || blocks_.size() < kBlocksWaiting; });
    if (closed_) return false;
    blocks_.push_back(std::move(block));
    changed_.notify_all();
    return true;
  }
  /// Nothing: the end.
  BlockPtr take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return closed_ || ended_ || !blocks_.empty(); });
    if (closed_ || blocks_.empty()) return nullptr;
    auto block = std::move(blocks_.front());
    blocks_.pop_front();
    changed_.notify_all();
    return block;
  }
  /// For blocks that only lend their memory: dropped when there are enough.
  void keep(BlockPtr block) {
    const std::lock_guard lock{mutex_};
    if (blocks_.size() < kBlocksWaiting) blocks_.push_back(std::move(block));
  }
  /// A block that is there already; nothing when there is none.
  BlockPtr try_take() {
    const std::lock_guard lock{mutex_};
    if (blocks_.empty()) return nullptr;
    auto block = std::move(blocks_.front());
    blocks_.pop_front();
    return block;
  }
  void end() {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<BlockPtr> blocks_;
  bool ended_ = false, closed_ = false;
};

Error corrupt(uint64_t seq, const std::string& what) {
  return {"log.corrupt", "seq " + std::to_string(seq) + ": " + what, {}};
}

/// Reads lines and checks that they are a chain.
class Reader {
public:
  Reader(const log::Disk& disk, Channel& out, Channel& used, const ViewSet& start, uint64_t to)
    : disk_(disk), out_(out), used_(used), next_(start.seq + 1), to_(to), head_(start.head) {}

  void run() {
    begin();
    try {
      log::ChainReader{disk_}.each_from(
        next_, [&](uint64_t at, std::string_view line) { return at <= to_ && add(at, line); });
    } catch (const std::exception& failed) {  // The disk does not give its bytes.
      (void)refuse(failed.what());
    }
    if (block_->status && next_ <= to_ && to_ != UINT64_MAX)
      block_->status = corrupt(next_, "lines are missing at the end");
    out_.give(std::move(block_));
    out_.end();
  }

private:
  void begin() {
    block_ = used_.try_take();
    if (!block_) block_ = std::make_unique<Block>();
    block_->bytes.clear();
    block_->ends.clear();
    block_->decoded = 0;
    block_->first = next_;
  }

  bool add(uint64_t at, std::string_view line) {
    if (at != next_) return refuse("the line is missing");
    append_place(place_, at, head_);
    if (!line.starts_with(place_)) return refuse("its seq or prev does not continue the chain");
    place_.clear();
    head_ = sha256(line);
    next_++;
    block_->bytes += line;
    block_->ends.push_back(block_->bytes.size());
    block_->head = head_;
    if (block_->ends.size() < kBlockLines && block_->bytes.size() < kBlockBytes) return true;
    const bool wanted = out_.give(std::move(block_));
    begin();
    return wanted;
  }

  bool refuse(const std::string& what) {
    block_->status = corrupt(next_, what);
    return false;
  }

  const log::Disk& disk_;
  Channel& out_;
  Channel& used_;
  uint64_t next_;
  const uint64_t to_;
  Digest head_;
  std::string place_;
  BlockPtr block_;
};

void decode(Block& block) {
  if (block.records.size() < block.ends.size()) block.records.resize(block.ends.size());
  const std::string_view bytes{block.bytes};
  size_t from = 0;
  for (const auto end : block.ends) {
    if (auto status = read_line(bytes.substr(from, end - from), block.records[block.decoded]); !status) {
      block.status = corrupt(block.first + block.decoded, status.error().detail);
      return;
    }
    block.decoded++;
    from = end;
  }
}

void decode_all(Channel& in, Channel& out) {
  while (auto block = in.take()) {
    decode(*block);
    if (!out.give(std::move(block))) break;
  }
  out.end();
}

/// Where to begin: nothing, or the oldest checkpoint when the first lines are gone.
Result<World> beginning(const log::Disk& disk) {
  const auto oldest = log::ChainReader{disk}.oldest();
  if (oldest <= 1) return World{};
  for (const auto at : checkpoint_seqs(disk)) {
    if (at + 1 < oldest) continue;
    auto world = load_checkpoint(disk, at);
    if (world && world->set.seq == at) return std::move(*world);
  }
  return Error{"log.compacted",
               "the lines before seq " + std::to_string(oldest) + " are gone, and no checkpoint holds them",
               {}};
}

}  // namespace

Result<Replayed> replay(const log::Disk& disk, uint64_t to) {
  auto start = beginning(disk);
  if (!start) return start.error();
  Replayed done;
  done.world = std::move(*start);
  done.from = done.world.set.seq;
  if (to < done.from)
    return Error{"log.compacted", "the oldest seq that can be replayed is " + std::to_string(done.from), {}};
  Channel read, decoded, used;
  std::jthread reader{[&] { Reader{disk, read, used, done.world.set, to}.run(); }};
  std::jthread decoder{[&] { decode_all(read, decoded); }};
  Status status = Done{};
  while (auto block = decoded.take()) {
    for (size_t i = 0; i < block->decoded; i++) fold(done.world, block->records[i]);
    done.events += block->decoded;
    if (block->decoded != 0) done.world.set.head = block->head;
    status = block->status;
    if (!status) break;
    used.keep(std::move(block));
  }
  read.close();
  decoded.close();
  if (!status) return status.error();
  return done;
}

}  // namespace muster
