// Talking to libavahi-core: its callbacks only note what happened, so that nothing is freed under its feet.
#include "adapters/mdns_session.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <arpa/inet.h>
#include <avahi-common/alternative.h>
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
constexpr size_t kHashChars = 16;

/// The node's id, or as much of it as a label holds and a hash of the whole.
std::string service_name(const std::string& node) {
  if (node.size() <= kMaxName) return node;
  auto length = kMaxName - kHashChars - 1;
  while (length > 0 && (static_cast<unsigned char>(node[length]) & 0xc0) == 0x80) length--;
  return node.substr(0, length) + "-" + sha256_hex(node).substr(0, kHashChars);
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

std::vector<std::string> strings_of(const AvahiStringList* list) {
  std::vector<std::string> strings;
  for (; list != nullptr && strings.size() <= kMaxTxtStrings; list = list->next)
    strings.emplace_back(reinterpret_cast<const char*>(list->text), list->size);
  std::reverse(strings.begin(), strings.end());
  return strings;
}

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
  browse();
  look_around();
}

MdnsSession::~MdnsSession() {
  withdraw();
  if (server_ != nullptr) avahi_server_free(server_);  // And with it browser, resolvers and groups.
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

/// Somebody has that name. The next one is tried; the node's id in the TXT record stays as it is.
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
    char* other = avahi_alternative_service_name(name_.c_str());
    name_ = other;
    avahi_free(other);
    withdraw();
  }
  publish();
}

void MdnsSession::advertise(const finding::Advert& advert) {
  const auto port = port_of(advert.address);
  if (!own_ || own_->node != advert.node) {
    withdraw();
    name_ = service_name(advert.node);
  } else if (port != port_) {
    withdraw();
  }
  own_ = advert;
  port_ = port;
  changed_ = true;  // Which one is left out of what is found has changed.
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
  if (!crowded_ || neighbours_.size() >= kMaxFound) return;
  crowded_ = false;
  avahi_s_service_browser_free(browser_);
  browse();
}

void MdnsSession::browse() {
  browser_ = avahi_s_service_browser_new(server_, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET, service_.c_str(),
                                         nullptr, AvahiLookupFlags{}, on_browse, this);
  if (browser_ == nullptr) fail("searching failed", avahi_server_errno(server_));
}

void MdnsSession::on_browse(AvahiSServiceBrowser*, AvahiIfIndex interface, AvahiProtocol protocol,
                            AvahiBrowserEvent event, const char* name, const char*, const char*,
                            AvahiLookupResultFlags, void* self) {
  auto* session = static_cast<MdnsSession*>(self);
  if (event == AVAHI_BROWSER_NEW) session->add_neighbour(interface, protocol, name);
  if (event == AVAHI_BROWSER_FAILURE) session->fail("searching failed", avahi_server_errno(session->server_));
  if (event != AVAHI_BROWSER_REMOVE) return;
  const auto at = session->neighbours_.find({interface, name});
  if (at == session->neighbours_.end()) return;
  avahi_s_service_resolver_free(at->second.resolver);
  session->neighbours_.erase(at);
  session->changed_ = true;
}

void MdnsSession::add_neighbour(AvahiIfIndex interface, AvahiProtocol protocol, const char* name) {
  const Place place{interface, name};
  if (neighbours_.contains(place)) return;
  if (neighbours_.size() >= kMaxFound) {
    crowded_ = true;
    return;
  }
  auto& neighbour = neighbours_[place];
  neighbour.session = this;
  neighbour.resolver =
    avahi_s_service_resolver_new(server_, interface, protocol, name, service_.c_str(), nullptr,
                                 AVAHI_PROTO_INET, AvahiLookupFlags{}, on_resolve, &neighbour);
  if (neighbour.resolver == nullptr) neighbours_.erase(place);
}

void MdnsSession::on_resolve(AvahiSServiceResolver*, AvahiIfIndex, AvahiProtocol, AvahiResolverEvent event,
                             const char*, const char*, const char*, const char*, const AvahiAddress* address,
                             uint16_t, AvahiStringList* txt, AvahiLookupResultFlags, void* neighbour) {
  auto& it = *static_cast<Neighbour*>(neighbour);
  it.session->changed_ = true;
  it.advert.reset();
  if (event != AVAHI_RESOLVER_FOUND) return;
  it.advert = from_txt(strings_of(txt));
  if (!it.advert || address == nullptr) return;
  char host[AVAHI_ADDRESS_STR_MAX];
  avahi_address_snprint(host, sizeof host, address);
  it.advert->address = at_host(std::move(it.advert->address), host);
  it.advert->url = at_host(std::move(it.advert->url), host);
}

std::vector<finding::Advert> MdnsSession::found() const {
  std::map<std::pair<std::string, std::string>, const finding::Advert*> seen;
  const auto better = [](const finding::Advert& a, const finding::Advert& b) {
    if (a.epoch != b.epoch) return a.epoch > b.epoch;
    return !a.address.starts_with("127.") && b.address.starts_with("127.");
  };
  for (const auto& [place, neighbour] : neighbours_) {
    if (!neighbour.advert) continue;
    const auto& advert = *neighbour.advert;
    if (own_ && own_->node == advert.node && own_->boot == advert.boot) continue;
    auto& at = seen[{advert.node, advert.boot}];
    if (at == nullptr || better(advert, *at)) at = &advert;
  }
  std::vector<finding::Advert> adverts;
  adverts.reserve(seen.size());
  for (const auto& [who, advert] : seen) adverts.push_back(*advert);
  return adverts;
}

}  // namespace muster
