// Talking to libavahi-core: its callbacks only note what happened, so that nothing is freed under its feet.
#include "adapters/mdns_session.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <arpa/inet.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "adapters/advert_text.hpp"
#include "base/hash.hpp"

namespace muster {
namespace {

constexpr size_t kMaxName = 63;  // Bytes of a DNS label, which a service's name is.
constexpr size_t kSuffixChars = 16;

/// The node's id, or as much of it as a label holds, and what tells it from others.
std::string service_name(const std::string& node, std::string suffix) {
  if (node.size() <= kMaxName && suffix.empty()) return node;
  if (suffix.empty()) suffix = sha256_hex(node).substr(0, kSuffixChars);
  auto length = std::min(node.size(), kMaxName - suffix.size() - 1);
  while (length > 0 && length < node.size() && (static_cast<unsigned char>(node[length]) & 0xc0) == 0x80)
    length--;
  return node.substr(0, length) + "-" + suffix;
}

uint16_t port_of(const std::string& address) {
  uint16_t port = 0;
  const auto colon = address.rfind(':');
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  return port;
}

class TxtList {
public:
  explicit TxtList(const finding::Advert& advert) {
    for (const auto& text : to_txt(advert))  // It adds at the front, and reverses when it writes.
      list_ =
        avahi_string_list_add_arbitrary(list_, reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  ~TxtList() { avahi_string_list_free(list_); }
  TxtList(const TxtList&) = delete;
  TxtList& operator=(const TxtList&) = delete;
  [[nodiscard]] AvahiStringList* get() const { return list_; }

private:
  AvahiStringList* list_ = nullptr;
};

/// The IPv4 addresses of the interfaces that are up, by interface.
std::set<std::pair<AvahiIfIndex, uint32_t>> machine_addresses(bool loopback_only) {
  std::set<std::pair<AvahiIfIndex, uint32_t>> addresses;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return addresses;
  for (const auto* at = all; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    const bool loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
    const bool usable = loopback || (!loopback_only && (at->ifa_flags & IFF_MULTICAST) != 0);
    if (!usable || (at->ifa_flags & IFF_UP) == 0) continue;
    const auto index = static_cast<AvahiIfIndex>(::if_nametoindex(at->ifa_name));
    if (index > 0) addresses.emplace(index, reinterpret_cast<sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr);
  }
  ::freeifaddrs(all);
  return addresses;
}

AvahiStringList* loopback_interfaces() {
  AvahiStringList* names = nullptr;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) == 0) {
    for (const auto* at = all; at != nullptr; at = at->ifa_next)
      if ((at->ifa_flags & IFF_LOOPBACK) != 0) names = avahi_string_list_add(names, at->ifa_name);
    ::freeifaddrs(all);
  }
  return names != nullptr ? names : avahi_string_list_add(nullptr, "lo");
}

}  // namespace

MdnsSession::MdnsSession(const MdnsOptions& options)
  : service_(options.service), loopback_only_(options.loopback_only), poll_(avahi_simple_poll_new()) {
  if (poll_ == nullptr) {
    fail("no poll");
    return;
  }
  AvahiServerConfig config;
  avahi_server_config_init(&config);
  config.host_name = avahi_strdup(("muster-" + random_hex(8)).c_str());
  config.use_ipv6 = 0;
  config.publish_hinfo = config.publish_workstation = config.publish_domain = 0;
  config.publish_addresses = 0;  // Two responders on one address fight over its reverse name.
  config.publish_aaaa_on_ipv4 = 0;
  config.enable_wide_area = 0;
  config.disallow_other_stacks = 0;
  if (loopback_only_) config.allow_interfaces = loopback_interfaces();
  int code = 0;
  server_ = avahi_server_new(avahi_simple_poll_get(poll_), &config, on_server, this, &code);
  avahi_server_config_free(&config);
  if (server_ == nullptr) {
    fail("no responder", code);
    return;
  }
  search_.emplace(server_, options);
  look_around();
}

MdnsSession::~MdnsSession() {
  search_.reset();
  withdraw();
  if (server_ != nullptr) avahi_server_free(server_);  // And the groups with it.
  if (poll_ != nullptr) avahi_simple_poll_free(poll_);
}

void MdnsSession::fail(const std::string& what) {
  if (error_.empty()) error_ = what;
}

void MdnsSession::fail(const std::string& what, int code) {
  fail(what + ": " + avahi_strerror(code));
}

bool MdnsSession::turn(Millis limit) {
  if (!error_.empty()) return false;
  if (avahi_simple_poll_iterate(poll_, static_cast<int>(limit.count())) != 0) fail("polling failed");
  if (collided_ || host_collided_) rename();
  if (!search_->error().empty()) fail(search_->error());
  return error_.empty();
}

void MdnsSession::on_server(AvahiServer* server, AvahiServerState state, void* self) {
  auto* session = static_cast<MdnsSession*>(self);
  if (state == AVAHI_SERVER_COLLISION) session->host_collided_ = true;
  if (state == AVAHI_SERVER_FAILURE) session->fail("the responder failed", avahi_server_errno(server));
}

void MdnsSession::on_group(AvahiServer* server, AvahiSEntryGroup* group, AvahiEntryGroupState state,
                           void* self) {
  auto* session = static_cast<MdnsSession*>(self);
  if (state == AVAHI_ENTRY_GROUP_FAILURE) session->fail("publishing failed", avahi_server_errno(server));
  if (state != AVAHI_ENTRY_GROUP_COLLISION) return;
  (group == session->group_ ? session->collided_ : session->host_collided_) = true;
}

/// Somebody has that name. Another one is tried, at random since two that count up together collide for ever;
/// the node's id in the TXT record stays as it is.
void MdnsSession::rename() {
  if (std::exchange(host_collided_, false)) {
    for (const auto& [place, group] : addresses_) avahi_s_entry_group_free(group);
    addresses_.clear();
    const auto code = avahi_server_set_host_name(server_, ("muster-" + random_hex(8)).c_str());
    if (code < 0) fail("no new host name", code);
    collided_ = false;
    withdraw();
    follow_addresses();
  } else if (std::exchange(collided_, false)) {
    name_ = service_name(own_->node, random_hex(kSuffixChars / 2));
    withdraw();
  }
  publish();
}

void MdnsSession::advertise(const finding::Advert& advert) {
  const auto port = port_of(advert.address);
  if (!own_ || own_->node != advert.node) {
    withdraw();
    name_ = service_name(advert.node, "");
  } else if (port != port_) {
    withdraw();
  }
  own_ = advert;
  port_ = port;
  if (collided_) return;  // It will be published under another name.
  if (group_ == nullptr) return publish();
  const TxtList txt(*own_);
  const auto code = avahi_server_update_service_txt_strlst(server_, group_, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET,
                                                           AvahiPublishFlags{}, name_.c_str(),
                                                           service_.c_str(), nullptr, txt.get());
  if (code < 0) fail("publishing failed", code);
}

void MdnsSession::publish() {
  if (!own_ || group_ != nullptr || !error_.empty()) return;
  group_ = avahi_s_entry_group_new(server_, on_group, this);
  if (group_ == nullptr) return fail("publishing failed", avahi_server_errno(server_));
  const TxtList txt(*own_);
  auto code =
    avahi_server_add_service_strlst(server_, group_, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET, AvahiPublishFlags{},
                                    name_.c_str(), service_.c_str(), nullptr, nullptr, port_, txt.get());
  if (code == AVAHI_ERR_COLLISION) {
    collided_ = true;
    return;
  }
  if (code >= 0) code = avahi_s_entry_group_commit(group_);
  if (code < 0) fail("publishing failed", code);
}

void MdnsSession::withdraw() {
  if (group_ != nullptr) avahi_s_entry_group_free(std::exchange(group_, nullptr));
}

void MdnsSession::follow_addresses() {
  const auto now = machine_addresses(loopback_only_);
  for (auto at = addresses_.begin(); at != addresses_.end();) {
    if (now.contains(at->first)) {
      ++at;
    } else {
      avahi_s_entry_group_free(at->second);
      at = addresses_.erase(at);
    }
  }
  for (const auto& place : now) {
    if (addresses_.contains(place)) continue;
    auto* group = avahi_s_entry_group_new(server_, on_group, this);
    if (group == nullptr) return fail("publishing failed", avahi_server_errno(server_));
    addresses_.emplace(place, group);
    AvahiAddress address{};
    address.proto = AVAHI_PROTO_INET;
    address.data.ipv4.address = place.second;
    auto code = avahi_server_add_address(server_, group, place.first, AVAHI_PROTO_INET,
                                         AVAHI_PUBLISH_NO_REVERSE, nullptr, &address);
    if (code >= 0) code = avahi_s_entry_group_commit(group);
    if (code < 0) return fail("publishing an address failed", code);
  }
}

void MdnsSession::look_around() {
  if (!error_.empty()) return;
  follow_addresses();
  search_->look_again();
}

}  // namespace muster
