// One connection: requests in, replies and streams out, in order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/server_chunked.hpp"
#include "http/server_core.hpp"

namespace muster::http {

/// Reads and parses, hands over, and does not parse on before the answer is there. Idle, it holds one small
/// buffer; everything else is the server's scratch or lives as long as a request.
class Connection : public Listed, public std::enable_shared_from_this<Connection> {
public:
  struct Peer {
    std::string address;
    bool loopback = false;
    bool refused = false;  ///< Beyond max_connections: every request is answered 429.
  };

  Connection(Core& core, Socket socket, ConnectionId id, Peer peer);

  // The caller of these holds a shared pointer: each may end the connection.
  void start();
  /// The answer to the request that was handed over.
  void answer(Response response);
  /// Pulls the stream once and sends what came.
  void pump();
  /// Queues the stream to be pulled.
  void make_ready();
  /// The limit of its phase has passed.
  void timed_out();
  /// The server stops: ends what may end now, lets the rest finish.
  void drain();
  void close();

  /// True when the stream asked to be pulled by now.
  [[nodiscard]] bool wake_due(Clock::time_point now) const;

private:
  /// What must be known of a request when its answer is written.
  struct Asked {
    std::string_view method, path, route, id, actor;
    Clock::time_point began;
    size_t bytes_in = 0;
    bool head = false, http10 = false, keep_alive = true, gzip = false;
  };

  /// A request that waits for its answer, or whose answer is a stream.
  struct Exchange {
    explicit Exchange(const Asked& views);
    std::string text;  ///< Holds what `asked` views.
    Asked asked;
    std::unique_ptr<Stream> stream;
    int status = 0;
    size_t bytes_out = 0;
  };

  /// A request whose body did not come with its head.
  struct Upload {
    std::string head;
    std::string body;
    uint64_t length;  ///< Unused when chunked.
    bool is_chunked;
    ChunkedBody chunked;
  };

  // server_connection.cpp: reading.
  void want_read();
  void on_read(boost::system::error_code ec, size_t bytes);
  void read_tls();
  void received(std::string_view data);
  void process(std::string_view data, bool own);
  size_t parse_one(std::string_view data);
  size_t begin_request(std::string_view data, size_t head_size);
  size_t go_on_uploading(std::string_view data);
  void dispatch(std::string_view body, size_t bytes_in);
  [[nodiscard]] Asked asked_of(const Head& head, size_t bytes_in);
  void fail(const Error& error, const Asked& asked);
  [[nodiscard]] bool can_parse() const;

  // server_reply.cpp: writing.
  void respond(const Asked& asked, Response response);
  void respond_stream(Response response);
  void compress(const Asked& asked, Response& response) const;
  void append_chunk(const std::vector<Bytes>& pieces, size_t size);
  void end_stream(bool farewell);
  void flush();
  void wait_write(Transfer::Wants wants);
  void on_writable();
  void drop_stalled();
  void finish();
  void report(const Asked& asked, int status, size_t bytes_out);
  [[nodiscard]] Output& output() { return blocked_ ? *blocked_ : *core_.output; }
  [[nodiscard]] bool streams() const { return exchange_ && exchange_->stream; }

  // server_phases.cpp: the phase follows from what there is.
  void settle();
  [[nodiscard]] Phase current() const;
  void enter(Phase phase);

  Core& core_;
  Socket socket_;
  Transport transport_;
  const ConnectionId id_;
  const Peer peer_;
  Phase phase_ = Phase::closed;
  bool reading_ = false;  ///< A read or a wait for one is under way.
  bool waiting_write_ = false;
  bool restart_ = true;       ///< A new request began: its phase counts from now, even if it is the same.
  bool close_after_ = false;  ///< When all is written.
  bool lingering_ = false;
  bool unread_ = false;  ///< The peer may still be sending: closing at once would reset the reply away.
  size_t scanned_ = 0;   ///< Of in_: holds no end of a head.
  std::string in_;       ///< Part of a head, or requests behind one that is being answered.
  std::unique_ptr<Upload> upload_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Output> blocked_;  ///< What the peer did not take yet.
  std::array<char, 1024>
    first_;  ///< Where reads begin; the rest of a larger one goes to the server's scratch.
};

/// Whatever is listed by phase is a connection.
inline Connection& connection_of(Listed& listed) {
  return static_cast<Connection&>(listed);
}

}  // namespace muster::http
