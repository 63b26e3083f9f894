// RabbitMQ's management API, which tells what AMQP cannot: bindings, and the form of exchanges and queues.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "adapters/amqp_url.hpp"
#include "adapters/http_client.hpp"
#include "base/json.hpp"

namespace muster {

/// What a vhost has.
struct RabbitListing {
  using Bound =
    std::set<std::pair<std::string, std::pair<std::string, std::string>>>;  ///< Exchange, queue, key.
  Bound bound;                        ///< Without those that have arguments.
  std::map<std::string, Json> forms;  ///< "exchange NAME" and "queue NAME", each as the API shows it.
};

class RabbitManagement {
public:
  RabbitManagement(ManagementUrl url, const std::string& vhost, std::string ca_file);

  [[nodiscard]] const std::string& url() const { return url_.url; }
  /// By one GET each for bindings, exchanges and queues. A server that asked for patience is not asked before
  /// it is over. Errors, without credentials: `unreachable`, `tls.untrusted`, `backend.refused` and
  /// `backend.reply`.
  Result<RabbitListing> list();
  /// Ends the running call, and every later one, at once; from any thread.
  void cancel() { client_.cancel(); }

private:
  Result<Json> ask(const std::string& kind);
  Error refusal(const std::string& asked, const HttpReply& reply);

  const ManagementUrl url_;
  const std::string vhost_, ca_file_, authorization_;
  std::mutex mutex_;  ///< Guards all below.
  HttpClient client_;
  SteadyTime deadline_{}, alone_until_{};
  Error patience_{};  ///< What is told until then.
};

}  // namespace muster
