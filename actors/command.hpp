// A command on its way: who asked, what it was decided against, and an answer that cannot be forgotten.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "base/result.hpp"

namespace muster {

/// What the log says of a command that was carried out.
struct Receipt {
  uint64_t seq =
    0;  ///< The answer is as of this seq: its own last event's, or the newest it was decided against.
  std::string result;     ///< What the domain answered: a JSON object.
  bool replayed = false;  ///< An earlier request with the same idempotency key was answered with this.
};

/// Answers exactly once, on whatever thread decides. When the last copy is dropped unanswered, the asker is
/// told `leader.lost` with an unknown outcome: nobody waits for ever.
class Answer {
public:
  using Send = std::function<void(Result<Receipt>)>;
  Answer() = default;
  explicit Answer(Send send) : owed_(std::make_shared<Owed>(std::move(send))) {}
  void operator()(Result<Receipt> result) const;

private:
  struct Owed {
    explicit Owed(Send s) : send(std::move(s)) {}
    ~Owed();
    Owed(const Owed&) = delete;
    Owed& operator=(const Owed&) = delete;
    Send send;
  };
  std::shared_ptr<Owed> owed_;
};

/// Who asked. The edge fills it in; the log writes it into every line that follows from the command.
struct Origin {
  std::string actor = "system";
  std::string request;
  std::optional<int64_t> cause;  ///< Seq of the event that led to the command.
  std::string key;               ///< Idempotency key as the caller gave it; empty: none.
  std::string fingerprint;       ///< What the key stands for: method, path and body.
  bool one_time = false;         ///< The reply holds a secret: it is never kept.
};

/// The decision read this stream at this version (the seq of its last event); on a newer one it is decided
/// again.
struct Expectation {
  std::string stream;
  uint64_t version = 0;
};

}  // namespace muster
