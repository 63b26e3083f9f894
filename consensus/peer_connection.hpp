// One TLS connection that carries frames. Belongs to the network's thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "consensus/peer_frame.hpp"
#include "consensus/peer_trust.hpp"

namespace muster::consensus {

using PeerClock = std::chrono::steady_clock;
using Tcp = boost::asio::ip::tcp;
using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<Tcp, Executor>;

/// After close() its owner hears nothing more.
class Connection : public std::enable_shared_from_this<Connection> {
public:
  class Owner {
  public:
    virtual ~Owner() = default;
    virtual void secured() = 0;  ///< The handshake is done.
    virtual void came(Frame frame) = 0;
    virtual void drained() = 0;                     ///< All that was written is with the kernel.
    virtual void lost(const std::string& why) = 0;  ///< It is closed.
  };
  enum class Side : uint8_t { client, server };

  Connection(Socket socket, const PeerTrust& trust, Side side, Owner& owner, size_t max_body);

  void start();
  void write(std::string bytes);  ///< Whole frames.
  /// Says that nothing follows once all is written. The other end is still listened to.
  void finish();
  void close();

  void set_max_body(size_t bytes) { reader_.set_max_body(bytes); }
  [[nodiscard]] bool busy() const { return !writing_.empty() || !waiting_.empty(); }
  [[nodiscard]] size_t queued() const { return writing_.size() + waiting_.size(); }
  /// Busy, and nothing moved since `then`.
  [[nodiscard]] bool stalled_since(PeerClock::time_point then) const { return busy() && moved_ < then; }
  [[nodiscard]] Identity identify(const PeerTrust& trust, Time now);
  [[nodiscard]] const ssl_st* session() { return stream_.native_handle(); }

private:
  void read();
  void write_some();
  void fail(const std::string& why);

  boost::asio::ssl::stream<Socket> stream_;
  const Side side_;
  Owner* owner_;
  FrameReader reader_;
  std::vector<char> in_;
  std::string waiting_, writing_;
  size_t written_ = 0;  ///< Of writing_.
  PeerClock::time_point moved_{};
  bool ready_ = false, finishing_ = false, closed_ = false;
};

}  // namespace muster::consensus
