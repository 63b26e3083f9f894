// Writing down what a run needs, and composing its commands.
#include "adapters/run_making.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "adapters/child_process.hpp"
#include "adapters/sandbox_trial.hpp"
#include "domain/jobs/attempts.hpp"
#include "domain/jobs/redaction.hpp"
#include "domain/jobs/sandbox_command.hpp"
#include "domain/jobs/shell_profile.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

Error internal(const std::string& what) {
  return {"internal", what + ": " + std::strerror(errno), {}};
}

Status write_private(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return internal(path);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!written) return internal(path);
  return Done{};
}

Words words_of(std::string_view text) {
  std::istringstream in{std::string{text}};
  Words words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed))
    if (entry.is_regular_file(failed)) names.push_back(entry.path().filename().string());
  return names;
}

/// The variables and libraries that a shell reads before a script in `folder`.
Result<std::vector<std::string>> profile_sources(jobs::Shell shell, const std::string& root,
                                                 const std::string& folder) {
  auto folders = jobs::profile_folders(root, folder);
  if (!folders) return folders.error();
  std::vector<std::string> files;
  for (const auto& one : *folders)
    for (const auto* kind : {"vars", "libs"}) {
      const auto place = fs::path(one) / "config.d" / kind;
      for (const auto& name : jobs::profile_files(shell, names_in(place))) files.push_back(place / name);
    }
  return files;
}

class Making {
public:
  Making(const RunParts& parts, const Cgroups& groups) : parts_(parts), groups_(groups) {}

  Result<RunOrder> order() {
    order_.run = parts_.run;
    order_.folder = parts_.data + "/runs/" + parts_.run;
    order_.memory = parts_.memory + "/" + parts_.run;
    order_.about = parts_.about;
    order_.dry = parts_.dry;
    order_.timeout_s = parts_.prepared->timeout_s;
    order_.hide = jobs::secret_values(*parts_.arguments);
    const auto handling = jobs::handling_of(*parts_.job, parts_.on_error, parts_.strict);
    order_.on_error = handling.policy == jobs::OnError::retry   ? "retry"
                      : handling.policy == jobs::OnError::go_on ? "continue"
                                                                : "abort";
    order_.retries = handling.retries;
    order_.backoff_s = handling.backoff_s;
    order_.at_once = parts_.job->stepped ? kStepsAtOnce : 1;
    if (auto made = folders(); !made) return made.error();
    std::vector<std::string> ids;
    for (const auto& one : parts_.prepared->steps) ids.push_back(one.step.id);
    names_ = jobs::container_names(parts_.run, ids);
    for (size_t i = 0; i < parts_.prepared->steps.size(); i++)
      if (auto made = step(i); !made) return made.error();
    return std::move(order_);
  }

  /// Takes back what was made.
  void undo() const {
    std::error_code ignored;
    for (const auto& folder : {order_.folder, order_.memory}) fs::remove_all(folder, ignored);
    for (size_t i = 0; i < parts_.prepared->steps.size(); i++) (void)groups_.remove(group(i));
  }

private:
  static constexpr uint64_t kStepsAtOnce = 4;

  Status folders() {
    std::error_code failed;
    for (const auto& folder : {order_.folder, order_.memory, secrets()}) {
      fs::create_directories(folder, failed);
      if (failed) return Error{"internal", folder + ": " + failed.message(), {}};
      ::chmod(folder.c_str(), 0700);
    }
    for (const auto& bound : *parts_.arguments) {
      if (!bound.arg->secret) continue;
      has_secrets_ = true;
      auto kept =
        write_private(secrets() + "/" + jobs::secret_file(bound.arg->name), jobs::secret_text(bound.value));
      if (!kept) return kept;
    }
    // Their place by the contract of jobs, section 4, without their being on a disk. Containers have theirs.
    if (has_secrets_ && !parts_.prepared->in_containers)
      fs::create_directory_symlink(secrets(), order_.folder + "/secrets", failed);
    if (failed) return Error{"internal", order_.folder + ": " + failed.message(), {}};
    return Done{};
  }
  [[nodiscard]] std::string secrets() const { return order_.memory + "/secrets"; }
  [[nodiscard]] std::string file(size_t step, const std::string& name) const {
    return order_.memory + "/" + std::to_string(step) + "-" + name;
  }

