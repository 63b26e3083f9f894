// From files to commands.
#include "app/plan_files.hpp"

#include <filesystem>

#include <spdlog/spdlog.h>

#include "adapters/keys.hpp"
#include "base/error_catalog.hpp"
#include "domain/plan.hpp"
#include "domain/profile.hpp"

namespace muster::app {
namespace {

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename();
}

}  // namespace

PlanFiles::PlanFiles(System& system, std::string folder, std::string profile)
  : system_(system), folder_(std::move(folder)), profile_(std::move(profile)) {
  const auto list = [this]() -> std::vector<std::string> {
    if (!system_.ready()) return {};
    return {folder_ + "/server.yaml", folder_ + "/camera-proxy.yaml", profile_};
  };
  watcher_ = std::make_unique<FileWatcher>(
    list, [this](const std::string& path) { path == profile_ ? read_profile() : read_template(path); });
}

/// A command that was not committed is tried again: the file is as it was.
Answer PlanFiles::recorded() {
  return Answer{[this](const Result<Receipt>& outcome) {
    if (outcome)
      loaded_++;
    else if (error_kind(outcome.error().code).retryable)
      read_again();
  }};
}

void PlanFiles::read_template(const std::string& path) {
  const auto name = name_of(path);
  auto text = read_file(path, plan::kMaxTemplate);
  auto parsed = text ? plan::parse_template(*text, name) : Result<plan::Template>{text.error()};
  if (!parsed) {
    spdlog::warn("template file={} error={}", name, parsed.error().detail);
    return system_.ask(plans::Command{plans::RejectTemplate{{name, parsed.error().detail}}}, {}, recorded());
  }
  plans::LoadTemplate load;
  load.loaded = {name, parsed->generation, {canonical_json(plan::to_json(parsed->apps))}};
  system_.ask(plans::Command{std::move(load)}, {}, recorded());
}

void PlanFiles::read_profile() {
  auto text = read_file(profile_, profile::kMaxFile);
  if (!text && text.error().code == "not.found") text = std::string{"{}"};  // Nothing is desired (section 9).
  auto parsed = text ? profile::parse(*text, name_of(profile_)) : Result<profile::Profile>{text.error()};
  if (!parsed) {
    spdlog::warn("profile file={} error={}", profile_, parsed.error().detail);
    return system_.ask(plans::Command{plans::RejectProfile{{parsed.error().detail}}}, {}, recorded());
  }
  system_.ask(
    plans::Command{plans::LoadProfile{{profile::generation(*parsed), {profile::to_json(*parsed).dump()}}}},
    {}, recorded());
}

}  // namespace muster::app
