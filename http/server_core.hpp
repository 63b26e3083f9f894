// What the connections of one server share. Everything here belongs to the server's thread.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>

#include "http/server.hpp"
#include "http/server_gzip.hpp"
#include "http/server_head.hpp"
#include "http/server_inbox.hpp"
#include "http/server_output.hpp"
#include "http/server_transport.hpp"

namespace muster::http {

using Clock = std::chrono::steady_clock;
using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// What a connection waits for. Each but handling, streaming and ready has its time limit.
enum class Phase : uint8_t {
  idle,       ///< Between requests.
  head,       ///< A request's head is coming (also: the TLS handshake).
  body,       ///< Its body is coming.
  handling,   ///< The application has it.
  writing,    ///< The peer does not take the reply.
  streaming,  ///< A stream with nothing new.
  ready,      ///< A stream to be pulled.
  stalled,    ///< A stream's reader does not take what was pulled.
  lingering,  ///< Answered for the last time; reads until the peer has seen it.
  closed
};
constexpr size_t kPhases = static_cast<size_t>(Phase::closed);

class Connection;

/// A connection in the list of its phase, in the order in which they entered it: the one that will time out
/// first is in front, so a sweep looks at what is due and nothing else.
struct Listed : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  Clock::time_point since{};
};
using PhaseList = boost::intrusive::list<Listed, boost::intrusive::constant_time_size<false>>;

/// The connections that live, by id. A slot is used again by another tenant, under another id.
class Connections {
public:
  ConnectionId reserve();
  void put(ConnectionId id, std::shared_ptr<Connection> connection);
  /// Null when it is gone.
  [[nodiscard]] std::shared_ptr<Connection> find(ConnectionId id) const;
  void erase(ConnectionId id);
  [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const;

private:
  struct Slot {
    std::shared_ptr<Connection> connection;
    uint32_t tenant = 1;
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

/// One pass over all streams that have something to say.
struct Round {
  bool running = false;
  Clock::time_point began{}, ended{};
  [[nodiscard]] Clock::time_point rested() const;  ///< When the next one may begin.
};

struct Core {
  Core(Application& app, const Limits& l) : application(app), limits(l) {}

  boost::asio::io_context io{1};
  Application& application;
  const Limits limits;
  ServerStats stats;
  TlsContext tls;
  std::shared_ptr<Inbox> inbox;
  std::array<PhaseList, kPhases> phases;
  Connections connections;
  size_t accepted = 0, refused = 0;  ///< Live ones.
  bool stopping = false;

  // Reused from request to request.
  std::array<char, 64 << 10> scratch{};
  Head head;
  Request request;
  std::string request_id;  ///< What request.id views.
  std::unique_ptr<Output> output = std::make_unique<Output>();
  std::vector<Bytes> pieces;
  std::array<iovec, 128> parts{};  ///< Of one gather write.

  Gzip gzip;
  std::string date = http_date();
  std::string id_prefix;  ///< Random, of this process.
  uint64_t next_id = 0;
  bool pump_posted = false;
  Round round;

  [[nodiscard]] std::string make_id();
  /// Has the streams in Phase::ready pulled soon, some at a time so that requests come in between.
  void schedule_pump();
  /// Takes a closed connection off the books; the last one of a stopping server ends its thread.
  void forget(ConnectionId id, bool was_refused);

  PhaseList& list(Phase phase) { return phases[static_cast<size_t>(phase)]; }
};

}  // namespace muster::http
