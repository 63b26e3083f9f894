// Talks to a node over HTTP, with the credentials and the time-out of the configuration.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config/config.hpp"
#include "base/json.hpp"

namespace muster::cli {

struct Answer {
  int status = 0;
  std::string body;
  std::string next_cursor;  ///< X-Next-Cursor.
  size_t faults = 0;        ///< X-Flowd-Discovery-Errors.
};

using Query = std::vector<std::pair<std::string_view, std::string>>;

/// `path?name=value&...`, percent-encoded, without members whose value is empty.
[[nodiscard]] std::string with_query(std::string_view path, const Query& query);

/// `text` as one segment of a path.
[[nodiscard]] std::string path_segment(std::string_view text);

/// An Idempotency-Key: what is sent under one happens once.
[[nodiscard]] std::string new_key();

/// Whom to ask: the node that the configuration names, else the one that serves the data folder now.
[[nodiscard]] std::optional<std::string> node_to_ask(const config::Config& config);

/// One connection, kept alive between calls. Every call's error is the node's problem (problem_of), or
/// `unreachable` with the reason when there was no reply.
class Client {
public:
  /// Of node_to_ask(), or of the usual address. `patience` is the time-out where the configuration gives
  /// none.
  [[nodiscard]] static Result<Client> make(const config::Config& config, Millis patience = Millis{0});
  /// Of the node at `server`, whatever the configuration names.
  [[nodiscard]] static Result<Client> make_for(const std::string& server, const config::Config& config,
                                               Millis patience = Millis{0});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// `body` is sent as JSON when it is not empty. A write goes under an Idempotency-Key, `key` or one of its
  /// own, so that it happens once: whoever is told 503 and when to come again, as while nobody leads, asks
  /// again for as long as the time-out allows.
  [[nodiscard]] Result<Answer> call(std::string_view method, const std::string& path,
                                    const std::string& body = {}, const std::string& key = {});
  /// From now on whoever is told 503 is told so: the caller asks again by itself.
  void ask_once();
  /// A GET whose reply is one JSON document.
  [[nodiscard]] Result<Json> get(const std::string& path);

  /// Takes bytes as they come; false ends the stream.
  using Sink = std::function<bool(std::string_view bytes)>;
  /// Called at least once a second while the stream is open; false ends it.
  using Tick = std::function<bool()>;
  /// A GET without a time-out. Done when the node or the sink ended it.
  [[nodiscard]] Status stream(const std::string& path, const Sink& sink, const Tick& tick = {});

  [[nodiscard]] const std::string& server() const;

private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace muster::cli
