// Requests that are handed on to another member, and their answers: in pieces that fit into a frame.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "consensus/peers.hpp"

namespace muster {

struct AskLimits {
  size_t open = 16'384;           ///< Requests without an answer, each way.
  size_t bytes = 64 << 20;        ///< Of one request or answer.
  size_t unfinished = 128 << 20;  ///< Of all that are not whole yet.
  Millis timeout{5'000};          ///< For an answer.
  size_t piece = 512 << 10;       ///< Bytes a frame.
};

/// Any thread. An answer is called exactly once, never inside ask().
class Asks {
public:
  using Send = std::function<void(const std::string& node, consensus::Envelope envelope)>;
  using Reply = std::function<void(Result<std::string>)>;
  using OnRequest = std::function<void(std::string request, std::function<void(std::string)> answer)>;

  Asks(Send send, AskLimits limits) : send_(std::move(send)), limits_(limits) {}

  /// Errors in `reply`: `leader.lost` with an unknown outcome when the member was lost; `command.timeout`;
  /// `reply.too.large`. Error here, and `reply` is not called: `rate.limited`, `body.too.large`.
  Status ask(const std::string& node, std::string request, Reply reply);
  /// A piece of an answer came.
  void answered(const std::string& from, std::string_view body);
  /// A piece of somebody's request came; whole ones go to `on_request`.
  void asked(const std::string& from, std::string_view body, const OnRequest& on_request);

  /// The answers of all members but `node` will not come any more.
  void lose_all_but(const std::string& node);
  /// Ends what took too long; now and then.
  void sweep();

private:
  using Clock = std::chrono::steady_clock;
  struct Open {
    std::string node;
    Reply reply;
    Clock::time_point until;
  };
  struct Partial {
    std::string bytes;
    uint64_t pieces = 0;
    Clock::time_point until;
  };
  using PartialKey = std::pair<std::string, uint64_t>;  ///< Who sends, and the request's number.
  void send_pieces(const std::string& node, consensus::Kind kind, uint64_t id, std::string_view bytes);
  bool add(std::map<PartialKey, Partial>& to, const PartialKey& key, std::string_view body,
           std::string& whole);
  void drop(std::map<PartialKey, Partial>& from, const PartialKey& key);
  void end(std::vector<Reply> replies, const Error& why);

  Send send_;
  AskLimits limits_;
  std::mutex mutex_;
  uint64_t last_ = 0;
  size_t unfinished_ = 0;
  std::map<uint64_t, Open> open_;
  std::map<PartialKey, Partial> answers_, requests_;
};

}  // namespace muster
