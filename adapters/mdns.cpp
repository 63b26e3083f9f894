// The thread behind discovery by multicast DNS, which opens the responder again when it failed.
#include "adapters/mdns.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <avahi-common/domain.h>
#include <avahi-core/log.h>

#include "adapters/advert_text.hpp"
#include "adapters/mdns_session.hpp"

namespace muster {
namespace {

constexpr Millis kLookAround{1000};  // How soon a new address of the machine is noticed.

class Mdns : public Discovery {
public:
  explicit Mdns(MdnsOptions options) : options_(std::move(options)), thread_([this] { run(); }) {}

  ~Mdns() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      wake();
    }
    thread_.join();
  }

  Status advertise(const finding::Advert& advert) override {
    if (auto status = check_advert(advert); !status) return status;
    const std::lock_guard lock(mutex_);
    advert_ = advert;
    to_advertise_ = true;
    wake();
    return Done{};
  }

  [[nodiscard]] std::vector<finding::Advert> found() const override {
    const std::lock_guard lock(mutex_);
    return found_;
  }

  void on_change(Changed changed) override {
    const std::lock_guard lock(mutex_);
    changed_ = std::move(changed);
    to_tell_ = true;
    wake();
  }

private:
  using Clock = std::chrono::steady_clock;

  void wake() {
    if (session_ != nullptr) session_->wake();
    woken_.notify_all();
  }

  void run() {
    Millis pause = options_.first_retry;
    while (!stopping()) {
      const auto started = Clock::now();
      {
        MdnsSession session(options_);
        put(&session);
        serve(session);
        put(nullptr);
        if (stopping()) return;
        complain(session.error());
      }
      show({});
      if (Clock::now() - started > options_.last_retry) pause = options_.first_retry;
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, pause, [this] { return stopping_; });
      pause = std::min(pause * 2, options_.last_retry);
    }
  }

  void serve(MdnsSession& session) {
    auto next_look = Clock::now();
    do {
      const auto advert = take_advert();
      if (advert) session.advertise(*advert);
      if (Clock::now() >= next_look) {
        next_look = Clock::now() + kLookAround;
        session.look_around();
        if (session.has_addresses())
          complained_ = false;
        else
          complain("no interface has an IPv4 address");
      }
      if (session.take_changed() || advert) show(session.found());
      tell();
    } while (!stopping() && session.turn(kLookAround));
  }

  [[nodiscard]] bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void put(MdnsSession* session) {
    const std::lock_guard lock(mutex_);
    session_ = session;
    to_advertise_ = advert_.has_value();
  }

  std::optional<finding::Advert> take_advert() {
    const std::lock_guard lock(mutex_);
    return std::exchange(to_advertise_, false) ? advert_ : std::nullopt;
  }

  void show(std::vector<finding::Advert> found) {
    const std::lock_guard lock(mutex_);
    if (found == found_) return;
    found_ = std::move(found);
    to_tell_ = true;
  }

  void tell() {
    Changed changed;
    {
      const std::lock_guard lock(mutex_);
      if (changed_ && std::exchange(to_tell_, false)) changed = changed_;
    }
    if (changed) changed();
  }

  void complain(const std::string& why) {
    if (!std::exchange(complained_, true) && options_.trouble) options_.trouble(why);
  }

  const MdnsOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  bool stopping_ = false;
  std::optional<finding::Advert> advert_;
  bool to_advertise_ = false;  // The session does not know of `advert_` yet.
  std::vector<finding::Advert> found_;
  Changed changed_;
  bool to_tell_ = false;
  MdnsSession* session_ = nullptr;
  bool complained_ = false;  // The thread's alone.
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Discovery>> make_mdns(MdnsOptions options) {
  if (avahi_is_valid_service_type_strict(options.service.c_str()) == 0)
    return Error{"field.invalid",
                 "\"" + options.service + "\" is no service type of multicast DNS, such as _muster._tcp",
                 {}};
  avahi_set_log_function([](AvahiLogLevel, const char*) {});  // What matters comes back as an error.
  return std::unique_ptr<Discovery>(std::make_unique<Mdns>(std::move(options)));
}

}  // namespace muster
