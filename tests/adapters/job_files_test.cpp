// Shows how a folder of scripts is walked: what counts, what is refused, and that what stayed is not read
// again.
#include "adapters/job_files.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

using namespace muster;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
  Folder() {
    std::string name = fs::temp_directory_path() / "scripts-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::string text() const { return path_; }

private:
  fs::path path_;
};

std::shared_ptr<const JobListing> read(JobFiles& files) {
  auto listing = files.read();
  INFO((listing ? std::string{} : listing.error().detail));
  REQUIRE(listing);
  return *listing;
}

std::vector<std::string> ids_of(const JobListing& listing) {
  std::vector<std::string> ids;
  for (const auto& entry : listing.tree.jobs()) ids.push_back(entry.job->id);
  return ids;
}

std::string fault_at(const JobListing& listing, const std::string& path) {
  for (const auto& fault : listing.faults)
    if (fault.path == path) return fault.error;
  return "";
}

/// Reads until two readings are one object: until the stamps of everything are older than a tick.
std::shared_ptr<const JobListing> settled(JobFiles& files) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  for (auto last = read(files); std::chrono::steady_clock::now() < deadline; std::this_thread::yield()) {
    auto next = read(files);
    if (next == last) return next;
    last = std::move(next);
  }
  FAIL("the tree never came to rest");
  return nullptr;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("a tree on disk is its jobs, its aliases and its faults", "[S3-02][S3-14]") {
  const Folder root;
  root.write("demo/config.d/config.yaml", "job: {id: demo.greet}");
  root.write("deep/er/still/config.d/CONFIG.yaml", "");
  root.write("plain/config.yaml", "");
  root.write("broken/config.d/config.yaml", "timeout: x");
  root.write("flwd.yaml", "aliases: [{from: demo.greet, to: hi}, {from: nobody, to: x}]");
  JobFiles files(root.text());
  const auto listing = read(files);
  CHECK(ids_of(*listing) == Ids{"deep.er.still", "demo.greet", "plain"});
  CHECK(listing->aliases.find("hi")->target_id == "demo.greet");
  CHECK(listing->aliases.invalid().at("x").code == "alias.target.invalid");
  REQUIRE(listing->faults.size() == 1);
  CHECK(fault_at(*listing, "broken/config.d/config.yaml").find("/timeout line 1") == 0);
  root.write("flwd.yaml", "aliases: [{from: demo.greet}]");
  CHECK(fault_at(*read(files), "flwd.yaml") ==
        "alias.configuration.invalid: /aliases/0/to line 1: is required");
}

TEST_CASE("a root that is not there has no jobs, and one that is a file is an error", "[S3-02]") {
  const Folder root;
  JobFiles missing(root / "none");
  CHECK(read(missing)->tree.jobs().empty());
  root.write("none/a/config.d/config.yaml", "");
  CHECK(ids_of(*read(missing)) == Ids{"a"});
  fs::remove_all(root / "none");
  CHECK(read(missing)->tree.jobs().empty());
  root.write("file", "");
  const auto refused = JobFiles(root / "file").read();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "config.invalid");
  CHECK(refused.error().detail.find("is not a folder") != std::string::npos);
}

TEST_CASE("nothing that did not change is read again, and every change is seen", "[S3-02]") {
  const Folder root;
  root.write("a/config.d/config.yaml", "job: {name: one}");
  root.write("b/config.d/config.yaml", "");
  root.write("flwd.yaml", "");
  JobFiles files(root.text());
  const auto first = settled(files);
  const auto* b = first->tree.find("b");

  root.write("a/config.d/config.yaml", "job: {name: two}");  // Of the same size.
  const auto second = settled(files);
  CHECK(second->tree.find("a")->name == "two");
  CHECK(second->tree.find("b") == b);  // The very same.

  root.write("b/inner/config.d/config.yaml", "");
  CHECK(ids_of(*read(files)) == Ids{"a", "b", "b.inner"});
  fs::rename(root / "b", root / "c");
  CHECK(ids_of(*read(files)) == Ids{"a", "c", "c.inner"});
  fs::remove_all(root / "a");
  CHECK(ids_of(*read(files)) == Ids{"c", "c.inner"});
  root.write("flwd.yaml", "aliases: [{from: c, to: x}]");
  CHECK(read(files)->aliases.find("x"));
}

TEST_CASE("a change within the same tick is seen") {
  const Folder root;
  JobFiles files(root.text());
  for (int i = 0; i < 50; i++) {
    const std::string name = "job" + std::to_string(i);
    root.write("a/config.d/config.yaml", "job: {name: " + name + "}");
    CHECK(read(files)->tree.find("a")->name == name);
  }
}

