// Erases sealed values once the log says that they are gone.
#pragma once

#include <string>
#include <vector>

#include "actors/system.hpp"

namespace muster::app {

class SecretSweep {
public:
  /// Before `system` opens: what is sealed by then and unknown to the log once it is open was never recorded,
  /// or was removed while the node was down.
  explicit SecretSweep(System& system);

  /// Lines were committed and their views published.
  void on_records(const std::vector<Record>& records);

private:
  void erase(std::vector<std::string> secrets);

  System& system_;
  std::vector<std::string> found_;  ///< Sealed before this start, and not looked at yet.
};

}  // namespace muster::app
