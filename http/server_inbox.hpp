// Replies on their way from any thread to the server's own.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace muster::http {

/// Names a connection even after it is gone: its slot and which tenant of the slot it is.
using ConnectionId = uint64_t;

/// Outlives the server for as long as somebody holds a Reply. Many replies that come close together wake the
/// server once: a group commit answers its 64 requests with one post.
class Inbox {
public:
  struct Answer {
    ConnectionId connection;
    Response response;
  };

  explicit Inbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// From any thread. An answer given inside the handler goes the short way, see answered_at_once().
  void deliver(ConnectionId connection, Response response);

  /// On the server's thread from here on. Swaps what waits into `into`, which is empty.
  void take(std::vector<Answer>& into);

  void open() { owner_ = std::this_thread::get_id(); }
  /// From now on answers are dropped; wake_ is not called again.
  void close();

  /// The handler of `connection` runs from here until answered_at_once().
  void handling(ConnectionId connection) { handling_ = connection; }
  std::optional<Response> answered_at_once();

private:
  std::mutex mutex_;
  std::vector<Answer> waiting_;
  bool closed_ = false;
  std::function<void()> wake_;

  // Of the server's thread alone; owner_ is set before the first request.
  std::thread::id owner_;
  ConnectionId handling_ = 0;
  std::optional<Response> at_once_;
};

}  // namespace muster::http
