// Following the log of a node: lines as they are committed, across lost connections.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "app/cli/client.hpp"
#include "app/cli/verb.hpp"

namespace muster::cli {

/// The seq of a line, 0 when it is not an event's.
[[nodiscard]] uint64_t seq_of(std::string_view line);

/// Cuts bytes into lines. A line longer than the limit of 16 MiB ends the stream.
class Lines {
public:
  using OnLine = std::function<bool(std::string_view line)>;
  /// Calls `on_line` for each whole line that is not empty; false when that, or the limit, said stop.
  bool take(std::string_view bytes, const OnLine& on_line);

private:
  std::string rest_;
};

/// Server-sent events, from the lines of their stream.
class ServerEvents {
public:
  /// `id` is that of the last event that had one, 0: none had.
  using OnEvent = std::function<bool(uint64_t id, const std::string& type, const Json& data)>;
  /// Calls `on_event` at an event's data, one line of JSON; what `on_event` said, else true.
  bool take(std::string_view line, const OnEvent& on_event);

private:
  uint64_t id_ = 0;
  std::string type_;
};

/// The seq of the last committed event.
[[nodiscard]] Result<uint64_t> head_of(Client& client);

/// GET /v1/events?follow=true from `from` on, with what else is in `filter`. When the connection breaks after
/// it once stood, it says so on stderr and connects again behind the last line, for as long as the error is
/// one that a retry may help. Ends when `on_line` or `tick` returns false.
[[nodiscard]] Status follow(const Call& call, uint64_t from, const Query& filter,
                            const Lines::OnLine& on_line, const Client::Tick& tick = {});

/// Draws with `draw`; with `watch` or --watch again whenever an event is committed, and every five seconds,
/// since heartbeats are no events. `draw` gets a document and prints it for a person; with --json it is
/// printed as it is.
using Fetch = std::function<Result<Json>(Client& client)>;
using Draw = std::function<void(std::ostream& out, const Json& document)>;
[[nodiscard]] Outcome show(Call& call, const Fetch& fetch, const Draw& draw, bool watch = false);

}  // namespace muster::cli
