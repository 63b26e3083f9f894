// A joiner's call: one connection, one frame there, one back.
#include "consensus/peer_join.hpp"

#include <algorithm>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/basic_resolver.hpp>

#include "consensus/peer_core.hpp"

namespace muster::consensus {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Lives for one call, on the caller's thread.
class Caller final : public Connection::Owner {
public:
  Caller(const JoinCall& call, const Envelope& request, std::shared_ptr<const PeerTrust> trust)
    : call_(call), request_(request), trust_(std::move(trust)), resolver_(io_), socket_(io_), timer_(io_) {}

  Result<Envelope> run(const HostPort& where) {
    timer_.expires_after(call_.timeout);
    timer_.async_wait([this](error_code ec) {
      if (!ec) end(unreachable("no answer within " + std::to_string(call_.timeout.count()) + " ms"));
    });
    resolver_.async_resolve(where.host, where.port, [this](error_code ec, auto found) {
      if (outcome_) return;
      if (ec) return end(unreachable(ec.message()));
      asio::async_connect(socket_, found, [this](error_code failed, const auto&) { connected(failed); });
    });
    io_.run();
    return std::move(*outcome_);
  }

private:
  void connected(error_code ec) {
    if (outcome_) return;
    if (ec) return end(unreachable(ec.message()));
    connection_ = std::make_shared<Connection>(std::move(socket_), *trust_, Connection::Side::client, *this,
                                               kMaxEnvelope);
    connection_->start();
  }

  void secured() override {
    const auto who = identify_by_fingerprint(connection_->session(), call_.fingerprint, call_.now());
    if (who.standing != Identity::Standing::sound && !holds_known_key())
      return end(Error{"tls.untrusted",
                       call_.address + ": " + (who.fault.empty() ? "it shows no certificate" : who.fault)});
    std::string bytes;
    append_frame(bytes, static_cast<uint8_t>(Kind::join), request_.body);
    connection_->write(std::move(bytes));
  }

  [[nodiscard]] bool holds_known_key() const {
    const auto& keys = call_.keys;
    const auto key = connection_->identify(*trust_, call_.now()).key;
    return !key.empty() && std::find(keys.begin(), keys.end(), key) != keys.end();
  }

  void came(Frame frame) override {
    if (frame.kind == static_cast<uint8_t>(Inner::refusal))
      return end(Error{"forbidden", call_.address + " refuses: " + printable(frame.body)});
    if (frame.kind != static_cast<uint8_t>(Kind::joined))
      return end(Error{"tls.untrusted", call_.address + " answers something else than was asked"});
    end(Envelope{Kind::joined, std::move(frame.body)});
  }

  void drained() override {}
  void lost(const std::string& why) override { end(unreachable(why)); }

  [[nodiscard]] Error unreachable(const std::string& why) const {
    return {"unreachable", "cannot join by " + call_.address + ": " + why};
  }

  void end(Result<Envelope> outcome) {
    if (outcome_) return;
    outcome_ = std::move(outcome);
    timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    if (connection_) connection_->close();
  }

  const JoinCall& call_;
  const Envelope& request_;
  const std::shared_ptr<const PeerTrust> trust_;
  asio::io_context io_{1};
  asio::ip::basic_resolver<Tcp, Executor> resolver_;
  Socket socket_;
  asio::basic_waitable_timer<PeerClock, asio::wait_traits<PeerClock>, Executor> timer_;
  std::shared_ptr<Connection> connection_;
  std::optional<Result<Envelope>> outcome_;
};

}  // namespace

Result<Envelope> call_to_join(const JoinCall& call, const Envelope& request) {
  const auto where = split_address(call.address);
  if (!where) return where.error();
  if (request.kind != Kind::join || request.body.size() > kMaxJoin)
    return Error{"field.invalid", "a request to join has at most " + std::to_string(kMaxJoin) + " bytes"};
  auto trust = PeerTrust::make({call.own.chain, call.own.key, {}});
  if (!trust) return trust.error();
  return Caller{call, request, std::move(*trust)}.run(*where);
}

}  // namespace muster::consensus
