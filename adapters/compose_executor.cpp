// Driving compose: every command line of it is a process that is looked at, never waited for.
#include "adapters/compose_executor.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include <unistd.h>

#include "adapters/child_process.hpp"
#include "adapters/keys.hpp"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds kLookEvery{5};  // From one question which containers run to the next.
constexpr int kGraceSeconds = 8;               // For containers; less than what supervision gives.
constexpr size_t kMaxList = 64 * 1024;         // Bytes of the list of containers.
constexpr int kMaxKills = 6;                   // Then it is given up.

/// For a shell, with an engine, a filter and seconds: removes containers without compose's file or folder.
constexpr auto kRemove =
  R"(ids=$("$1" ps -aq --filter "$2") && { [ -z "$ids" ] || { "$1" stop -t "$3" $ids; "$1" rm -f $ids; }; })";

bool is_detached(const plan::App& app) {
  return std::any_of(app.command.begin(), app.command.end(),
                     [](const auto& word) { return word == "-d" || word == "--detach"; });
}

/// What is kept of an instance: everything else is found by the project's name.
struct Kept {
  ProcessId up, follower;
  bool made = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("up", self.up);
    visit("follower", self.follower);
    visit("made", self.made);
  }
};

/// A compose project. First `up` runs to its end; then the engine is asked which containers run, and a
/// follower copies their output into the service's log.
class ComposeInstance : public Instance {
public:
  ComposeInstance(Order order, ComposeTool tool) : order_(std::move(order)), tool_(std::move(tool)) {}

  Status begin() {
    auto words = compose();
    words.insert(words.end(), order_.app.command.begin(), order_.app.command.end());
    return run(up_, std::move(words), "/log");
  }

  void resume(const Kept& kept) {
    made_ = followed_ = kept.made;
    if (auto up = ChildProcess::adopt(kept.up)) up_ = std::move(*up);
    if (auto follower = ChildProcess::adopt(kept.follower)) follower_ = std::move(*follower);
    if (!up_ && !made_) begin_again();
  }

  Look look() override {
    if (ended_) return look_at_rest();
    if (leaving_) return look_at_end();
    if (!made_) return look_at_start();
    if (!up_) return look_at_containers();
    auto look = up_->look();  // In the foreground: it ends with its containers.
    return look.state == Look::State::ended ? end(std::move(look)) : look;
  }

  void stop() override {
    if (!ended_ && !leaving_) take_down(kGraceSeconds);
  }
  void kill() override {
    if (ended_) return;
    if (++kills_ > kMaxKills) return give_up();
    if (kills_ > 1 && down_) return;  // The last one is at it.
    drop(up_);
    drop(down_);
    take_down(0);
  }
  [[nodiscard]] int fd() const override {
    if (ended_) return dropped_.empty() ? -1 : dropped_.front().fd();
    const auto& awaited = leaving_ ? down_ : up_;
    return awaited ? awaited->fd() : -1;
  }
  [[nodiscard]] std::string record() const override {
    return to_json_text(
      Kept{up_ ? up_->id() : ProcessId{}, follower_ ? follower_->id() : ProcessId{}, made_});
  }

private:
  [[nodiscard]] std::string label() const {
    return "label=com.docker.compose.project=" + project_of(order_.app.name);
  }

  [[nodiscard]] Words compose() const {
    auto words = tool_.compose;
    words.insert(words.end(), {"-p", project_of(order_.app.name)});
    return words;
  }

  /// What was cut short may have made all containers, or some: `up` leaves alone what is there. Where it
  /// cannot be done again, the engine is asked what runs.
  void begin_again() {
    up_.reset();
    if (!begin()) made_ = true;
  }

  /// What helps is ended, and waited for in look_at_rest().
  void drop(std::optional<ChildProcess>& one) {
    if (!one) return;
    one->kill();
    dropped_.push_back(std::move(*one));
    one.reset();
  }

  void give_up() {
    ended_ = Look{Look::State::ended, false, 0, 0,
                  "containers of " + project_of(order_.app.name) + " may still run: neither compose nor " +
                    tool_.engine + " takes them down; its log says why"};
  }

  Look end(Look look) {
    ended_ = std::move(look);
    return look_at_rest();
  }

  Look look_at_rest() {
    for (auto* one : {&up_, &down_, &list_, &follower_}) drop(*one);
    std::erase_if(dropped_, [](ChildProcess& one) { return one.look().state == Look::State::ended; });
    return dropped_.empty() ? *ended_ : Look{};
  }

  Status run(std::optional<ChildProcess>& into, Words argv, const std::string& output) {
    return run(into, std::move(argv), output, order_.app.cwd);
  }
  Status run(std::optional<ChildProcess>& into, Words argv, const std::string& output, std::string cwd) {
    Spawn spawn;
    spawn.argv = std::move(argv);
    spawn.env = base_environment();
    for (const auto& [name, value] : order_.app.env) spawn.env[name] = value;
    spawn.env["MUSTER_SERVICE"] = order_.app.name;
    spawn.cwd = std::move(cwd);
    spawn.output = order_.folder + output;
    spawn.fresh_output = output != "/log";
    auto started = ChildProcess::start(spawn);
    if (!started) return started.error();
    into = std::move(*started);
    return Done{};
  }

  Look look_at_start() {
    auto look = up_->look();
    if (look.state == Look::State::running) {
      if (is_detached(order_.app)) {
        look.state = Look::State::starting;
        return look;
      }
      made_ = true;
      return look;
    }
    if (!look.known) {  // An earlier life began it.
      begin_again();
      return {Look::State::starting, false, 0, 0, {}};
    }
    if (look.code != 0 || look.signal != 0) {
      look.why = "compose failed; its log says why";
      return look;
    }
    up_.reset();
    made_ = true;
    return {};
  }

