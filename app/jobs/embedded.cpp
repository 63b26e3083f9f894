// Opening, leading, and closing in order.
#include "app/jobs/embedded.hpp"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <utility>

#include <spdlog/spdlog.h>

#include "adapters/keys.hpp"
#include "app/data_folder.hpp"
#include "app/logging.hpp"
#include "base/hash.hpp"
#include "events/log/rocks_disk.hpp"

namespace muster::app {
namespace {

constexpr std::chrono::seconds kLeadWithin{30};
constexpr std::chrono::seconds kAnswerWithin{30};

/// Told when this node leads, and after each publishing of the views.
class Published {
public:
  void tell(bool leads) {
    {
      const std::lock_guard lock{mutex_};
      leads_ = leads_ || leads;
    }
    changed_.notify_all();
    const std::lock_guard lock{then_mutex_};
    then_();
  }
  void then(std::function<void()> then) {
    const std::lock_guard lock{then_mutex_};
    then_ = std::move(then);
  }
  /// Until it leads and `shown` holds; false when that takes too long.
  template <class Shown>
  bool wait(Shown&& shown) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, kLeadWithin, [&] { return leads_ && shown(); });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool leads_ = false;
  std::mutex then_mutex_;
  std::function<void()> then_ = [] {};
};

}  // namespace

struct Embedded::Impl {
  std::string node, data;
  Keys keys;
  std::shared_ptr<Published> published = std::make_shared<Published>();
  std::unique_ptr<log::Disk> disk;
  std::unique_ptr<System> system;  // Ends before what it stands on.
};

Embedded::Embedded() : impl_(std::make_unique<Impl>()) {}

Embedded::~Embedded() {
  if (impl_->system) impl_->system->stop();
}

System& Embedded::system() const {
  return *impl_->system;
}
const std::string& Embedded::node() const {
  return impl_->node;
}
const std::string& Embedded::data() const {
  return impl_->data;
}

log::Disk& Embedded::disk() const {
  return *impl_->disk;
}
void Embedded::on_views(std::function<void()> then) {
  impl_->published->then(std::move(then));
}

Result<std::unique_ptr<Embedded>> Embedded::open(const config::Config& config) {
  (void)set_up_log(config);
  spdlog::set_level(spdlog::level::warn);  // What goes well is the command's own to tell.
  auto opened = std::unique_ptr<Embedded>{new Embedded};
  auto& impl = *opened->impl_;
  auto data = make_data_folder(config);
  if (!data) return data.error();
  impl.data = std::filesystem::canonical(*data);
  auto node = node_id(config, impl.data);
  if (!node) return node.error();
  impl.node = *node;
  auto keys = load_or_make_keys(impl.data + "/keys");
  if (!keys) return keys.error();
  impl.keys = std::move(*keys);
  auto disk = log::open_rocks_disk(impl.data + "/log", log::Access::read_write);
  if (!disk)
    return Error{"log.unwritable",
                 "the data folder " + impl.data +
                   " cannot be had, as when a node runs on it: stop it, or name another one with --data (" +
                   disk.error().detail + ")",
                 {}};
  impl.disk = std::move(*disk);
  const auto published = impl.published;
  SystemOptions options;
  options.node = impl.node;
  options.version = MUSTER_VERSION;
  options.boot = random_hex(8);
  options.on_leading = [published] { published->tell(true); };
  options.on_lines = [published](const auto&, const auto&) { published->tell(false); };
  auto system = System::make(*impl.disk, impl.keys, std::move(options));
  if (!system) return system.error();
  impl.system = std::move(*system);
  if (view<cluster::View>(*impl.system->views()).members.size() > 1)
    return Error{"unreachable",
                 "the data folder " + impl.data +
                   " is a member's of a cluster of several: start its node, and run the job through it",
                 {}};
  impl.system->open();
  const auto level = [&impl] { return view<cluster::View>(*impl.system->views()).identity->feature_level; };
  if (!published->wait([&] { return level() != 0; }))
    return Error{
      "leader.starting", "the log did not open within " + std::to_string(kLeadWithin.count()) + " s", {}};
  if (level() < runs::kRunsLevel)
    return Error{"conflict",
                 "runs are recorded from feature level " + std::to_string(runs::kRunsLevel) +
                   " on: start the node, and muster :cluster upgrade",
                 {}};
  return opened;
}

Result<Receipt> Embedded::ask(runs::Command command, const std::string& actor) {
  const auto answered = std::make_shared<std::promise<Result<Receipt>>>();
  auto answer = answered->get_future();
  Origin origin;
  origin.actor = actor;
  impl_->system->ask(std::move(command), std::move(origin),
                     Answer([answered](Result<Receipt> result) { answered->set_value(std::move(result)); }));
  if (answer.wait_for(kAnswerWithin) != std::future_status::ready)
    return Error{
      "command.timeout", "the log did not answer within " + std::to_string(kAnswerWithin.count()) + " s", {}};
  return answer.get();
}

}  // namespace muster::app
