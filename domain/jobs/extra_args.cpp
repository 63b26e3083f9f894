// Reads extra arguments as the runtime would: a flag, and the word after it where the flag takes one.
#include "domain/jobs/extra_args.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

constexpr std::array<std::string_view, 21> kHarmless{
  "--add-host",    "--dns",   "--dns-option", "--dns-search", "--env",
  "--hostname",    "--label", "--platform",   "--pids-limit", "--shm-size",
  "--stop-signal", "--tmpfs", "--tz",         "--ulimit",     "--umask",
  "--user",        "-e",      "-h",           "-l",           "-u",
  "--init"};

constexpr std::array<std::string_view, 30> kOwn{"--name",
                                                "--rm",
                                                "--replace",
                                                "--detach",
                                                "-d",
                                                "--cidfile",
                                                "--pidfile",
                                                "--conmon-pidfile",
                                                "--restart",
                                                "--pod",
                                                "--pod-id-file",
                                                "--rootfs",
                                                "--entrypoint",
                                                "--workdir",
                                                "-w",
                                                "--interactive",
                                                "-i",
                                                "--tty",
                                                "-t",
                                                "--attach",
                                                "-a",
                                                "--pull",
                                                "--rmi",
                                                "--sig-proxy",
                                                "--log-driver",
                                                "--log-opt",
                                                "--cpus",
                                                "--memory",
                                                "-m",
                                                "--help"};

/// Dangerous ones that take no value.
constexpr std::array<std::string_view, 8> kSwitches{"--env-host",    "--http-proxy",       "--no-healthcheck",
                                                    "--no-hosts",    "--oom-kill-disable", "--privileged",
                                                    "--publish-all", "--read-only"};

constexpr int kMaxPids = 4096;

template <size_t N>
bool among(const std::array<std::string_view, N>& flags, std::string_view flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

/// One flag with its value, and how many words they take.
struct Flag {
  std::string name;
  std::optional<std::string> value;
  size_t words = 1;
};

/// `-eK=V`, `-uroot` and bundles like `-it` are read as their first letter.
Flag flag_at(const std::vector<std::string>& args, size_t at) {
  const auto& word = args[at];
  Flag flag;
  if (!word.starts_with("--")) {
    flag.name = word.substr(0, 2);
    if (word.size() > 2) flag.value = word.substr(word[2] == '=' ? 3 : 2);
  } else if (const size_t equals = word.find('='); equals != std::string::npos) {
    flag.name = word.substr(0, equals);
    flag.value = word.substr(equals + 1);
  } else {
    flag.name = word;
  }
  const bool takes_next = among(kHarmless, flag.name) && flag.name != "--init";
  if (!flag.value && takes_next && at + 1 < args.size()) {
    flag.value = args[at + 1];
    flag.words = 2;
  }
  return flag;
}

/// The reason a harmless flag is not harmless with this value, or nothing.
std::string value_fault(const Flag& flag) {
  if (flag.name == "--init") return flag.value ? "takes no value" : "";
  if (!flag.value || flag.value->empty()) return "needs a value";
  if (flag.name == "--env" || flag.name == "-e") {
    const size_t equals = flag.value->find('=');
    if (equals == std::string::npos || equals == 0)
      return "needs NAME=value: a name alone would pass the host's variable on";
  }
  if (flag.name == "--pids-limit") {
    int limit = 0;
    const auto* end = flag.value->data() + flag.value->size();
    const auto [stopped, fault] = std::from_chars(flag.value->data(), end, limit);
    if (fault != std::errc{} || stopped != end || limit < 1 || limit > kMaxPids)
      return "must be from 1 to " + std::to_string(kMaxPids);
  }
  return {};
}

Error config(const std::string& word, const std::string& why) {
  return {"E_CONFIG", "container.extra_args: \"" + shown(word) + "\" " + why};
}

/// The reason a flag may not pass, or nothing; a dangerous one that may is noted.
std::optional<Error> fault_of(const Flag& flag, const std::string& word, Profile profile, ExtraArgs& read) {
  if (among(kHarmless, flag.name)) {
    const auto fault = value_fault(flag);
    return fault.empty() ? std::nullopt : std::optional(config(word, fault));
  }
  if (among(kOwn, flag.name)) return config(word, "is the run's own to say");
  if (profile != Profile::disabled)
    return Error{"policy.denied", "container.extra_args: \"" + shown(flag.name) +
                                    "\" is not allowed under the profile " + std::string(to_text(profile)) +
                                    "; what the policy can grant has settings of its own"};
  if (!word.starts_with("--") || (!flag.value && !among(kSwitches, flag.name)))
    return config(word, "must be written in one word, --flag=value");
  read.dangerous.push_back(flag.name);
  return std::nullopt;
}

}  // namespace

Result<ExtraArgs> read_extra_args(const std::vector<std::string>& args, Profile profile) {
  if (args.size() > kMaxExtraArgs)
    return Error{"E_CONFIG", "container.extra_args: more than " + std::to_string(kMaxExtraArgs) + " words"};
  ExtraArgs read;
  for (size_t at = 0; at < args.size();) {
    const auto& word = args[at];
    if (word.find('\0') != std::string::npos) return config(word, "has a NUL");
    if (word.size() < 2 || word[0] != '-' || word == "--")
      return config(word, "is no flag: the runtime would take it for the image");
    const Flag flag = flag_at(args, at);
    if (flag.words == 2 && flag.value->find('\0') != std::string::npos) return config(word, "has a NUL");
    if (auto fault = fault_of(flag, word, profile, read)) return *fault;
    at += flag.words;
  }
  read.args = args;
  return read;
}

}  // namespace muster::jobs
