// Verifying a log, line by line.
#include "events/log/verify.hpp"

#include <utility>

#include "events/log/verify_hashes.hpp"
#include "events/log/verify_reading.hpp"
#include "events/log/verify_start.hpp"

namespace muster::log {
namespace {

/// What the next line is compared with.
struct Before {
  uint64_t seq = 0, epoch = 0;
  Digest prev{}, hash{};
  std::string time;
};

/// One pass over one file. Steps answer false once the verdict is known to be bad.
class Verifier {
public:
  Verifier(const NextLine& next, const VerifyOptions& options) : next_(next), options_(options) {}

  Result<Verdict> run() {
    if (!hashes_.usable()) return no_room();
    (void)all();
    if (!hashes_.usable()) return no_room();
    return std::move(verdict_);
  }

private:
  static Error no_room() { return {"internal", "there is no room for a temporary file of hashes", {}}; }

  bool bad(uint64_t seq, std::string reason) {
    verdict_.bad = seq;
    verdict_.reason = std::move(reason);
    return false;
  }

  bool all() {
    std::string raw, following;
    bool more = next_(raw);
    if (!more) {
      if (options_.head && *options_.head != NamedHead{})
        return bad(options_.from.value_or(1), "lines are missing at the end");
      return true;
    }
    bool another = next_(following);
    if (!check_start(raw, another ? &following : nullptr)) return false;
    while (more) {
      if (!check(raw, another ? &following : nullptr)) return false;
      raw.swap(following);
      more = another;
      another = more && next_(following);
    }
    if (options_.head && before_->seq < options_.head->seq)
      return bad(before_->seq + 1, "lines are missing at the end");
    if (!start_known_ && !starts_.is_first(first_seq_))
      return bad(starts_.greatest(), "lines are missing at the start");
    return true;
  }

  // Where the file starts.

  bool check_start(const std::string& raw, const std::string* following) {
    if (options_.from) {
      first_seq_ = *options_.from;
      start_known_ = true;
      return true;
    }
    const auto first = try_line(&raw), second = try_line(following);
    if (!first) {
      ReadLine line;
      const char* wrong = parse_line(raw, line);
      pass_rest(second);
      return bad(starts_.greatest(), wrong);
    }
    const auto seq = first_seq_ = first->shape.seq;
    const bool zeros = first->prev == kNoDigest;
    const bool next_fits = second && second->shape.seq == seq + 1;
    if (seq == 1) {
      start_known_ = zeros || !second || next_fits;
      if (start_known_) return true;
    } else if (!zeros && (!second || next_fits)) {
      return true;
    }
    return judge_start(raw, following, *first, second);
  }

  /// The second line contradicts the first one, or the first one itself: the rest of the file tells whom to
  /// believe.
  bool judge_start(const std::string& raw, const std::string* following, const ReadLine& first,
                   const std::optional<ReadLine>& second) {
    see(first);
    const auto third = pass_rest(second);
    const auto seq = first.shape.seq;
    const bool cut = seq != 1 && first.prev != kNoDigest &&
                     (starts_.is_first(seq) || (second->shape.seq > seq && starts_.greatest() == 1));
    if (cut && !(check(raw, following) && check(*following, third ? &*third : nullptr))) return false;
    return bad(starts_.greatest(), "the file starts with seq " + std::to_string(seq));
  }

  /// Passes the second and all later lines to the start rules, which uses the file up. The third line.
  std::optional<std::string> pass_rest(const std::optional<ReadLine>& second) {
    if (second) see(*second);
    std::optional<std::string> third;
    std::string raw;
    while (next_(raw)) {
      if (const auto line = try_line(&raw)) see(*line);
      if (!third) third = raw;
    }
    return third;
  }

  void see(const ReadLine& line) {
    uint64_t dropped = 0;
    if (line.shape.type == "log.compacted") {
      const auto to = named_by(line.shape.data, "to").seq.value_or(0);
      if (to > 0) dropped = static_cast<uint64_t>(to);
    }
    starts_.see(line.shape.seq, dropped, first_seq_);
  }

