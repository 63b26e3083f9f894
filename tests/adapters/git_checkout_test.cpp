// Shows checkouts of real repositories: what a ref means, what moves, and what git must not do for anybody.
#include "adapters/git_checkout.hpp"

#include <sys/stat.h>

#include "tests/adapters/git_room.hpp"

using namespace muster;
using test::GitDaemon;
using test::GitRoom;
namespace fs = std::filesystem;

namespace {

CheckoutOrder order_of(const GitRoom& room, const std::string& ref) {
  CheckoutOrder order;
  order.url = room.origin();
  order.ref = ref;
  order.folder = room.folder();
  return order;
}

Checkout out(const CheckoutOrder& order) {
  const auto made = check_out(order);
  if (!made) FAIL(made.error().code << ": " << made.error().detail);
  CHECK(commit_of(order.folder) == made->commit);
  return *made;
}

std::string refusal(const CheckoutOrder& order) {
  const auto made = check_out(order);
  REQUIRE_FALSE(made);
  INFO(made.error().detail);
  CHECK_FALSE(made.error().detail.empty());
  return made.error().code;
}

}  // namespace

TEST_CASE("a branch, a tag and a commit are each resolved to a commit, and checked out", "[S3-81]") {
  GitRoom room;
  const auto first = room.git({"rev-parse", "HEAD"});
  room.git({"tag", "v1"});
  room.git({"tag", "-a", "v1-annotated", "-m", "one"});
  room.write("scripts/second", "2");
  const auto second = room.commit("two");

  const auto branch = out(order_of(room, "main"));
  CHECK(branch.commit == second);
  CHECK(branch.resolved_ref == "refs/heads/main");
  CHECK(fs::exists(room.folder() + "/scripts/second"));
  const auto head = out(order_of(room, "HEAD"));
  CHECK((head.commit == second && head.resolved_ref == "HEAD"));

  for (const auto* tag : {"v1", "v1-annotated"}) {
    const auto made = out(order_of(room, tag));
    CHECK(made.commit == first);
    CHECK(made.resolved_ref == std::string("refs/tags/") + tag);
    CHECK_FALSE(fs::exists(room.folder() + "/scripts/second"));
  }
  for (const auto& written : {second, second.substr(0, 8)}) {
    const auto made = out(order_of(room, written));
    CHECK(made.commit == second);
    CHECK(made.resolved_ref == second);
  }
}

TEST_CASE("a ref that moved is at its new commit when it is checked out again", "[S3-81]") {
  GitRoom room;
  room.git({"tag", "latest"});
  const auto before = out(order_of(room, "main")).commit;
  CHECK(out(order_of(room, "latest")).commit == before);
  room.write("scripts/new", "x");
  const auto after = room.commit("two");
  room.git({"tag", "--force", "latest"});
  CHECK(out(order_of(room, "main")).commit == after);
  CHECK(out(order_of(room, "latest")).commit == after);

  SECTION("also when history was rewritten") {
    room.git({"reset", "--quiet", "--hard", before});
    room.write("scripts/other", "y");
    const auto rewritten = room.commit("other");
    CHECK(out(order_of(room, "main")).commit == rewritten);
    CHECK_FALSE(fs::exists(room.folder() + "/scripts/new"));
  }
  SECTION("and one that went away is not there any more") {
    room.git({"branch", "gone"});
    out(order_of(room, "gone"));
    room.git({"branch", "-D", "gone"});
    room.git({"tag", "-d", "latest"});
    CHECK(refusal(order_of(room, "gone")) == "source.unavailable");
    CHECK(refusal(order_of(room, "latest")) == "source.unavailable");
  }
  SECTION("and HEAD follows the origin's") {
    out(order_of(room, "HEAD"));
    room.git({"checkout", "--quiet", "-b", "next"});
    const auto next = room.commit("next");
    CHECK(out(order_of(room, "HEAD")).commit == next);
  }
}

TEST_CASE("a branch wins over a tag of its name, and a branch that looks like a commit over the commit",
          "[S3-81]") {
  GitRoom room;
  const auto first = room.git({"rev-parse", "HEAD"});
  room.git({"tag", "both"});
  const auto second = room.commit("two");
  room.git({"branch", "both"});
  room.git({"branch", first.substr(0, 7)});
  CHECK(out(order_of(room, "both")).commit == second);
  CHECK(out(order_of(room, first.substr(0, 7))).commit == second);
}

TEST_CASE("a checkout holds its commit and nothing else", "[S3-81]") {
  GitRoom room;
  out(order_of(room, "main"));
  std::ofstream(room.folder() + "/scripts/hello/config.d/config.yaml") << "changed";
  std::ofstream(room.folder() + "/left over") << "x";
  fs::create_directories(room.folder() + "/nested");
  room.git({"init", "--quiet", room.folder() + "/nested"});
  out(order_of(room, "main"));
  CHECK_FALSE(fs::exists(room.folder() + "/left over"));
  CHECK_FALSE(fs::exists(room.folder() + "/nested"));
  std::ifstream file{room.folder() + "/scripts/hello/config.d/config.yaml"};
  std::string line;
  std::getline(file, line);
  CHECK(line == "interpreter: /bin/sh");
}

TEST_CASE("a repository comes over the network, too, and another URL is followed", "[S3-80]") {
  GitRoom room;
  GitDaemon daemon{room};
  auto order = order_of(room, "main");
  order.url = daemon.url();
  CHECK(out(order).commit == room.git({"rev-parse", "HEAD"}));
  GitRoom other;
  const auto commit = other.commit("elsewhere");
  order.url = "file://" + other.origin();
  CHECK(out(order).commit == commit);
  order.url = daemon.url() + "-that-is-not-there";
  CHECK(refusal(order) == "source.unavailable");
  CHECK(commit_of(order.folder) == commit);
}

