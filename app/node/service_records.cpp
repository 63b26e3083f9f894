// Records as files.
#include "app/node/service_records.hpp"

#include <filesystem>

#include <spdlog/spdlog.h>

#include "adapters/keys.hpp"
#include "adapters/service_log.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxRecord = 1 << 20;

}  // namespace

void ServiceRecord::set_app(const plan::App& from) {
  auto bare = from;
  after = std::exchange(bare.after, {});  // Alone it would name apps that are not there.
  app.text = canonical_json(plan::to_json(bare));
}

Result<plan::App> ServiceRecord::read_app() const {
  const auto json = parse_json("[" + app.text + "]");
  if (!json) return json.error();
  auto apps = plan::apps_from_json(*json);
  if (!apps) return apps.error();
  apps->front().after = after;
  return std::move(apps->front());
}

std::vector<ServiceRecord> ServiceRecords::load() {
  std::vector<ServiceRecord> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const auto path = entry.path().string() + "/state.json";
    const auto text = read_file(path, kMaxRecord);
    if (!text) continue;
    auto record = from_json_text<ServiceRecord>(*text);
    if (!record || record->name.empty()) {
      spdlog::error("services file={} error=damaged, passed over", path);
      continue;
    }
    written_[record->name] = *text;
    found.push_back(std::move(*record));
  }
  return found;
}

Result<std::string> ServiceRecords::make_folder(const std::string& name) {
  auto folder = service_folder(folder_, name);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{"internal", "cannot make " + folder + ": " + error.message(), {}};
  return folder;
}

Status ServiceRecords::keep(const ServiceRecord& record) {
  auto text = to_json_text(record);
  auto& known = written_[record.name];
  if (known == text) return Done{};
  auto status = write_file_atomically(service_folder(folder_, record.name) + "/state.json", text, 0600);
  if (status) known = std::move(text);
  return status;
}

std::vector<std::string> ServiceRecords::names() const {
  std::vector<std::string> all;
  for (const auto& [name, text] : written_) all.push_back(name);
  return all;
}

void ServiceRecords::forget(const std::string& name) {
  if (written_.erase(name) == 0) return;
  std::error_code error;
  fs::remove(service_folder(folder_, name) + "/state.json", error);
}

void tell_again(const std::string& folder) {
  ServiceRecords records{folder};
  for (auto record : records.load()) {
    record.cluster = "put aside";
    (void)records.keep(record);
  }
}

}  // namespace muster::app
