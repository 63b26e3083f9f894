// :init, the files of a first job.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ostream>

#include <fcntl.h>
#include <unistd.h>

#include "app/cli/catalog.hpp"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string_view path, text;
  mode_t mode = 0644;
};
using Files = std::array<File, 4>;

constexpr Files kBash = {{
  {"config.d/config.yaml",
   "# What the job is called, what runs it and what it takes; muster :validate checks it.\n"
   "job:\n"
   "  summary: Says hello\n"
   "interpreter: /usr/bin/env bash\n"
   "argspec:\n"
   "  args:\n"
   "    - {name: name, type: string, default: world, description: Whom to greet}\n"},
  {"config.d/vars/example.sh",
   "# Variables of this job and of those in folders below it; sourced before every script.\n"
   "export GREETING=\"Hello\"\n"},
  {"config.d/libs/common.sh",
   "# Functions of this job and of those in folders below it; sourced after the variables.\n"
   "say() {\n"
   "  printf '%s\\n' \"$*\"\n"
   "}\n"},
  {"000_main.sh",
   "#!/usr/bin/env bash\n"
   "# Runs first; files named 100_* and 999_* follow it.\n"
   "set -euo pipefail\n"
   "say \"$GREETING, $ARG_NAME!\"\n",
   0755},
}};

constexpr Files kPowerShell = {{
  {"config.d/config.yaml",
   "# What the job is called, what runs it and what it takes; muster :validate checks it.\n"
   "job:\n"
   "  summary: Says hello\n"
   "interpreter: pwsh\n"
   "argspec:\n"
   "  args:\n"
   "    - {name: name, type: string, default: world, description: Whom to greet}\n"},
  {"config.d/vars/example.ps1",
   "# Variables of this job and of those in folders below it; sourced before every script.\n"
   "$env:GREETING = 'Hello'\n"},
  {"config.d/libs/common.ps1",
   "# Functions of this job and of those in folders below it; sourced after the variables.\n"
   "function Say([string] $Text) {\n"
   "  Write-Output $Text\n"
   "}\n"},
  {"000_main.ps1",
   "# Runs first; files named 100_* and 999_* follow it.\n"
   "$ErrorActionPreference = 'Stop'\n"
   "Say \"$($env:GREETING), $($env:ARG_NAME)!\"\n"},
}};

/// The reason `command` cannot be the path of a job, or nothing.
std::string path_fault(std::string_view command) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::string_view rest = command;;) {
    const auto word = rest.substr(0, rest.find('/'));
    if (word.empty()) return "has an empty word";
    if (!plain(word.front())) return "has a word that does not begin with a letter, a digit or '_'";
    if (!std::all_of(word.begin(), word.end(), [&](char c) { return plain(c) || c == '-' || c == '.'; }))
      return "may have letters, digits, '_', '-' and '.' only";
    if (word == "config.d" || word.find("..") != std::string_view::npos)
      return "must not have the word '" + std::string(word) + "'";
    if (word.size() == rest.size()) return {};
    rest.remove_prefix(word.size() + 1);
  }
}

bool is_job(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "config.d" / "config.yaml", error) || fs::exists(folder / "config.yaml", error);
}

/// Never replaces anything.
Status write_new(const fs::path& path, const File& file) {
  const auto failed = [&] { return Error{"internal", path.string() + ": " + std::strerror(errno)}; };
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file.mode);
  if (fd < 0) return failed();
  const bool whole = write(fd, file.text.data(), file.text.size()) == static_cast<ssize_t>(file.text.size());
  if (close(fd) != 0 || !whole) return failed();
  return Done{};
}

Status refuse_what_is_there(const fs::path& root, const std::string& command, const Files& files) {
  for (auto slash = command.find('/'); slash != std::string::npos; slash = command.find('/', slash + 1))
    if (const auto above = root / command.substr(0, slash); is_job(above))
      return Error{"name.taken", above.string() + " is a job, and a job has no commands below it"};
  const auto folder = root / command;
  std::error_code error;
  if (is_job(folder)) return Error{"name.taken", folder.string() + " is a job already"};
  for (const auto& file : files)
    if (const auto path = folder / file.path; fs::exists(fs::symlink_status(path, error)))
      return Error{"name.taken", path.string() + " exists"};
  return Done{};
}

Outcome run(Call& call) {
  const auto command = call.word(1);
  if (command.empty()) return usage_error(":init needs bash or ps, and the path of a command");
  if (auto fault = path_fault(command); !fault.empty()) return usage_error("'" + command + "' " + fault);
  const Files& files = call.word(0) == "ps" ? kPowerShell : kBash;
  const fs::path root = call.config.text("scripts-root");
  if (const auto free = refuse_what_is_there(root, command, files); !free) return free.error();
  Json created = Json::array();
  for (const auto& file : files) {
    const auto path = root / command / file.path;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return Error{"internal", path.parent_path().string() + ": " + error.message()};
    if (const auto written = write_new(path, file); !written) return written.error();
    created.push_back(path.string());
  }
  std::string words = command, id = command;
  std::replace(words.begin(), words.end(), '/', ' ');
  std::replace(id.begin(), id.end(), '/', '.');
  if (call.json) {
    print_json(call, {{"id", id}, {"created", created}});
  } else {
    for (const auto& path : created) call.io.out << "created " << printable(path.get<std::string>()) << '\n';
    call.io.out << "muster :validate checks it, muster " << words << " runs it\n";
  }
  return 0;
}

}  // namespace

Verb init_verb() {
  return {.name = ":init",
          .summary = "Make the files of a first job in the folder of scripts",
          .usage = "bash|ps CMD[/SUB...]",
          .example = "muster :init bash demo/hello",
          .run = run,
          .subverbs = {"bash", "ps"},
          .most_words = 2};
}

}  // namespace muster::cli