TEST_CASE("a clone that fails leaves nothing") {
  GitRoom room;
  auto order = order_of(room, "main");
  order.url = "file://" + (room / "nowhere").string();
  CHECK(refusal(order) == "source.unavailable");
  CHECK(fs::is_empty(fs::path(room.folder()).parent_path()));
  order.url = "git://127.0.0.1:" + std::to_string(test::free_port()) + "/x";
  CHECK(refusal(order) == "source.unavailable");
  CHECK(fs::is_empty(fs::path(room.folder()).parent_path()));
  CHECK(commit_of(room.folder()).empty());
}

TEST_CASE("hooks are not run, neither the origin's nor the checkout's nor the machine's") {
  GitRoom room;
  const auto mark = (room / "ran").string();
  const auto plant = [&](const std::string& folder) {
    fs::create_directories(folder);
    for (const auto* name :
         {"post-checkout", "post-merge", "pre-commit", "reference-transaction", "post-index-change"}) {
      std::ofstream(folder + "/" + name) << "#!/bin/sh\ntouch " << mark << "\n";
      ::chmod((folder + "/" + name).c_str(), 0755);
    }
  };
  plant(room.origin() + "/.git/hooks");
  fs::remove(mark);
  out(order_of(room, "main"));
  CHECK_FALSE(fs::exists(room.folder() + "/.git/hooks/post-checkout"));
  plant(room.folder() + "/.git/hooks");
  out(order_of(room, "main"));
  CHECK_FALSE(fs::exists(mark));
}

TEST_CASE("submodules are not fetched") {
  GitRoom room, inner;
  room.git({"submodule", "--quiet", "add", inner.origin(), "scripts/inner"});
  room.commit("submodule");
  for (int i = 0; i < 2; i++) {
    out(order_of(room, "main"));
    CHECK(fs::is_empty(room.folder() + "/scripts/inner"));
    CHECK_FALSE(fs::exists(room.folder() + "/.git/modules"));
  }
}

TEST_CASE("what git would take as an option or a program is refused before git is started", "[S3-99]") {
  GitRoom room;
  const auto mark = (room / "ran").string();
  for (const auto& url : {"--upload-pack=touch " + mark, "ext::sh -c touch% " + mark, "ext::touch% " + mark,
                          "ssh://-oProxyCommand=touch%20" + mark + "/x", std::string("fd::17"),
                          std::string("http:///x"), std::string("../origin"), std::string()}) {
    auto order = order_of(room, "main");
    order.url = url;
    INFO(url);
    CHECK(refusal(order) == "source.not.allowed");
  }
  for (const auto& ref : {"--upload-pack=touch " + mark, std::string("-f"), std::string("a..b"),
                          std::string(), std::string("main^{/x}"), std::string("main@{1}")}) {
    INFO(ref);
    CHECK(refusal(order_of(room, ref)) == "field.invalid");
  }
  CHECK_FALSE(fs::exists(mark));
  CHECK_FALSE(fs::exists(room.folder()));
}

TEST_CASE("a machine's configuration does not lead git to another transport or to a program") {
  GitRoom room;
  const auto mark = (room / "ran").string();
  const std::string home = (room / "home").string(), before = std::getenv("HOME") ? std::getenv("HOME") : "";
  fs::create_directories(home);
  std::ofstream(home + "/.gitconfig") << "[url \"ext::touch " << mark << " \"]\n  insteadOf = git://\n"
                                      << "[protocol \"ext\"]\n  allow = always\n";
  ::setenv("HOME", home.c_str(), 1);
  auto order = order_of(room, "main");
  order.url = "git://127.0.0.1/x";
  CHECK(refusal(order) == "source.unavailable");
  ::setenv("HOME", before.c_str(), 1);
  CHECK_FALSE(fs::exists(mark));
}

TEST_CASE("a folder that is a link, or not ours, is left alone", "[S3-99]") {
  GitRoom room;
  const auto target = room / "somewhere";
  fs::create_directories(target);
  std::ofstream(target / "precious") << "x";
  fs::create_directories(fs::path(room.folder()).parent_path());
  SECTION("a link to a folder") {
    fs::create_directory_symlink(target, room.folder());
  }
  SECTION("a link to nowhere") {
    fs::create_directory_symlink(target / "nowhere", room.folder());
  }
  SECTION("a link above it") {
    fs::remove(fs::path(room.folder()).parent_path());
    fs::create_directory_symlink(target, fs::path(room.folder()).parent_path());
  }
  SECTION("a folder with something in it") {
    fs::create_directories(room.folder());
    std::ofstream(room.folder() + "/mine") << "x";
  }
  SECTION("a folder whose .git is a link") {
    fs::create_directories(room.folder());
    fs::create_directory_symlink(room.origin() + "/.git", room.folder() + "/.git");
  }
  CHECK(refusal(order_of(room, "main")) == "source.not.allowed");
  CHECK(fs::exists(target / "precious"));
}

TEST_CASE("a checkout ends with its time, or when it is canceled") {
  GitRoom room;
  const int fd = test::bound_to(0);  // Takes connections, and never says a word.
  REQUIRE(::listen(fd, 1) == 0);
  auto order = order_of(room, "main");
  order.url = "git://127.0.0.1:" + std::to_string(test::port_of(fd)) + "/x";
  Cancellation cancellation;
  SECTION("its time") {
    order.limit = Millis{500};
  }
  SECTION("canceled") {
    order.cancellation = &cancellation;
    cancellation.cancel();
  }
  CHECK(refusal(order) == "source.unavailable");
  CHECK(fs::is_empty(fs::path(room.folder()).parent_path()));
  ::close(fd);
}
