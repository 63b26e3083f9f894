// Reading and hashing beside the fold; decoding beside it, and by it when it would wait.
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
constexpr size_t kBlocksAhead = 16;  // Of what is folded.

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

/// Blocks in order, from the thread that reads them to the one that folds them; decoded in between by
/// whoever has nothing better to do.
class Belt {
public:
  /// A block to fill: an old one, which lends its memory, when there is one.
  BlockPtr blank() {
    const std::lock_guard lock{mutex_};
    if (used_.empty()) return std::make_unique<Block>();
    auto block = std::move(used_.back());
    used_.pop_back();
    return block;
  }
  /// False when nobody takes any more.
  bool give(BlockPtr block) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return closed_ || places_.size() < kBlocksAhead; });
    if (closed_) return false;
    places_.push_back({std::move(block), State::read});
    changed_.notify_all();
    return true;
  }
  /// No more are given.
  void end() {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    changed_.notify_all();
  }

  /// Decodes what comes, until the end.
  template <class Decode>
  void serve(Decode&& decode) {
    std::unique_lock lock{mutex_};
    for (;;) {
      Place* place = nullptr;
      changed_.wait(lock, [&] { return (place = undecoded()) || closed_ || ended_; });
      if (closed_ || !place) return;
      work_on(*place, lock, decode);
    }
  }

  /// The next block, decoded; nothing: the end. Decodes itself, rather than wait for the one who does.
  template <class Decode>
  BlockPtr take(Decode&& decode) {
    std::unique_lock lock{mutex_};
    for (;;) {
      if (!places_.empty() && places_.front().state == State::decoded) break;
      if (auto* place = undecoded()) {
        work_on(*place, lock, decode);
        continue;
      }
      if (places_.empty() && ended_) return nullptr;
      changed_.wait(lock);
    }
    auto block = std::move(places_.front().block);
    places_.pop_front();
    changed_.notify_all();
    return block;
  }
  /// Nobody takes any more, or needs to.
  void close() noexcept {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_all();
  }
  /// Lends a block's memory to another.
  void lend(BlockPtr block) {
    const std::lock_guard lock{mutex_};
    used_.push_back(std::move(block));
  }

private:
  enum class State : uint8_t { read, being_decoded, decoded };
  struct Place {
    BlockPtr block;
    State state = State::read;
  };

  Place* undecoded() {
    for (auto& place : places_)
      if (place.state == State::read) return &place;
    return nullptr;
  }
  /// Places stay where they are while others come behind them and decoded ones go before them.
  template <class Decode>
  void work_on(Place& place, std::unique_lock<std::mutex>& lock, Decode& decode) {
    place.state = State::being_decoded;
    lock.unlock();
    decode(*place.block);
    lock.lock();
    place.state = State::decoded;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Place> places_;
  std::vector<BlockPtr> used_;
  bool ended_ = false, closed_ = false;
};

/// Closes a belt at the end of its scope.
class Closing {
public:
  explicit Closing(Belt& belt) : belt_(belt) {}
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  ~Closing() { belt_.close(); }

private:
  Belt& belt_;
};

Error corrupt(uint64_t seq, const std::string& what) {
  return {"log.corrupt", "seq " + std::to_string(seq) + ": " + what, {}};
}

/// Reads lines and checks that they are a chain.
class Reader {
public:
  Reader(const log::Disk& disk, Belt& belt, const ChainPlace& start, uint64_t to)
    : disk_(disk), belt_(belt), next_(start.seq + 1), to_(to), head_(start.head) {}

  void run() {
    begin();
    try {
      log::ChainReader{disk_}.each_from(
        next_, [&](uint64_t at, std::string_view line) { return at <= to_ && add(at, line); });
    } catch (const log::Unreadable& failed) {
      block_->status = failed.error();
    } catch (const std::exception& failed) {
      (void)refuse(failed.what());
    }
    if (block_->status && next_ <= to_ && wanted_)
      block_->status = corrupt(next_, "lines are missing at the end");
    belt_.give(std::move(block_));
    belt_.end();
  }

private:
  void begin() {
    block_ = belt_.blank();
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
    wanted_ = belt_.give(std::move(block_));
    begin();
    return wanted_;
  }

  bool refuse(const std::string& what) {
    block_->status = corrupt(next_, what);
    return false;
  }

  const log::Disk& disk_;
  Belt& belt_;
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

}  // namespace

Status each_record(const log::Disk& disk, ChainPlace& from, uint64_t to,
                   const std::function<void(const Record&)>& visit) {
  if (from.seq >= to) return Done{};
  Belt belt;
  std::jthread reader{[&, start = from] { Reader{disk, belt, start, to}.run(); }};
  std::jthread decoder{[&] { belt.serve(decode); }};
  const Closing before_they_are_waited_for{belt};
  Status status = Done{};
  while (auto block = belt.take(decode)) {
    for (size_t i = 0; i < block->decoded; i++) visit(block->records[i]);
    if (block->decoded != 0) from = {block->first + block->decoded - 1, block->head};
    status = block->status;
    if (!status) break;
    belt.lend(std::move(block));
  }
  return status;
}

}  // namespace muster
