// The command lines for git.
#include "adapters/git_checkout.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "adapters/child_process.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

constexpr size_t kLeastAbbreviation = 4;  // Hex digits of a commit, as git takes them.

Error unavailable(std::string why) {
  return {"source.unavailable", std::move(why), {}};
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

/// What no configuration of the machine or of the repository changes.
Words settings(const std::string& scheme) {
  Words words{"git"};
  for (const auto* setting : {"core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false",
                              "fetch.recurseSubmodules=false", "http.followRedirects=false", "gc.auto=0",
                              "maintenance.auto=false", "advice.detachedHead=false", "protocol.allow=never"})
    words.insert(words.end(), {"-c", setting});
  words.insert(words.end(), {"-c", "protocol." + scheme + ".allow=always"});
  return words;
}

std::map<std::string, std::string> environment(const std::string& scheme) {
  auto env = base_environment();
  env["GIT_TERMINAL_PROMPT"] = "0";
  env["GIT_ALLOW_PROTOCOL"] = scheme;
  env["GIT_LFS_SKIP_SMUDGE"] = "1";  // Its configuration is in the repository, and names a host.
  env["LC_ALL"] = "C";
  for (const auto* name :
       {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"})
    if (const char* value = std::getenv(name)) env[name] = value;
  return env;
}

class CheckingOut {
public:
  CheckingOut(const CheckoutOrder& order, const jobs::GitUrl& url)
    : order_(order),
      scheme_(url.scheme),
      // A plain path would be copied by links to its files, and its hooks with it.
      url_(url.scheme == "file" ? "file://" + url.path : order.url),
      until_(Clock::now() + order.limit) {}

  Result<Checkout> run() {
    auto there = is_there();
    if (!there) return there.error();
    if (auto done = *there ? point_to_url() : clone(); !done) return done.error();
    if (auto done = fetch(); !done) return done.error();
    auto found = resolve();
    if (!found) return found.error();
    for (const Words& words :
         {Words{"checkout", "--quiet", "--force", "--detach", found->commit},
          Words{"reset", "--quiet", "--hard", found->commit}, Words{"clean", "--quiet", "-ffdx"}})
      if (auto done = here(words); !done) return done.error();
    return found;
  }

private:
  /// Whether there is a clone of ours already. A link would lead git, which removes files, elsewhere.
  Result<bool> is_there() {
    std::error_code error;
    for (const fs::path& folder : {fs::path(order_.folder).parent_path(), fs::path(order_.folder)})
      if (fs::is_symlink(folder, error))
        return Error{"source.not.allowed", folder.string() + " is a link; remove it first", {}};
    if (!fs::exists(order_.folder, error)) return false;
    const auto inside = fs::symlink_status(order_.folder + "/.git", error);
    if (fs::is_directory(inside)) return true;
    if (fs::is_directory(order_.folder, error) && fs::is_empty(order_.folder, error)) return false;
    return Error{
      "source.not.allowed", order_.folder + " is there and is no checkout; move it away first", {}};
  }

  /// Beside, and put in place when it is whole.
  Status clone() {
    std::error_code failed;
    const auto folder = fs::path(order_.folder);
    const auto fresh = (folder.parent_path() / ("." + folder.filename().string() + ".new")).string();
    fs::remove_all(fresh, failed);
    fs::create_directories(folder.parent_path(), failed);
    if (failed) return unavailable(folder.parent_path().string() + ": " + failed.message());
    auto done = git({"clone", "--quiet", "--no-checkout", "--no-recurse-submodules",
                     "--template=", "--origin", "origin", "--", url_, fresh});
    if (done) {
      fs::remove(folder, failed);  // An empty one.
      fs::rename(fresh, folder, failed);
      if (failed) done = unavailable(order_.folder + ": " + failed.message());
    }
    std::error_code ignored;
    if (!done) fs::remove_all(fresh, ignored);
    return done;
  }

  Status point_to_url() { return here({"remote", "set-url", "--", "origin", url_}); }

  /// --force and --prune-tags: a tag that moved or went away has done so here, too.
  Status fetch() {
    if (auto done = here({"fetch", "--quiet", "--all", "--tags", "--prune", "--prune-tags", "--force",
                          "--no-recurse-submodules"});
        !done)
      return done;
    if (order_.ref != "HEAD") return Done{};
    return here({"remote", "set-head", "origin", "--auto"});
  }

  Result<Checkout> resolve() {
    Words names{"refs/remotes/origin/" + order_.ref, "refs/tags/" + order_.ref};
    if (order_.ref.size() >= kLeastAbbreviation && is_hex(order_.ref)) names.push_back(order_.ref);
    for (const auto& name : names) {
      auto commit = commit_named(name);
      if (!commit) return commit.error();
      if (!commit->empty()) return Checkout{*commit, shown(name, *commit)};
    }
    return unavailable(order_.url + " has no branch, tag or commit " + order_.ref);
  }

  /// As the origin calls it.
  static std::string shown(const std::string& name, const std::string& commit) {
    constexpr std::string_view kOurs = "refs/remotes/origin/";
    if (name == "refs/remotes/origin/HEAD") return "HEAD";
    if (name.starts_with(kOurs)) return "refs/heads/" + name.substr(kOurs.size());
    return name.starts_with("refs/tags/") ? name : commit;
  }

  /// Empty: there is none.
  Result<std::string> commit_named(const std::string& name) {
    const auto end =
      run_git(with_folder({"rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"}));
    if (!end) return end.error();
    if (end->cut != ProgramEnd::Cut::none) return unavailable(why_failed(last_, *end));
    auto commit = end->out.substr(0, end->out.find('\n'));
    return end->good() && is_hex(commit) ? commit : std::string{};
  }

  /// In the checkout, and in no repository that it may be inside of.
  [[nodiscard]] Words with_folder(const Words& words) const {
    Words all{"--git-dir=" + order_.folder + "/.git", "--work-tree=" + order_.folder, "-C", order_.folder};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  Status here(const Words& words) { return git(with_folder(words)); }

  Status git(const Words& words) {
    const auto end = run_git(words);
    if (!end) return unavailable(end.error().detail + " (apt-get install git)");
    if (end->good()) return Done{};
    return unavailable(why_failed(last_, *end));
  }

  Result<ProgramEnd> run_git(const Words& words) {
    last_ = {};
    last_.argv = settings(scheme_);
    last_.argv.insert(last_.argv.end(), words.begin(), words.end());
    last_.env = environment(scheme_);
    last_.limit = std::max(Millis{1}, std::chrono::duration_cast<Millis>(until_ - Clock::now()));
    last_.cancellation = order_.cancellation;
    auto end = run_program(last_);
    last_.limit = order_.limit;  // What is told of is the whole time.
    return end;
  }

  const CheckoutOrder& order_;
  const std::string scheme_, url_;
  const Clock::time_point until_;
  ProgramOrder last_;
};

}  // namespace

Result<Checkout> check_out(const CheckoutOrder& order) {
  const auto url = jobs::parse_git_url(order.url);
  if (!url) return url.error();
  if (auto fault = jobs::ref_fault(order.ref); !fault.empty())
    return Error{"field.invalid", "/ref " + fault, {{"/ref", fault}}};
  return CheckingOut{order, *url}.run();
}

std::string commit_of(const std::string& folder) {
  std::ifstream in{folder + "/.git/HEAD"};
  std::string commit;
  std::getline(in, commit);
  return !commit.empty() && is_hex(commit) ? commit : std::string{};
}

}  // namespace muster
