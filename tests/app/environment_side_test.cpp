// Shows which servers a node's environment is on, and what it does with a profile.
#include "app/node/environment_side.hpp"

#include <filesystem>
#include <functional>
#include <map>

#include <catch2/catch.hpp>

#include "app/event_bus.hpp"
#include "base/hash.hpp"
#include "domain/endpoint.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::app;
using environment::Component;

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

struct Side {
  explicit Side(const Values& values, const std::function<void(log::Disk&)>& before = {}) {
    if (before) before(disk);
    auto bus = MemoryBus::open(disk, "events");
    REQUIRE(bus);
    const auto config =
      config::combine("", {},
                      [&](std::string_view name) -> std::optional<std::string> {
                        const auto found = values.find(name);
                        return found == values.end() ? std::nullopt : std::optional{found->second};
                      },
                      {});
    REQUIRE(config);
    auto rabbit = open_rabbit(*config);
    REQUIRE(rabbit);
    auto made = EnvironmentSide::start(
      *config, {"n1", folder.string(), &disk, std::move(*bus), std::move(*rabbit), false, {}});
    INFO((made ? "" : made.error().detail));
    REQUIRE(made);
    side = std::move(*made);
  }
  [[nodiscard]] std::vector<std::string> marks() const {
    std::vector<std::string> all;
    for (const auto component : environment::kComponents)
      all.push_back(side->environment().endpoint(component));
    return all;
  }

  ~Side() {
    side.reset();
    std::filesystem::remove_all(folder);
  }

  const std::filesystem::path folder =
    std::filesystem::temp_directory_path() / ("muster-side-" + random_hex(8));
  log::MemoryDisk disk;
  std::unique_ptr<EnvironmentSide> side;
};

std::vector<std::string> marks(const Values& values) {
  return Side{values}.marks();
}

}  // namespace

TEST_CASE("what is built in has no mark, and a server has one of its address alone",
          "[S2-36][S2-37][S2-38]") {
  CHECK(marks({}) == std::vector<std::string>(4));
  const auto one = marks({{"MINIO_ENDPOINT", "http://minio.lan:9000"},
                          {"MINIO_ACCESS_KEY", "a"},
                          {"MINIO_SECRET_KEY", "s"},
                          {"AMQP_URL", "amqp://mq.lan/two"},
                          {"WEAVIATE_URL", "http://index.lan:8080"}});
  for (size_t i = 0; i < 3; i++) CHECK(one[i].size() == environment::kMark);
  CHECK(one == marks({{"MINIO_ENDPOINT", "http://Minio.lan:9000/"},
                      {"MINIO_ACCESS_KEY", "b"},
                      {"MINIO_SECRET_KEY", "t"},
                      {"AMQP_URL", "amqp://maker:secret@mq.lan:5672/two"},
                      {"WEAVIATE_URL", "http://index.lan:8080/"},
                      {"WEAVIATE_API_KEY", "k"}}));
  const auto other = marks({{"MINIO_ENDPOINT", "http://minio.lan:9001"},
                            {"AMQP_URL", "amqp://mq.lan/three"},
                            {"WEAVIATE_URL", "https://index.lan:8080"}});
  for (size_t i = 0; i < 3; i++) CHECK(other[i] != one[i]);
}

TEST_CASE("an apply of topics that was cut short is ended by a profile that names none") {
  const auto cut = [](log::Disk& disk) {
    const auto box = ReportBox::open("n1", disk);
    REQUIRE(box);
    environment::Report look;
    look.component = Component::topics;
    look.generation = "g1";
    look.rows = {{"topic", "orders", "changed", ""}};
    REQUIRE((*box)->intend(look));
  };
  Side side{{}, cut};
  side.side->take_profile("{}", [] {});
  std::vector<std::string> told;
  while (const auto body = side.side->reports().waiting()) {
    const auto report = parse_json(*body);
    REQUIRE(report);
    if ((*report)["component"] == "topics") told.push_back((*report)["action"]);
    side.side->reports().drop(*body);
  }
  CHECK(told == std::vector<std::string>{"apply", "recover"});
}
