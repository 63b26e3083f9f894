// Reading, hashing and decoding beside the fold.
#include "actors/pipeline.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/domains.hpp"
#include "events/log/chain.hpp"

namespace muster {
namespace {

constexpr size_t kBlockLines = 256;
constexpr size_t kBlockBytes = size_t{256} << 10;
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
  Reader(const log::Disk& disk, Channel& out, Channel& used, const ChainPlace& start, uint64_t to)
    : disk_(disk), out_(out), used_(used), next_(start.seq + 1), to_(to), head_(start.head) {}

  void run() {
    begin();
    try {
      log::ChainReader{disk_}.each_from(
        next_, [&](uint64_t at, std::string_view line) { return at <= to_ && add(at, line); });
    } catch (const std::exception& failed) {  // The disk does not give its bytes.
      (void)refuse(failed.what());
    }
    if (block_->status && next_ <= to_ && wanted_)
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
    if (at != next_ && first_) {
      block_->status =
        Error{"log.compacted", "the lines before seq " + std::to_string(at) + " were dropped", {}};
      return false;
    }
    first_ = false;
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
    wanted_ = out_.give(std::move(block_));
    begin();
    return wanted_;
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
  bool first_ = true;   ///< No line was read yet.
  bool wanted_ = true;  ///< Somebody takes the blocks.
  std::string place_;
  BlockPtr block_;
};

template <class S, class E>
concept Keeps = requires(S state, Shared<E> event) {
  evolve(std::move(state), event);
};

/// Whether some state keeps events of this type whole.
template <class E, class AllStates>
constexpr bool is_kept = false;
template <class E, class... S>
constexpr bool is_kept<E, std::tuple<S...>> = (Keeps<S, E> || ...);

/// The copy that the folds would make of the event is made here, beside them.
void keep(const Record& record) {
  match(record.event)([&]<class E>(const E& event) {
    if constexpr (is_kept<E, States>) (void)record.shared(event);
  });
}

void decode(Block& block) {
  if (block.records.size() < block.ends.size()) block.records.resize(block.ends.size());
  const std::string_view bytes{block.bytes};
  size_t from = 0;
  for (const auto end : block.ends) {
    if (auto status = read_line(bytes.substr(from, end - from), block.records[block.decoded]); !status) {
      block.status = corrupt(block.first + block.decoded, status.error().detail);
      return;
    }
    keep(block.records[block.decoded++]);
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

}  // namespace

Status each_record(const log::Disk& disk, ChainPlace& from, uint64_t to,
                   const std::function<void(const Record&)>& visit) {
  if (from.seq >= to) return Done{};
  Channel read, decoded, used;
  std::jthread reader{[&, start = from] { Reader{disk, read, used, start, to}.run(); }};
  std::jthread decoder{[&] { decode_all(read, decoded); }};
  Status status = Done{};
  while (auto block = decoded.take()) {
    for (size_t i = 0; i < block->decoded; i++) visit(block->records[i]);
    if (block->decoded != 0) from = {block->first + block->decoded - 1, block->head};
    status = block->status;
    if (!status) break;
    used.keep(std::move(block));
  }
  read.close();
  decoded.close();
  return status;
}

}  // namespace muster