TEST_CASE("links to folders are not followed, and files that lead out are refused") {
  const Folder root, other;
  other.write("config.yaml", "job: {id: stolen}");
  other.write("x/config.d/config.yaml", "job: {id: elsewhere}");
  root.write("real/config.d/config.yaml", "");
  root.write("kept/there.yaml", "job: {id: inside}");
  fs::create_directories(root / "out/config.d");
  fs::create_directories(root / "in/config.d");
  fs::create_directories(root / "gone/config.d");
  fs::create_symlink(other / "config.yaml", root / "out/config.d/config.yaml");
  fs::create_symlink("../../kept/there.yaml", root / "in/config.d/config.yaml");
  fs::create_symlink("nowhere", root / "gone/config.d/config.yaml");
  fs::create_directory_symlink(other / "x", root / "x");
  fs::create_directory_symlink(root.text(), root / "real/loop");
  fs::create_symlink("/etc/passwd", root / "flwd.yaml");
  JobFiles files(root.text());
  const auto listing = read(files);
  CHECK(ids_of(*listing) == Ids{"inside", "real"});
  CHECK(fault_at(*listing, "out/config.d/config.yaml") == "is a link out of its tree of scripts");
  CHECK(fault_at(*listing, "gone/config.d/config.yaml") == "does not exist");
  CHECK(fault_at(*listing, "flwd.yaml") == "is a link out of its tree of scripts");
}

TEST_CASE("a tree that means harm ends at a limit with a fault, and the rest loads") {
  const Folder root;
  root.write("a/config.d/config.yaml", "");
  root.write("b/config.d/config.yaml", std::string(300 * 1024, '#'));
  root.write("c/d/e/f/g/config.d/config.yaml", "");
  mkdir((root / "z").c_str(), 0755);
  mkfifo((root / "z/config.yaml").c_str(), 0644);
  root.write("n/config.d/config.yaml", std::string("interpreter: a\0b", 16));
  root.write("u\xff/config.d/config.yaml", "");
  JobFileLimits limits;
  limits.depth = 4;
  JobFiles files(root.text(), limits);
  const auto listing = read(files);
  CHECK(ids_of(*listing) == Ids{"a"});
  CHECK(fault_at(*listing, "c/d/e/f/g").find("more than 4 folders deep") != std::string::npos);
  CHECK(fault_at(*listing, "b/config.d/config.yaml").find("larger than 256 KiB") != std::string::npos);
  CHECK_FALSE(fault_at(*listing, "n/config.d/config.yaml").empty());
  CHECK(fault_at(*listing, "u\xff/config.d/config.yaml") == "the path is not UTF-8");

  limits = {};
  limits.files = 1;
  JobFiles few(root.text(), limits);
  CHECK(ids_of(*read(few)) == Ids{"a"});
  CHECK(fault_at(*read(few), "b/config.d/config.yaml").find("more than 1 files") != std::string::npos);
  limits = {};
  limits.folders = 3;
  JobFiles narrow(root.text(), limits);
  CHECK(ids_of(*read(narrow)) == Ids{"a"});
  CHECK(read(narrow)->faults.size() == 1);
  limits.faults = 1;
  limits.folders = 100;
  CHECK(fault_at(*read(few), "c").empty());
}

TEST_CASE("the scripts of a job are its numbered files in order, or those of its steps") {
  const Folder root;
  for (const auto* name : {"100_b.sh", "000_a.sh", "999_z.py", "050_no.sh", "main.sh", "000x.sh"})
    root.write(std::string("j/") + name, "");
  root.write("j/000_folder/x", "");
  jobs::Job job;
  job.id = job.folder = "j";
  const auto found = job_scripts(root.text(), job);
  REQUIRE(found);
  CHECK(*found == std::vector<std::string>{root / "j/000_a.sh", root / "j/100_b.sh", root / "j/999_z.py"});
  job.stepped = true;
  job.steps = {{"1", "", "main.sh", "", {}, {}}, {"2", "", "../shared/lib.sh", "", {}, {}}};
  CHECK(job_scripts(root.text(), job).error().detail == "j: the script \"../shared/lib.sh\" does not exist");
  root.write("shared/lib.sh", "");
  CHECK(job_scripts(root.text(), job)->at(1) == root / "shared/lib.sh");
  job.folder = "nowhere";
  job.stepped = false;
  CHECK(job_scripts(root.text(), job)->empty());
}

TEST_CASE("a script that leads out of its tree is refused") {
  const Folder root, other;
  other.write("evil.sh", "");
  root.write("j/config.d/config.yaml", "");
  jobs::Job job;
  job.id = job.folder = "j";
  const auto refused = [&] {
    const auto found = job_scripts(root.text(), job);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == "E_CONFIG");
    return found.error().detail;
  };
  fs::create_symlink(other / "evil.sh", root / "j/000_main.sh");
  CHECK(refused() == "j: the script \"000_main.sh\" is a link out of its tree of scripts");
  job.stepped = true;
  for (const std::string& script :
       Ids{"../../" + fs::path(other.text()).filename().string() + "/evil.sh", std::string(other / "evil.sh"),
           std::string(), std::string("config.d")}) {
    job.steps = {{"1", "", script, "", {}, {}}};
    CHECK_FALSE(refused().empty());
  }
}

TEST_CASE("a tree may be read by many threads at once") {
  const Folder root;
  for (int i = 0; i < 300; i++)
    root.write("j" + std::to_string(i) + "/config.d/config.yaml", "job: {summary: x}");
  JobFiles files(root.text());
  std::vector<std::jthread> threads;
  std::atomic<size_t> seen{0};
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&] {
      if (const auto listing = files.read()) seen += (*listing)->tree.jobs().size();
    });
  threads.clear();
  CHECK(seen == 1200);
}
