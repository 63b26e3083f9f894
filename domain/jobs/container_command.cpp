// Puts command lines for container runtimes together, and checks every word that comes from outside.
#include "domain/jobs/container_command.hpp"

#include <algorithm>
#include <set>

#include "domain/jobs/quantity.hpp"
#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

constexpr std::string_view kManifest = "/flwd-addon/manifest.yaml";

void add(CommandLine& line, std::initializer_list<std::string_view> words) {
  line.insert(line.end(), words.begin(), words.end());
}

Error config(std::string detail) {
  return {"E_CONFIG", std::move(detail)};
}

Status check_volume(const Volume& volume) {
  for (const auto* path : {&volume.from, &volume.to})
    if (!is_absolute_path(*path) || path->find(':') != std::string::npos)
      return config("the path \"" + shown(*path) +
                    "\" cannot be mounted: it must be absolute and have no ':' and no '..'");
  return Done{};
}

Status check_variable(const std::string& name) {
  if (!name.empty() && name.find('=') == std::string::npos) return Done{};
  return config("env: \"" + shown(name) + "\" is no name of a variable");
}

/// What exec would cut off or refuse.
Status check_words(const CommandLine& line) {
  for (const auto& word : line) {
    if (word.find('\0') != std::string::npos) return config("\"" + shown(word) + "\" has a NUL");
    if (word.size() > kMaxWord)
      return config("\"" + shown(word) + "\" is longer than " + std::to_string(kMaxWord) + " bytes");
  }
  return Done{};
}

void add_limits(CommandLine& line, const Settings& settings) {
  if (settings.cpu) add(line, {"--cpus", cores(*settings.cpu)});
  if (settings.memory) add(line, {"--memory", std::to_string(*settings.memory)});
  if (settings.processes) add(line, {"--pids-limit", std::to_string(*settings.processes)});
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

std::string_view to_text(Runtime runtime) {
  return runtime == Runtime::podman ? "podman" : "docker";
}

std::string container_name(std::string_view run, std::string_view step) {
  std::string part;
  for (const char c : lower_case(step)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;  // The rest of a character that has its dash.
    part += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  }
  part.erase(0, part.find_first_not_of('-'));
  part.resize(std::min(part.size(), kMaxContainerName));
  part.erase(part.find_last_not_of('-') + 1);
  return std::string(run) + '-' + (part.empty() ? "step" : part);
}

std::vector<std::string> container_names(std::string_view run, const std::vector<std::string>& steps) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const auto& step : steps) {
    const auto name = container_name(run, step);
    auto own = name;
    for (int i = 2; !taken.insert(own).second; i++) own = name + '-' + std::to_string(i);
    names.push_back(std::move(own));
  }
  return names;
}

std::vector<Volume> step_volumes(const std::string& script_folder, const std::string& run_folder,
                                 const std::string& secrets) {
  std::vector<Volume> volumes;
  if (script_folder != run_folder) volumes.push_back({script_folder, script_folder, false});
  volumes.push_back({run_folder, run_folder, true});
  if (!secrets.empty()) volumes.push_back({secrets, "/run/secrets", false});
  return volumes;
}

Result<CommandLine> run_line(const ContainerRun& run) {
  const auto& settings = run.settings;
  CommandLine line;
  add(line, {to_text(run.runtime), "run", "--rm"});
  if (!run.pull.empty()) line.push_back("--pull=" + run.pull);
  add(line, {"--name", run.name, "--cap-drop=ALL", "--security-opt=no-new-privileges"});
  if (!settings.rootfs_writable) line.emplace_back("--read-only");
  add(line, {"--network", settings.network});
  for (const auto& capability : settings.capabilities) line.push_back("--cap-add=" + capability);
  add(line, {"--workdir", run.folder});
  for (const auto& [name, value] : run.env) {
    if (auto fine = check_variable(name); !fine) return fine.error();
    line.emplace_back("--env");
    line.emplace_back(name).append("=").append(value);
  }
  for (const auto& volume : run.volumes) {
    if (auto fine = check_volume(volume); !fine) return fine.error();
    add(line, {"--volume", volume.from + ':' + volume.to + (volume.writable ? ":rw" : ":ro")});
  }
  add_limits(line, settings);
  if (!run.entrypoint.empty()) add(line, {"--entrypoint", run.entrypoint.front()});
  line.insert(line.end(), settings.extra_args.begin(), settings.extra_args.end());
  line.push_back(settings.image);
  if (!run.entrypoint.empty()) line.insert(line.end(), run.entrypoint.begin() + 1, run.entrypoint.end());
  if (run.job.empty() && !is_absolute_path(run.script))
    return config("the script \"" + shown(run.script) + "\" is not absolute");
  line.push_back(run.job.empty() ? run.script : run.job);
  line.insert(line.end(), run.flags.begin(), run.flags.end());
  if (auto fine = check_words(line); !fine) return fine.error();
  return line;
}

bool is_proxy_variable(std::string_view name) {
  const auto known = lower_case(name);
  return known == "http_proxy" || known == "https_proxy" || known == "ftp_proxy" || known == "no_proxy" ||
         known == "all_proxy";
}

CommandLine remove_line(Runtime runtime, const std::string& name) {
  CommandLine line;
  add(line, {to_text(runtime), "rm", "--force"});
  if (runtime == Runtime::podman) line.emplace_back("--ignore");
  line.push_back(name);
  return line;
}

CommandLine stop_line(Runtime runtime, const std::string& name) {
  CommandLine line;
  add(line, {to_text(runtime), "stop", "--time", std::to_string(kStopSeconds), name});
  return line;
}

CommandLine kill_line(Runtime runtime, const std::string& name) {
  CommandLine line;
  add(line, {to_text(runtime), "kill", name});
  return line;
}

bool says_gone(std::string_view output) {
  const auto text = lower_case(output);
  return contains(text, "no such container") || contains(text, "not found");
}

CommandLine inspect_line(Runtime runtime, const std::string& image) {
  CommandLine line;
  add(line, {to_text(runtime), "image", "inspect", image});
  return line;
}

CommandLine manifest_line(Runtime runtime, Profile profile, bool pull, const std::string& image) {
  CommandLine line;
  add(line, {to_text(runtime), "run", "--rm", pull ? "--pull=always" : "--pull=never", "--cap-drop=ALL",
             "--security-opt=no-new-privileges"});
  if (profile == Profile::disabled)
    add(line, {"--network", "bridge"});
  else
    add(line, {"--network", "none", "--read-only"});
  add(line, {"--entrypoint", "cat", image, kManifest});
  return line;
}

bool says_no_manifest(std::string_view output) {
  const auto text = lower_case(output);
  return contains(text, "no such file") || contains(text, "not found");
}

}  // namespace muster::jobs
