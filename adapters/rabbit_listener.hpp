// One subscriber of a broker: a connection and a thread of its own, made again when it broke.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/amqp_session.hpp"
#include "adapters/ports/event_bus.hpp"
#include "adapters/rabbit_options.hpp"

namespace muster {

class RabbitListener {
public:
  /// It listens when this returns. Errors: the port's.
  static Result<std::shared_ptr<RabbitListener>> start(const RabbitOptions& options, std::string pattern,
                                                       EventBus::OnMessage callback);
  /// No callback begins afterwards, a running one is waited for. Not to be called inside it; once.
  void stop();
  [[nodiscard]] static uint64_t dropped() { return 0; }  ///< A broker does not say.

private:
  RabbitListener(const RabbitOptions& options, std::string pattern, EventBus::OnMessage callback)
    : options_(options), pattern_(std::move(pattern)), callback_(std::move(callback)) {}
  Status listen();
  void run();
  bool wait(Millis pause);

  const RabbitOptions options_;
  const std::string pattern_;
  const EventBus::OnMessage callback_;
  std::unique_ptr<AmqpSession> session_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster
