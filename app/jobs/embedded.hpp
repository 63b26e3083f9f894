// A node without a network, for as long as one command line needs it: the same log, the same decisions.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/system.hpp"
#include "app/config/config.hpp"

namespace muster::app {

/// Opens the data folder, founds a cluster of one when it is empty, and leads it.
class Embedded {
public:
  /// Errors: `log.unwritable` when another process has the folder, or it cannot be had; `unreachable` when it
  /// belongs to a cluster of several members; `conflict` when its feature level is below that of runs; as
  /// System::make.
  static Result<std::unique_ptr<Embedded>> open(const config::Config& config);
  ~Embedded();
  Embedded(const Embedded&) = delete;
  Embedded& operator=(const Embedded&) = delete;

  [[nodiscard]] System& system() const;
  [[nodiscard]] const std::string& node() const;
  [[nodiscard]] const std::string& data() const;  ///< Absolute, without symbolic links.
  [[nodiscard]] log::Disk& disk() const;
  /// Calls `then` after each publishing of the views from now on, on another thread, in place of who was
  /// called.
  void on_views(std::function<void()> then);
  /// Asks, and waits for the answer. Any thread.
  Result<Receipt> ask(runs::Command command, const std::string& actor);

private:
  Embedded();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::app