  Look look_at_containers() {
    if (!follower_ || follower_->look().state == Look::State::ended) follow();
    if (!list_) {
      if (Clock::now() >= next_list_) {
        next_list_ = Clock::now() + kLookEvery;
        (void)run(list_, {tool_.engine, "ps", "-q", "--filter", label()}, "/containers", "");
      }
      return {};
    }
    const auto look = list_->look();
    if (look.state != Look::State::ended) return {};
    list_.reset();
    if (!look.known || look.code != 0) return {};  // The engine does not answer: nothing is known.
    const auto containers = read_file(order_.folder + "/containers", kMaxList);
    const bool none = containers && containers->find_first_not_of(" \r\n") == std::string::npos;
    empty_ = none ? empty_ + 1 : 0;
    if (empty_ < 2) return {};  // Once may be the moment in which one is replaced.
    return end({Look::State::ended, false, 0, 0, {}});
  }

  /// Where compose cannot, its file being gone or changed, the engine does.
  Look look_at_end() {
    if (!down_) return {};
    const auto look = down_->look();
    if (look.state != Look::State::ended) return {};
    if (look.known && look.code == 0 && look.signal == 0) return end({Look::State::ended, true, 0, 0, {}});
    down_.reset();
    if (!std::exchange(by_engine_, true)) remove();
    return {};
  }

  void take_down(int seconds) {
    leaving_ = true;
    if (!made_) drop(up_);
    grace_ = std::to_string(seconds);
    auto words = compose();
    words.insert(words.end(), {"down", "-t", grace_});
    by_engine_ = !run(down_, std::move(words), "/log");
    if (by_engine_) remove();
  }

  void remove() { (void)run(down_, {"sh", "-c", kRemove, "sh", tool_.engine, label(), grace_}, "/log", ""); }

  void follow() {
    if (Clock::now() < next_follow_) return;
    next_follow_ = Clock::now() + kLookEvery;
    auto words = compose();
    words.insert(words.end(), {"logs", "-f", "--tail", followed_ ? "0" : "100"});
    followed_ = true;
    (void)run(follower_, std::move(words), "/log");
  }

  Order order_;
  ComposeTool tool_;
  std::optional<ChildProcess> up_, down_, list_, follower_;
  Clock::time_point next_list_{}, next_follow_{};
  int empty_ = 0, kills_ = 0;
  bool made_ = false, followed_ = false, leaving_ = false, by_engine_ = false;
  std::string grace_;                  // Seconds for containers.
  std::optional<Look> ended_;          // Told once nothing that helped is left.
  std::vector<ChildProcess> dropped_;  // Killed, and to be waited for.
};

class ComposeExecutor : public Executor {
public:
  explicit ComposeExecutor(std::string asked) : asked_(std::move(asked)) {}
  [[nodiscard]] std::string_view name() const override { return asked_; }

  Result<std::unique_ptr<Instance>> start(const Order& order) override {
    auto tool = find_compose(asked_);
    if (!tool) return tool.error();
    auto made = std::make_unique<ComposeInstance>(order, std::move(*tool));
    if (auto status = made->begin(); !status) return status.error();
    return std::unique_ptr<Instance>{std::move(made)};
  }

  Result<std::unique_ptr<Instance>> adopt(const Order& order, const std::string& record) override {
    auto tool = find_compose(asked_);
    if (!tool) return Error{"not.found", tool.error().detail, {}};
    auto kept = from_json_text<Kept>(record.empty() ? "{}" : record);
    if (!kept) return kept.error();
    auto made = std::make_unique<ComposeInstance>(order, std::move(*tool));
    made->resume(*kept);
    return std::unique_ptr<Instance>{std::move(made)};
  }

private:
  std::string asked_;
};

bool has_compose_plugin() {
  const char* home = std::getenv("HOME");
  const std::string own = home ? std::string(home) + "/.docker" : "/nonexistent";
  for (const auto& folder :
       {own, std::string("/usr/local/lib/docker"), std::string("/usr/local/libexec/docker"),
        std::string("/usr/lib/docker"), std::string("/usr/libexec/docker")})
    if (::access((folder + "/cli-plugins/docker-compose").c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace

Result<ComposeTool> find_compose(const std::string& asked) {
  if (asked == "nerdctl") {
    if (!find_in_path("nerdctl").empty()) return ComposeTool{{"nerdctl", "compose"}, "nerdctl"};
    return Error{"service.unstartable", "nerdctl is not in PATH", {}};
  }
  const bool docker = !find_in_path("docker").empty();
  if (docker && has_compose_plugin()) return ComposeTool{{"docker", "compose"}, "docker"};
  if (docker && !find_in_path("docker-compose").empty()) return ComposeTool{{"docker-compose"}, "docker"};
  if (!find_in_path("podman").empty() && !find_in_path("podman-compose").empty())
    return ComposeTool{{"podman-compose"}, "podman"};
  return Error{"service.unstartable",
               "there is no compose: install Docker with its compose plugin, or podman and podman-compose",
               {}};
}

std::string project_of(const std::string& service) {
  std::string project = "muster-";
  for (const char c : service) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    project += upper ? static_cast<char>(c + 32) : fine ? c : '_';
  }
  return project;
}

std::unique_ptr<Executor> make_compose_executor(std::string asked) {
  return std::make_unique<ComposeExecutor>(std::move(asked));
}

}  // namespace muster
