// One connection to an AMQP 0-9-1 broker, by librabbitmq: declares, publishes with confirms, and takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/amqp_url.hpp"
#include "adapters/ports/event_bus.hpp"
#include "base/time.hpp"

struct amqp_connection_state_t_;

namespace muster {

struct AmqpOptions {
  AmqpUrl url;
  std::string ca_file{};               ///< PEM; empty: those that the system trusts.
  Millis connect{3'000};               ///< Until the broker took the connection.
  Millis handshake{10'000};            ///< Until it let us in, from the beginning.
  Millis answer{10'000};               ///< What is not answered by then has failed.
  int heartbeat_s = 10;                ///< The broker may want it sooner.
  size_t in_flight = 64;               ///< Messages that wait for their confirms.
  size_t message_bytes = 1024 * 1024;  ///< Of one that is published.
};

constexpr size_t kMaxTaken = 16 * 1024 * 1024;  ///< Bytes of a message that is read.

/// What the broker said no to; the connection goes on. 0: it said yes.
struct AmqpRefusal {
  int code = 0;
  std::string text{};
};

/// For one thread at a time, and until ended(). Errors are the port's. A call never waits longer than the
/// options say, whatever the broker sends; only the system's own look for a host name takes as long as it
/// takes.
class AmqpSession {
public:
  static Result<std::unique_ptr<AmqpSession>> open(const AmqpOptions& options);
  ~AmqpSession();
  AmqpSession(const AmqpSession&) = delete;
  AmqpSession& operator=(const AmqpSession&) = delete;

  /// Why the connection is of no use any more; nothing: it is.
  [[nodiscard]] const std::optional<Error>& ended() const { return ended_; }
  /// Sends a heartbeat when one is due, and sees whether the broker hung up.
  void pulse();

  /// Looks, makes nothing: 404 when it is not there.
  Result<AmqpRefusal> look_for_exchange(const std::string& name);
  Result<AmqpRefusal> look_for_queue(const std::string& name, uint64_t& messages);
  /// Makes it when it is missing: 406 or 405 when it is there in another form.
  Result<AmqpRefusal> declare(const profile::Exchange& exchange);
  Result<AmqpRefusal> declare(const profile::Queue& queue);
  Result<AmqpRefusal> bind(const profile::Binding& binding);
  /// Also says yes when it is not bound.
  Result<AmqpRefusal> unbind(const profile::Binding& binding);

  /// One status for each message, in order.
  std::vector<Status> publish(const std::vector<const BusMessage*>& messages);
  Result<std::optional<BusMessage>> take(const std::string& queue);

  /// From now on next() gives what is published to `exchange` under topics of this pattern, by a queue that
  /// goes with the connection and holds at most `limit` messages, the newest.
  Status consume(const std::string& exchange, const std::string& pattern, size_t limit);
  /// Nothing when none came in time.
  Result<std::optional<BusMessage>> next(Millis within);

private:
  using Clock = std::chrono::steady_clock;
  struct Flight;
  struct Content;
  explicit AmqpSession(const AmqpOptions& options);
  Status connect();
  void answer_by(Clock::time_point until);
  Status log_in(Clock::time_point until);
  Status open_channel(int channel);
  Status ask_for_confirms();
  Result<AmqpRefusal> answer(int channel);
  Result<AmqpRefusal> answer_of(int channel, const void* reply);
  Result<AmqpRefusal> closed(int channel, void* close);
  Error fail(int status);
  Error fail_closed(void* close);
  Error fail_reply(std::string_view why);
  Error end(std::string_view code, std::string_view why);
  Status wait_frame(void* frame, Clock::time_point until);
  Result<Content> read_content(int channel);
  Status send(const BusMessage& message);
  Status settle(Flight& flight);
  Status settle_frame(Flight& flight, const void* frame);
  [[nodiscard]] std::string said(std::string_view text) const;

  const AmqpOptions options_;
  amqp_connection_state_t_* state_;
  std::optional<Error> ended_;
  uint64_t next_tag_ = 1;  ///< Of the publishing channel.
};

}  // namespace muster