  Status step(size_t at) {
    const auto& prepared = parts_.prepared->steps[at];
    StepOrder order;
    order.id = prepared.step.id;
    order.name = prepared.step.name.empty() ? prepared.step.id : prepared.step.name;
    order.needs = prepared.step.needs;
    order.folder = order_.folder;
    const bool inherit = prepared.judgement.settings.env_inheritance;
    auto env = jobs::script_environment(*parts_.job, *parts_.arguments,
                                        {parts_.host, parts_.data, order_.folder, inherit});
    if (!env) return env.error();
    const auto script =
      (fs::path(parts_.root) / parts_.job->folder / prepared.step.script).lexically_normal().string();
    auto composed = parts_.dry                       ? Status{Done{}}
                    : parts_.prepared->in_containers ? container(at, script, *env, order)
                                                     : process(at, script, std::move(*env), order);
    if (!composed) return composed;
    order_.steps.push_back(std::move(order));
    return Done{};
  }

  Status container(size_t at, const std::string& script, const jobs::Environment& env, StepOrder& order) {
    if (!parts_.runtime)
      return Error{"container.runtime.unavailable", "neither podman nor docker is there", {}};
    const auto& prepared = parts_.prepared->steps[at];
    jobs::ContainerRun run;
    run.runtime = *parts_.runtime;
    run.name = names_[at];
    run.settings = prepared.judgement.settings;
    run.folder = order_.folder;
    run.env = env;
    run.pull = parts_.pull;
    const auto scripts = parts_.addon ? order_.folder : fs::path(script).parent_path().string();
    run.volumes = jobs::step_volumes(scripts, order_.folder, has_secrets_ ? secrets() : "");
    if (prepared.container && prepared.container->entrypoint)
      run.entrypoint = *prepared.container->entrypoint;
    if (parts_.addon) {
      run.job = parts_.job->id;
    } else {
      run.script = script;
      run.flags = jobs::script_flags(*parts_.arguments);
    }
    auto line = jobs::run_line(run);
    if (!line) return line.error();
    order.command = std::move(*line);
    order.before = {jobs::remove_line(run.runtime, run.name)};
    order.cancel = {jobs::stop_line(run.runtime, run.name), jobs::kill_line(run.runtime, run.name)};
    order.after = {jobs::remove_line(run.runtime, run.name)};
    for (const auto& [name, value] : base_environment())
      if (!jobs::is_proxy_variable(name)) order.env[name] = value;
    return Done{};
  }

  Status process(size_t at, const std::string& script, jobs::Environment env, StepOrder& order) {
    const auto& settings = parts_.prepared->steps[at].judgement.settings;
    auto command = words_of(parts_.job->interpreter);
    if (command.empty()) return Error{"E_CONFIG", "the job has no interpreter", {}};
    const auto shell = jobs::shell_of(parts_.job->interpreter);
    if (shell != jobs::Shell::none) {
      const auto folder = fs::path(script).parent_path().lexically_relative(parts_.root).string();
      auto sources = profile_sources(shell, parts_.root, folder == "." ? "" : folder);
      if (!sources) return sources.error();
      const auto profile = file(at, shell == jobs::Shell::bash ? "profile.sh" : "profile.ps1");
      const auto text = jobs::shell_profile(shell, *sources, *parts_.arguments).text;
      auto kept = write_private(profile, text);
      if (kept && parts_.keep_profile)
        kept = write_private(order_.folder / fs::path(profile).filename(), text);
      if (!kept) return kept;
      if (shell == jobs::Shell::bash) env["BASH_ENV"] = profile;
      for (auto& word : jobs::profile_words(shell, profile)) command.push_back(std::move(word));
    }
    command.push_back(script);
    for (auto& flag : jobs::script_flags(*parts_.arguments)) command.push_back(std::move(flag));
    auto lacks = missing(parts_.prepared->steps[at]);
    if (!lacks.empty()) return jobs::capability_missing(parts_.prepared->profile, lacks);
    if (settings.sandboxed) return sandboxed(at, std::move(command), std::move(env), order);
    for (auto& [name, value] : env) order.env[name] = std::move(value);
    return limited(at, "exec \"$@\"", "muster", std::move(command), order);
  }

  /// A shell joins the groups whose limits hold, and then becomes what `then` says, with the command's words.
  Status limited(size_t at, const std::string& then, const std::string& zero, Words command,
                 StepOrder& order) {
    const auto& settings = parts_.prepared->steps[at].judgement.settings;
    auto joined = groups_.make(group(at), {settings.cpu, settings.memory, settings.processes});
    if (!joined) return joined.error();
    std::string shell;
    for (const auto& procs : *joined) shell += "echo 0 >'" + procs + "' || exit 125; ";
    order.command = {"/bin/sh", "-c", shell + then, zero};
    order.command.insert(order.command.end(), command.begin(), command.end());
    if (!joined->empty()) order.group = group(at);
    return Done{};
  }

