// The environment of a node that serves: its backends, by what is configured, and the reconcilers above them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/environment.hpp"
#include "adapters/folder_storage.hpp"
#include "adapters/memory_bus.hpp"
#include "adapters/rabbit_bus.hpp"
#include "app/config/config.hpp"
#include "app/node/report_box.hpp"
#include "events/log/disk.hpp"

namespace muster::app {

struct EnvironmentSideOptions {
  std::string node;
  std::string data;  ///< The data folder.
  log::Disk* disk = nullptr;
  std::shared_ptr<MemoryBus> bus;      ///< The in-process one.
  std::shared_ptr<RabbitBus> rabbit;   ///< Null: none is configured.
  bool json_log = false;               ///< As of the node's own log.
  std::function<void()> reports_wait;  ///< There is something to tell. Any thread.
};

class EnvironmentSide {
public:
  /// A server where one is configured, else what is built in (supervisor contract, section 11). Nothing is
  /// asked of a server yet. Error: `config.invalid`, `field.invalid`, `log.corrupt`, and those of the
  /// embedded index.
  static Result<std::unique_ptr<EnvironmentSide>> start(const config::Config& config,
                                                        EnvironmentSideOptions options);

  /// The profile as the control plane published it, with what is paused, or as it was kept; one that does not
  /// read changes nothing. `looked` is called when all of it was looked at for the first time.
  void take_profile(const std::string& text, std::function<void()> looked);
  /// Somebody wants to publish, and waits for what the profile wants of the broker: looks, once for each
  /// connection.
  void broker_awaited();
  [[nodiscard]] Environment& environment() { return *environment_; }
  [[nodiscard]] ReportBox& reports() { return *reports_; }

private:
  explicit EnvironmentSide(EnvironmentSideOptions options) : options_(std::move(options)) {}
  Result<Backends> backends(const config::Config& config);
  [[nodiscard]] std::map<environment::Component, environment::LeftBehind> left_behind(
    const Backends& used) const;
  Status intends(const environment::Report& look);
  void told(const environment::Report& report);
  void expire_objects();

  const EnvironmentSideOptions options_;
  std::unique_ptr<ReportBox> reports_;
  std::shared_ptr<FolderStorage> folder_;  ///< Nothing where a server has the buckets.
  Time expired_at_{};                      ///< Of the storage reconciler's thread.
  std::unique_ptr<Environment> environment_;
};

}  // namespace muster::app
