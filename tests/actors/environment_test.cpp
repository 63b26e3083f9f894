// An environment on real threads, beside a server that says nothing: the others go on, and it ends at once.
#include "actors/environment.hpp"

#include <condition_variable>
#include <mutex>

#include <catch2/catch.hpp>

#include "adapters/memory_bus.hpp"
#include "adapters/memory_index.hpp"
#include "events/log/memory_disk.hpp"
#include "tests/adapters/wait.hpp"

using namespace muster;
using environment::Ask;
using environment::Component;
using environment::Ensured;
using environment::Report;

namespace {

/// Fakes a server that takes what is asked and never answers.
class SilentStorage : public ObjectStorage {
public:
  Result<Ensured> ensure_bucket(const std::string&, const Ask&) override {
    std::unique_lock lock(mutex_);
    asked.put(1);
    wake_.wait(lock, [this] { return cancelled_; });
    return Error{"unreachable", "cancelled"};
  }
  Result<Ensured> ensure_versioning(const std::string&, bool, const Ask&) override { return Ensured{}; }
  Result<Ensured> ensure_lifecycle(const std::string&, const std::vector<profile::LifecycleRule>&,
                                   const Ask&) override {
    return Ensured{};
  }
  Result<Ensured> ensure_tags(const std::string&, const std::map<std::string, std::string>&,
                              const Ask&) override {
    return Ensured{};
  }
  Result<Ensured> remove_rule(const std::string&, const profile::LifecycleRule&, const Ask&) override {
    return Ensured{};
  }
  Result<Ensured> remove_tag(const std::string&, const std::string&, const std::string&,
                             const Ask&) override {
    return Ensured{};
  }
  Result<std::vector<std::string>> buckets() override { return std::vector<std::string>{}; }
  void cancel() override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    wake_.notify_all();
  }

  Mailbox<int> asked;

private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool cancelled_ = false;
};

class NoTopics : public Topics {
public:
  Result<Ensured> ensure_topic(const profile::Topic&, const Ask&) override { return Ensured{}; }
};

}  // namespace

TEST_CASE("beside a server that says nothing the others are made, and the environment ends at once",
          "[S2-76]") {
  log::MemoryDisk disk;
  auto index = make_memory_index(disk);
  REQUIRE(index);
  const auto storage = std::make_shared<SilentStorage>();
  Mailbox<Report> told;
  Mailbox<std::vector<Report>> looks;
  EnvironmentOptions options;
  options.node = "n1";
  options.backends = {.storage = storage,
                      .storage_name = "s3",
                      .broker = std::make_shared<MemoryBus>(),
                      .broker_name = "in-process",
                      .index = std::move(*index),
                      .index_name = "embedded",
                      .topics = std::make_shared<NoTopics>(),
                      .topics_name = "none"};
  options.pace.interval = Millis{50};
  options.now = system_now;
  options.chance = [] { return 0.0; };
  options.told = [&](const Report& report) { told.put(report); };
  profile::Profile profile;
  for (int i = 0; i < 5; i++) profile.storage.push_back({std::to_string(i), false, {}, {}});
  profile.exchanges = {{"orders", "topic"}};
  profile.classes = {{"Asset", {}}};
  bool released = false;
  {
    Environment environment(std::move(options));
    environment.desire(profile);
    REQUIRE(storage->asked.wait_for_size(1));
    for (const auto component : {Component::broker, Component::index})
      CHECK(told.wait_for([&](const std::vector<Report>& all) {
        return std::ranges::count(all, component, &Report::component) >= 3;
      }));
    REQUIRE(environment.look(false, Component::index, [&](std::vector<Report> got) { looks.put(got); }));
    CHECK(looks.wait_for_size(1));
    const std::shared_ptr<void> waits{nullptr, [&](void*) { released = true; }};
    REQUIRE(environment.look(false, {}, [waits](const std::vector<Report>&) {}));
  }
  CHECK(storage->asked.all().size() == 1);
  CHECK(released);
}