  /// The command under bubblewrap.
  Status sandboxed(size_t at, Words command, jobs::Environment env, StepOrder& order) {
    const auto& prepared = parts_.prepared->steps[at];
    jobs::SandboxRun run;
    run.settings = prepared.judgement.settings;
    run.run_folder = order_.folder;
    if (has_secrets_) run.secrets = secrets();
    run.readable = {parts_.root};
    if (const auto profile = env.find("BASH_ENV"); profile != env.end())
      run.readable.push_back(profile->second);
    run.hidden = {parts_.data, parts_.memory};
    for (const auto* homes : {"/root", "/home"})
      if (std::error_code failed; fs::is_directory(fs::symlink_status(homes, failed)))
        run.hidden.emplace_back(homes);
    for (const auto* file : {"/etc/shadow", "/etc/gshadow"})
      if (::access(file, F_OK) == 0) run.hidden_files.emplace_back(file);
    run.env = std::move(env);
    run.command = std::move(command);
    auto sandbox = jobs::sandbox(run);
    if (!sandbox) return sandbox.error();
    const auto options = file(at, "sandbox");
    if (auto kept = write_private(options, sandbox->args_file()); !kept) return kept;
    if (auto lacks = sandbox_lack(options, run.settings); !lacks.empty())
      return jobs::capability_missing(parts_.prepared->profile, {lacks});
    for (const auto& [name, value] : base_environment()) order.env[name] = value;
    return limited(at, "exec bwrap --args 4 -- \"$@\" 4<\"$0\"", options, std::move(sandbox->command), order);
  }

  [[nodiscard]] std::string group(size_t at) const { return parts_.run + "-" + std::to_string(at); }

  [[nodiscard]] std::vector<std::string_view> missing(const jobs::PreparedStep& prepared) const {
    std::vector<std::string_view> lacks;
    const auto not_there = groups_.missing();
    for (const auto need : jobs::needed_capabilities(prepared.wanted, prepared.judgement.settings)) {
      const bool here = need == "bubblewrap" ? !find_in_path("bwrap").empty()
                        : need == "user namespaces"
                          ? ::access("/proc/self/ns/user", F_OK) == 0  // Whether they may be made is tried.
                          : std::find(not_there.begin(), not_there.end(), need) == not_there.end();
      if (!here) lacks.push_back(need);
    }
    return lacks;
  }

  const RunParts& parts_;
  const Cgroups& groups_;
  RunOrder order_;
  std::vector<std::string> names_;
  bool has_secrets_ = false;
};

bool in_memory(const std::string& folder) {
  struct statfs about {};
  return ::statfs(folder.c_str(), &about) == 0 &&
         (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}

}  // namespace

Result<std::string> memory_folder() {
  std::vector<std::string> places;
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime == '/')
    places.emplace_back(runtime);
  if (::geteuid() == 0) places.emplace_back("/run");
  places.emplace_back("/dev/shm");
  for (const auto& place : places) {
    if (!in_memory(place)) continue;
    const auto folder = place + "/muster-" + std::to_string(::geteuid());
    struct stat about {};
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) continue;
    // Somebody else may have made it in a place where everybody may: then it is not ours.
    if (::lstat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode) || about.st_uid != ::geteuid() ||
        (about.st_mode & 077) != 0)
      continue;
    return folder;
  }
  return Error{
    "capability.missing",
    "no folder in memory is there for what must not reach a disk: tried XDG_RUNTIME_DIR, /run and /dev/shm",
    {}};
}

std::optional<jobs::Runtime> container_runtime() {
  if (!find_in_path("podman").empty()) return jobs::Runtime::podman;
  if (!find_in_path("docker").empty()) return jobs::Runtime::docker;
  return std::nullopt;
}

Status free_names(const RunOrder& order, const Cancellation* cancellation) {
  for (const auto& step : order.steps)
    for (const auto& line : step.before) {
      ProgramOrder program{line, {step.env.begin(), step.env.end()}};
      program.cancellation = cancellation;
      const auto end = run_program(program);
      if (end && (end->good() || jobs::says_gone(end->out + end->err))) continue;
      return Error{"container.name.conflict",
                   step.id + ": " + (end ? why_failed(program, *end) : end.error().detail),
                   {}};
    }
  return Done{};
}

Result<RunOrder> make_run_order(const RunParts& parts, const Cgroups& groups) {
  Making making{parts, groups};
  auto order = making.order();
  if (!order) making.undo();
  return order;
}

}  // namespace muster
