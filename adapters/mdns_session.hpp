// One life of the embedded mDNS responder: from its start until it is stopped or something fails.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <avahi-common/simple-watch.h>
#include <avahi-core/core.h>
#include <avahi-core/publish.h>

#include "adapters/mdns.hpp"
#include "adapters/mdns_search.hpp"

namespace muster {

/// Used by one thread, but for wake().
class MdnsSession {
public:
  explicit MdnsSession(const MdnsOptions& options);
  /// Says goodbye to the neighbours.
  ~MdnsSession();
  MdnsSession(const MdnsSession&) = delete;
  MdnsSession& operator=(const MdnsSession&) = delete;

  /// Waits for the network, at most as long as `limit`, and does what there is to do. False: it has failed.
  bool turn(Millis limit);
  /// From any thread: ends a turn early.
  void wake() {
    if (poll_ != nullptr) avahi_simple_poll_wakeup(poll_);
  }

  void advertise(const finding::Advert& advert);
  /// Follows the addresses of the machine's interfaces, and looks again when there were too many neighbours.
  void look_around();
  /// True when there is an interface to be heard on.
  [[nodiscard]] bool has_addresses() const { return !addresses_.empty(); }

  /// True once after something else was found.
  [[nodiscard]] bool take_changed() { return search_ && search_->take_changed(); }
  [[nodiscard]] std::vector<finding::Advert> found() const {
    return search_ ? search_->found(own_) : std::vector<finding::Advert>{};
  }
  [[nodiscard]] const std::string& error() const { return error_; }

private:
  static void on_server(AvahiServer* server, AvahiServerState state, void* self);
  static void on_group(AvahiServer* server, AvahiSEntryGroup* group, AvahiEntryGroupState state, void* self);

  void fail(const std::string& what);
  void fail(const std::string& what, int code);
  void publish();
  void withdraw();
  void rename();
  void follow_addresses();

  const std::string service_;
  const bool loopback_only_;
  AvahiSimplePoll* poll_ = nullptr;
  AvahiServer* server_ = nullptr;
  std::optional<MdnsSearch> search_;
  AvahiSEntryGroup* group_ = nullptr;  // The service; null while nothing is published.
  std::string name_;                   // The service's name.
  bool collided_ = false, host_collided_ = false;
  std::optional<finding::Advert> own_;
  uint16_t port_ = 0;
  std::map<std::pair<AvahiIfIndex, uint32_t>, AvahiSEntryGroup*> addresses_;
  std::string error_;
};

}  // namespace muster