  // One line.

  [[nodiscard]] bool vouched(const ReadLine& line, const std::string* following) const {
    if (options_.head && line.shape.seq == options_.head->seq) return line.hash == options_.head->hash;
    const auto after = try_line(following);
    return after && after->prev == line.hash;
  }

  bool check(const std::string& raw, const std::string* following) {
    const auto expected = before_ ? before_->seq + 1 : first_seq_;
    const auto& head = options_.head;
    if (head && expected > head->seq)
      return bad(before_ ? head->seq + 1 : expected, "behind the expected head");
    ReadLine line;
    if (const char* wrong = parse_line(raw, line)) return bad(expected, wrong);
    see(line);
    if (!check_seq(line, following, expected) || !check_prev(line, following) || !check_order(line))
      return false;
    if (!before_) hashes_.start(line.shape.seq, line.prev);
    if (!check_digest(line)) return false;
    if (head && line.shape.seq == head->seq && line.hash != head->hash)
      return bad(line.shape.seq, "its hash is not the expected head's");
    hashes_.add(line.hash);
    if (!before_) before_.emplace();
    before_->seq = line.shape.seq;
    before_->epoch = line.shape.epoch;
    before_->prev = line.prev;
    before_->hash = line.hash;
    before_->time = line.shape.time;
    verdict_.lines++;
    verdict_.head = {line.shape.seq, line.hash};
    if (options_.good) options_.good(line.shape);
    return true;
  }

  bool check_seq(const ReadLine& line, const std::string* following, uint64_t expected) {
    const auto seq = line.shape.seq;
    if (seq == expected) return true;
    if (before_ && seq == before_->seq && line.prev == before_->prev && line.hash != before_->hash &&
        vouched(line, following))
      return bad(before_->seq, "two lines claim this seq, the next one vouches for the other");
    return bad(expected, "seq is " + std::to_string(seq));
  }

  bool check_prev(const ReadLine& line, const std::string* following) {
    if (!before_) {
      if ((line.prev == kNoDigest) == (line.shape.seq == 1)) return true;
      return bad(line.shape.seq, "prev is 64 zeros exactly before line 1");
    }
    if (line.prev == before_->hash) return true;
    if (vouched(line, following)) return bad(before_->seq, "its hash is not the next line's prev");
    return bad(line.shape.seq, "prev is not the hash of the line before");
  }

  bool check_order(const ReadLine& line) {
    if (before_ && line.shape.time < before_->time)
      return bad(line.shape.seq, "time is before the line before's");
    if (before_ && line.shape.epoch < before_->epoch)
      return bad(line.shape.seq, "epoch is below the line before's");
    return true;
  }

  bool check_digest(const ReadLine& line) {
    const char* key = line.shape.type == "log.checkpointed" ? "at"
                      : line.shape.type == "log.compacted"  ? "to"
                                                            : nullptr;
    if (key == nullptr) return true;
    const auto seq = line.shape.seq;
    const auto named = named_by(line.shape.data, key);
    if (!named.seq || *named.seq < 1 || static_cast<uint64_t>(*named.seq) >= seq)
      return bad(seq, std::string("data.") + key + " names no earlier line");
    if (!named.hash) return bad(seq, "data.head is not a hash");
    const auto known = hashes_.get(static_cast<uint64_t>(*named.seq));
    if (known && *known != *named.hash)
      return bad(seq, "data.head is not the hash of line " + std::to_string(*named.seq));
    return true;
  }

  const NextLine& next_;
  const VerifyOptions& options_;
  Verdict verdict_;
  Hashes hashes_;
  Starts starts_;
  uint64_t first_seq_ = 0;
  bool start_known_ = false;
  std::optional<Before> before_;
};

}  // namespace

Result<Verdict> verify(const NextLine& next, const VerifyOptions& options) {
  return Verifier{next, options}.run();
}

}  // namespace muster::log
