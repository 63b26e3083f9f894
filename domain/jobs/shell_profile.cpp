// Writing profiles: nothing but quoted words reaches the shell.
#include "domain/jobs/shell_profile.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "domain/jobs/environment.hpp"

namespace muster::jobs {
namespace {

/// Variables that bash itself uses or does not let go of, and those that decide what is run: whoever may set
/// an argument must not set these.
constexpr std::array<std::string_view, 28> kReserved{"CDPATH",
                                                     "DATA_DIR",
                                                     "DIRSTACK",
                                                     "ENV",
                                                     "EUID",
                                                     "FUNCNAME",
                                                     "GLOBIGNORE",
                                                     "GROUPS",
                                                     "HISTFILE",
                                                     "HOME",
                                                     "IFS",
                                                     "LINENO",
                                                     "OPTARG",
                                                     "OPTIND",
                                                     "PATH",
                                                     "PIPESTATUS",
                                                     "POSIXLY_CORRECT",
                                                     "PPID",
                                                     "PROMPT_COMMAND",
                                                     "PS4",
                                                     "PWD",
                                                     "RANDOM",
                                                     "RUN_DIR",
                                                     "SECONDS",
                                                     "SHELLOPTS",
                                                     "SRANDOM",
                                                     "UID",
                                                     "_"};
constexpr std::array<std::string_view, 6> kReservedStarts{"ARG_", "BASH", "FLOWD_", "FLWD_", "LC_", "LD_"};

std::string why_reserved(const std::string& name) {
  const auto starts = [&](std::string_view start) { return name.starts_with(start); };
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0)
    return "is no name of a variable";
  for (const char c : name)
    if (c != '_' &&
        (static_cast<unsigned char>(c) >= 0x80 || std::isalnum(static_cast<unsigned char>(c)) == 0))
      return "is no name of a variable";
  if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end() ||
      std::any_of(kReservedStarts.begin(), kReservedStarts.end(), starts))
    return "is a variable of the shell's own";
  return {};
}

std::string bash_value(const Json& value, const std::string& name) {
  if (const auto text = scalar_text(value)) return "export " + name + "=" + bash_quoted(*text) + '\n';
  std::string line = std::string("declare -") + (value.is_array() ? 'a' : 'A') + ' ' + name + "=()\n";
  // One by one: in a list bash would take [@] or an empty word for something else.
  size_t index = 0;
  for (const auto& [key, item] : value.items()) {
    const auto at = value.is_array() ? std::to_string(index++) : bash_quoted(key);
    line += name + '[' + at + "]=" + bash_quoted(item.get<std::string>()) + '\n';
  }
  return line;
}

std::string bash_name(std::string name) {
  std::replace_if(
    name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

ShellProfile bash_profile(const std::vector<std::string>& files, const Arguments& arguments) {
  ShellProfile made;
  // Else every bash that the script or a library starts would read all of this again, without end.
  made.text = "unset BASH_ENV\n";
  for (const auto& file : files) made.text += "source -- " + bash_quoted(file) + '\n';
  std::set<std::string> set;
  for (const auto& [arg, value] : arguments) {
    const auto name = bash_name(arg->name);
    auto why = arg->secret ? "is a secret" : why_reserved(name);
    if (why.empty() && !set.insert(name).second) why = "is another argument's variable";
    if (!why.empty()) {
      made.skipped.push_back({arg->name, std::move(why)});
      continue;
    }
    // What a library made of the name before, a number or a reference, would not take the value as it is.
    made.text += "unset -n " + name + "; unset -v " + name + '\n' + bash_value(value, name);
  }
  return made;
}

ShellProfile powershell_profile(const std::vector<std::string>& files, const Arguments& arguments) {
  ShellProfile made;
  made.text = "param([string]$TargetScript)\n";
  for (const auto& file : files) made.text += ". " + powershell_quoted(file) + '\n';
  for (const auto& [arg, value] : arguments) {
    const auto text = scalar_text(value);
    auto why = arg->secret ? "is a secret" : text ? why_reserved(bash_name(arg->name)) : "is no scalar";
    if (!why.empty()) {
      made.skipped.push_back({arg->name, std::move(why)});
      continue;
    }
    made.text += "[Environment]::SetEnvironmentVariable(" + powershell_quoted(arg->name) + ", " +
                 powershell_quoted(*text) + ")\n";
  }
  made.text += "$global:LASTEXITCODE = 0\n& $TargetScript @args\nexit $LASTEXITCODE\n";
  return made;
}

}  // namespace

Shell shell_of(std::string_view interpreter) {
  if (interpreter.starts_with("container:")) return Shell::none;
  constexpr std::string_view kBlank = " \t\r\n";
  while (true) {
    const auto from = interpreter.find_first_not_of(kBlank);
    if (from == std::string_view::npos) return Shell::none;
    interpreter.remove_prefix(from);
    const auto word = interpreter.substr(0, interpreter.find_first_of(kBlank));
    const auto name = word.substr(word.rfind('/') + 1);
    if (name.find("bash") != std::string_view::npos) return Shell::bash;
    if (name.starts_with("pwsh") || name.starts_with("powershell")) return Shell::powershell;
    interpreter.remove_prefix(word.size());
  }
}

Result<std::vector<std::string>> profile_folders(std::string_view root, std::string_view folder) {
  while (root.size() > 1 && root.ends_with('/')) root.remove_suffix(1);
  std::vector<std::string> folders{std::string(root)};
  while (!folder.empty()) {
    const auto slash = std::min(folder.find('/'), folder.size());
    const auto part = folder.substr(0, slash);
    folder.remove_prefix(std::min(slash + 1, folder.size()));
    if (part.empty() || part == "." || part == "..")
      return Error{"E_CONFIG", "a script's folder must be below the scripts root"};
    const auto& above = folders.back();
    folders.push_back(above + (above == "/" ? "" : "/") + std::string(part));
  }
  return folders;
}

std::vector<std::string> profile_files(Shell shell, std::vector<std::string> names) {
  const std::string_view end = shell == Shell::bash ? ".sh" : ".ps1";
  const auto other = [&](const std::string& name) { return shell == Shell::none || !name.ends_with(end); };
  names.erase(std::remove_if(names.begin(), names.end(), other), names.end());
  std::sort(names.begin(), names.end());
  return names;
}

ShellProfile shell_profile(Shell shell, const std::vector<std::string>& files, const Arguments& arguments) {
  if (shell == Shell::bash) return bash_profile(files, arguments);
  if (shell == Shell::powershell) return powershell_profile(files, arguments);
  return {};
}

std::string bash_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

std::string powershell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (size_t i = 0; i < text.size(); i++) {
    quoted += text[i];
    if (text[i] == '\'') quoted += '\'';
    // U+2018 to U+201B end a string there as ' does; twice they stand for themselves.
    const auto last = i >= 2 ? static_cast<unsigned char>(text[i]) : 0;
    if (last >= 0x98 && last <= 0x9b && text.substr(i - 2, 2) == "\xe2\x80") quoted += text.substr(i - 2, 3);
  }
  return quoted + "'";
}

std::vector<std::string> profile_words(Shell shell, const std::string& profile) {
  if (shell != Shell::powershell) return {};
  return {"-NoProfile", "-ExecutionPolicy", "Bypass", "-File", profile, "-TargetScript"};
}

}  // namespace muster::jobs
