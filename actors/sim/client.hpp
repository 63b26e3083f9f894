// A client of the simulated cluster: it writes, tries again under its key when it was not told, and reads.
#pragma once

#include <memory>
#include <vector>

#include "actors/sim/node.hpp"

namespace muster::sim {

/// What all clients share.
struct Town {
  Ground& ground;
  std::vector<std::unique_ptr<Node>>& nodes;
  std::vector<std::string> opened;  ///< Claims that are open as far as was told, each by its operation.
  uint64_t ops = 0;
  bool open = true;  ///< Nothing new is asked once it is not.
};

class Client {
public:
  Client(Town& town, int number) : town_(town), name_("c" + std::to_string(number)) {}
  /// Goes on for ever: the next operation follows the answer to the last.
  void next();

private:
  void attempt();
  void send(const Op& op, Node& node, const std::string& attempt, Answer answer);
  void answered(const Op& op, uint64_t turn, const Result<Receipt>& result);
  void read();
  void later(int from, int below, void (Client::*what)());
  [[nodiscard]] Node& guess();

  Town& town_;
  const std::string name_;
  Op op_;
  uint64_t turn_ = 0;  // Of attempts: an answer to an earlier one comes too late.
  size_t favourite_ = 0;
  uint64_t told_ = 0;  // Facts: the number of the last one.
  uint64_t held_ = 0;  // The epoch of the lease that it was told it has; another may have it by now.
};

}  // namespace muster::sim
