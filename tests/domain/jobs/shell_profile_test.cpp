// Shows which profiles shells get, and by a real bash that no value means anything to it.
#include "domain/jobs/shell_profile.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <unistd.h>

using namespace muster;
using namespace muster::jobs;
namespace fs = std::filesystem;

namespace {

/// A folder that goes away with the test.
class Folder {
public:
  Folder() {
    auto name = (fs::temp_directory_path() / "profile-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

private:
  fs::path path_;
};

/// What `script` prints in a bash that reads `profile` first.
std::string bash_prints(const std::string& profile, const std::string& script) {
  const Folder folder;
  const auto read = folder.write("profile", profile);
  const auto run = folder.write("script", script);
  const auto command =
    "env -i PATH=\"$PATH\" BASH_ENV=" + bash_quoted(read) + " bash " + bash_quoted(run) + " 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE(pipe);
  std::string out;
  std::array<char, 4096> block{};
  for (size_t n = 0; (n = fread(block.data(), 1, block.size(), pipe.get())) > 0;) out.append(block.data(), n);
  return out;
}

struct Case {
  Job job;
  std::vector<Json> values;
  Arguments arguments;

  Case& add(const std::string& name, const Json& value, bool secret = false) {
    Arg arg;
    arg.name = name;
    arg.secret = secret;
    job.args.push_back(arg);
    values.push_back(value);
    arguments.clear();
    for (size_t i = 0; i < values.size(); i++) arguments.push_back({&job.args[i], values[i]});
    return *this;
  }
};

std::string profile_of(const Case& given, const std::vector<std::string>& files = {}) {
  return shell_profile(Shell::bash, files, given.arguments).text;
}

std::vector<std::string> skipped(Shell shell, const Case& given) {
  std::vector<std::string> all;
  for (const auto& one : shell_profile(shell, {}, given.arguments).skipped)
    all.push_back(one.name + " " + one.why);
  return all;
}

/// Any text that a variable can hold.
std::string any_text() {
  return *rc::gen::container<std::string>(
    rc::gen::oneOf(rc::gen::element('\'', '"', '\\', '$', '`', '\n', '(', ')', ']', '=', '@', '*', '!', ' '),
                   rc::gen::inRange<char>(1, 127), rc::gen::inRange<char>(-128, -1)));
}

}  // namespace

TEST_CASE("the shell is known by the interpreter's programs") {
  for (const auto* bash : {"/usr/bin/env bash", "bash", "/bin/bash -e", " /usr/local/bin/bash5 "})
    CHECK(shell_of(bash) == Shell::bash);
  for (const auto* power : {"pwsh", "/usr/bin/env pwsh", "powershell.exe", "/opt/pwsh-preview"})
    CHECK(shell_of(power) == Shell::powershell);
  for (const auto* other : {"", "/bin/sh", "python3", "/home/bash/python3", "container:bash:5", "  "})
    CHECK(shell_of(other) == Shell::none);
}

TEST_CASE("folders are looked into from the root down to the script's") {
  CHECK(*profile_folders("/srv/scripts", "a/b") ==
        std::vector<std::string>{"/srv/scripts", "/srv/scripts/a", "/srv/scripts/a/b"});
  CHECK(*profile_folders("/srv/scripts/", "") == std::vector<std::string>{"/srv/scripts"});
  CHECK(*profile_folders("/", "a") == std::vector<std::string>{"/", "/a"});
  for (const auto* bad : {"/etc", "..", "a/../../b", "a//b", "./a"}) {
    const auto folders = profile_folders("/srv/scripts", bad);
    REQUIRE_FALSE(folders);
    CHECK(folders.error().code == "E_CONFIG");
  }
  CHECK(profile_files(Shell::bash, {"b.sh", "a.sh", "c.ps1", "x", "10.sh"}) ==
        std::vector<std::string>{"10.sh", "a.sh", "b.sh"});
  CHECK(profile_files(Shell::powershell, {"b.sh", "c.ps1"}) == std::vector<std::string>{"c.ps1"});
  CHECK(profile_files(Shell::none, {"b.sh", "c.ps1"}).empty());
}

TEST_CASE("bash gets scalars exported, arrays and maps declared") {
  Case given;
  given.add("name", "Ana B")
    .add("loud", true)
    .add("count", -5)
    .add("tag-s.x", {"a b", "", "c"})
    .add("meta", {{"k", "v"}, {"@", "all"}, {"*", "star"}, {"a]b", "x"}, {"it's $(id)", "q"}});
  const auto out = bash_prints(profile_of(given), R"bash(
declare -p name loud count tag_s_x | sort
for k in k @ '*' 'a]b' "it's \$(id)"; do printf '%s=%s\n' "$k" "${meta[$k]}"; done
printf '%s\n' "${#meta[@]}" "${BASH_ENV-unset}"
bash -c 'printf "%s %s\n" "$name" "${tag_s_x-none}"'
)bash");
  CHECK(
    out ==
    "declare -a tag_s_x=([0]=\"a b\" [1]=\"\" [2]=\"c\")\ndeclare -x count=\"-5\"\ndeclare -x loud=\"true\"\n"
    "declare -x name=\"Ana B\"\nk=v\n@=all\n*=star\na]b=x\nit's $(id)=q\n5\nunset\nAna B none\n");
}

TEST_CASE("bash reads the files in their order, before the arguments") {
  const Folder folder;
  const auto vars = folder.write("it's a $(folder)/vars.sh", "name=vars; declare -i count=3; seen=vars\n");
  const auto libs =
    folder.write("-libs.sh", "greet() { echo \"hello $name after $seen\"; }\nseen=$seen,libs\n");
  Case given;
  given.add("name", "Ana").add("count", "a[$(echo pwned >&2)]");
  CHECK(bash_prints(profile_of(given, {vars, libs}), "greet; echo \"$count\"") ==
        "hello Ana after vars,libs\na[$(echo pwned >&2)]\n");
}

TEST_CASE("any text survives bash, as a scalar, an item and a key") {
  CHECK(rc::check("it is what it was", [] {
    const auto text = any_text();
    const auto key = "k" + any_text();
    Case given;
    given.add("s", text).add("l", Json::array({text, "end"})).add("m", Json{{key, text}});
    const auto out =
      bash_prints(profile_of(given), "printf '%s|' \"$s\" \"${l[@]}\" \"${!m[@]}\" \"${m[@]}\"");
    RC_ASSERT(out == text + "|" + text + "|end|" + key + "|" + text + "|");
  }));
}

TEST_CASE("what bash cannot have or must not be given as a variable is left out, with the reason",
          "[S3-114]") {
  Case given;
  given.add("1st", "x")
    .add("a b", "x")
    .add("\xc3\xa9", "x")
    .add("PATH", "x")
    .add("LD_PRELOAD", "x")
    .add("BASH_ENV", "x")
    .add("UID", "x")
    .add("ok-y", "x")
    .add("ok.y", "y")
    .add("token", "hunter2", true)
    .add("a;id", "x");
  CHECK(skipped(Shell::bash, given) ==
        std::vector<std::string>{
          "1st is no name of a variable", "a b is no name of a variable", "\xc3\xa9 is no name of a variable",
          "PATH is a variable of the shell's own", "LD_PRELOAD is a variable of the shell's own",
          "BASH_ENV is a variable of the shell's own", "UID is a variable of the shell's own",
          "ok.y is another argument's variable", "token is a secret", "a;id is no name of a variable"});
  CHECK(profile_of(given).find("hunter2") == std::string::npos);
  CHECK(bash_prints(profile_of(given), "echo $ok_y") == "x\n");
}

TEST_CASE("PowerShell's profile reads its files, sets the environment and starts the script", "[S3-114]") {
  Case given;
  given.add("na-me", "it's\xe2\x80\x99$(id)")
    .add("loud", true)
    .add("tags", {"a"})
    .add("token", "hunter2", true);
  const auto made = shell_profile(Shell::powershell, {"/s/it's.ps1"}, given.arguments);
  CHECK(made.text ==
        "param([string]$TargetScript)\n. '/s/it''s.ps1'\n"
        "[Environment]::SetEnvironmentVariable('na-me', 'it''s\xe2\x80\x99\xe2\x80\x99$(id)')\n"
        "[Environment]::SetEnvironmentVariable('loud', 'true')\n"
        "$global:LASTEXITCODE = 0\n& $TargetScript @args\nexit $LASTEXITCODE\n");
  CHECK(skipped(Shell::powershell, given) ==
        std::vector<std::string>{"tags is no scalar", "token is a secret"});
  CHECK(
    profile_words(Shell::powershell, "/p.ps1") ==
    std::vector<std::string>{"-NoProfile", "-ExecutionPolicy", "Bypass", "-File", "/p.ps1", "-TargetScript"});
  CHECK(profile_words(Shell::bash, "/p").empty());
  CHECK(shell_profile(Shell::none, {"/x"}, given.arguments).text.empty());
}
