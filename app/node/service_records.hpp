// What a node keeps of each service in its folder, so that a later life finds it again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "domain/plan.hpp"
#include "events/fields.hpp"

namespace muster::app {

struct ServiceRecord {
  std::string name, run, executor;
  std::string record;   ///< The executor's. Empty: written before the start.
  std::string was;      ///< preparing, started (its fact is not kept yet), up, healthy, done or failed.
  uint64_t pid = 0;     ///< As its start is told.
  std::string boot;     ///< Of the machine, when it was written.
  std::string cluster;  ///< Whose log is told of it; empty: not known.
  std::vector<std::string> after;
  RawJson app;  ///< As it was started, without `after`.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("run", self.run);
    visit("executor", self.executor);
    visit("record", self.record);
    visit("was", self.was);
    visit("pid", self.pid);
    visit("boot", self.boot);
    visit("cluster", self.cluster);
    visit("after", self.after);
    visit("app", self.app);
  }
  void set_app(const plan::App& from);
  [[nodiscard]] Result<plan::App> read_app() const;
};

class ServiceRecords {
public:
  explicit ServiceRecords(std::string folder) : folder_(std::move(folder)) {}

  /// Those in the folder; damaged ones are named in the log and passed over.
  [[nodiscard]] std::vector<ServiceRecord> load();
  /// The service's folder, made. Error: `internal` with the reason.
  Result<std::string> make_folder(const std::string& name);
  /// Written when it says something new.
  Status keep(const ServiceRecord& record);
  void forget(const std::string& name);
  /// Those that have a record.
  [[nodiscard]] std::vector<std::string> names() const;

private:
  std::string folder_;
  std::map<std::string, std::string> written_;  // By name.
};

/// Of all services in the folder the next plan's cluster is told, whichever that is.
void tell_again(const std::string& folder);

}  // namespace muster::app
