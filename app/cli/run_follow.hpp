// Following what a run tells, from its first entry to its end, across lost connections.
#pragma once

#include <string>

#include "app/cli/client.hpp"
#include "app/cli/follow.hpp"

namespace muster::cli {

class RunFollower {
public:
  /// `show` gets each entry once; when it answers false nothing more is shown. `tick` is called often; false:
  /// leave.
  RunFollower(Client& client, std::string run, ServerEvents::OnEvent show, Client::Tick tick)
    : client_(client), run_(std::move(run)), show_(std::move(show)), tick_(std::move(tick)) {}

  /// A run that is known to be there is looked for until its node answers again.
  void insist() { stood_ = true; }

  /// True: the end was shown, if only by its status where its entries are not kept any more. False: `show` or
  /// `tick` said to leave. Errors: what the node says, and `unreachable` when it never answered;
  /// `cursor.expired` when what was not shown yet is gone and the run has not ended.
  Result<bool> follow();

private:
  Result<bool> end_without_stream(const Error& why);
  bool show(uint64_t id, const std::string& type, const Json& data);
  [[nodiscard]] bool wait(std::chrono::milliseconds pause) const;

  Client& client_;
  const std::string run_;
  const ServerEvents::OnEvent show_;
  const Client::Tick tick_;
  uint64_t seq_ = 0;  // Of the last entry that was shown.
  bool stood_ = false, ended_ = false, left_ = false;
};

}  // namespace muster::cli
