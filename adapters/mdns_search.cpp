// Following neighbours with libavahi-core's browsers. Whatever they say comes from anybody on the network.
#include "adapters/mdns_search.hpp"

#include <algorithm>

#include <avahi-common/domain.h>
#include <avahi-common/error.h>

#include "adapters/advert_text.hpp"

namespace muster {
namespace {

constexpr size_t kMaxTexts = 4;  // Of one neighbour at a time; an honest one has two for a second.

std::vector<std::string> strings_of(const AvahiStringList* list) {
  std::vector<std::string> strings;
  for (; list != nullptr && strings.size() <= kMaxTxtStrings; list = list->next)
    strings.emplace_back(reinterpret_cast<const char*>(list->text), list->size);
  return strings;
}

bool on_loopback(const finding::Advert& advert) {
  return advert.address.starts_with("127.");
}

}  // namespace

MdnsSearch::MdnsSearch(AvahiServer* server, const MdnsOptions& options)
  : server_(server), service_(options.service), most_(options.most_found) {
  browse();
}

MdnsSearch::~MdnsSearch() {
  while (!neighbours_.empty()) remove(Place(neighbours_.begin()->first));
  if (browser_ != nullptr) avahi_s_service_browser_free(browser_);
}

void MdnsSearch::fail() {
  if (error_.empty())
    error_ = std::string("searching failed: ") + avahi_strerror(avahi_server_errno(server_));
}

void MdnsSearch::browse() {
  browser_ = avahi_s_service_browser_new(server_, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET, service_.c_str(),
                                         nullptr, AvahiLookupFlags{}, on_browse, this);
  if (browser_ == nullptr) fail();
}

void MdnsSearch::look_again() {
  if (!crowded_ || neighbours_.size() >= most_) return;
  crowded_ = false;
  avahi_s_service_browser_free(browser_);
  browse();
}

void MdnsSearch::on_browse(AvahiSServiceBrowser*, AvahiIfIndex interface, AvahiProtocol protocol,
                           AvahiBrowserEvent event, const char* name, const char*, const char* domain,
                           AvahiLookupResultFlags, void* self) {
  auto& search = *static_cast<MdnsSearch*>(self);
  if (event == AVAHI_BROWSER_NEW) search.add(interface, protocol, name, domain);
  if (event == AVAHI_BROWSER_REMOVE) search.remove({interface, name});
  if (event == AVAHI_BROWSER_FAILURE) search.fail();
}

void MdnsSearch::add(AvahiIfIndex interface, AvahiProtocol protocol, const char* name, const char* domain) {
  const Place place{interface, name};
  if (neighbours_.contains(place)) return;
  char full_name[AVAHI_DOMAIN_NAME_MAX];
  if (avahi_service_name_join(full_name, sizeof full_name, name, service_.c_str(), domain) < 0) return;
  if (neighbours_.size() >= most_) {
    crowded_ = true;
    return;
  }
  auto& neighbour = neighbours_[place];
  neighbour.search = this;
  auto* key = avahi_key_new(full_name, AVAHI_DNS_CLASS_IN, AVAHI_DNS_TYPE_TXT);
  if (key != nullptr) {
    neighbour.texts_browser = avahi_s_record_browser_new(server_, interface, protocol, key,
                                                         AVAHI_LOOKUP_USE_MULTICAST, on_text, &neighbour);
    avahi_key_unref(key);
  }
  neighbour.resolver =
    avahi_s_service_resolver_new(server_, interface, protocol, name, service_.c_str(), domain,
                                 AVAHI_PROTO_INET, AVAHI_LOOKUP_NO_TXT, on_resolve, &neighbour);
  if (neighbour.texts_browser == nullptr || neighbour.resolver == nullptr) remove(place);
}

void MdnsSearch::remove(const Place& place) {
  const auto at = neighbours_.find(place);
  if (at == neighbours_.end()) return;
  if (at->second.resolver != nullptr) avahi_s_service_resolver_free(at->second.resolver);
  if (at->second.texts_browser != nullptr) avahi_s_record_browser_free(at->second.texts_browser);
  neighbours_.erase(at);
  changed_ = true;
}

void MdnsSearch::on_resolve(AvahiSServiceResolver*, AvahiIfIndex, AvahiProtocol, AvahiResolverEvent event,
                            const char*, const char*, const char*, const char*, const AvahiAddress* address,
                            uint16_t, AvahiStringList*, AvahiLookupResultFlags, void* neighbour) {
  auto& it = *static_cast<Neighbour*>(neighbour);
  it.gone = event != AVAHI_RESOLVER_FOUND;
  if (!it.gone && address != nullptr) {
    char host[AVAHI_ADDRESS_STR_MAX];
    it.host = avahi_address_snprint(host, sizeof host, address);
  }
  it.read();
}

void MdnsSearch::on_text(AvahiSRecordBrowser*, AvahiIfIndex, AvahiProtocol, AvahiBrowserEvent event,
                         AvahiRecord* record, AvahiLookupResultFlags, void* neighbour) {
  if (record == nullptr || record->key->type != AVAHI_DNS_TYPE_TXT) return;
  auto& it = *static_cast<Neighbour*>(neighbour);
  auto text = strings_of(record->data.txt.string_list);
  std::erase(it.texts, text);
  if (event == AVAHI_BROWSER_NEW) it.texts.push_back(std::move(text));
  if (it.texts.size() > kMaxTexts) it.texts.pop_front();
  it.read();
}

void MdnsSearch::Neighbour::read() {
  search->changed_ = true;
  advert.reset();
  if (gone || texts.empty()) return;
  advert = from_txt(texts.back());
  if (!advert) return;
  const bool needs_host = at_host(advert->address, "") != advert->address;
  if (needs_host && host.empty()) return advert.reset();
  advert->address = at_host(std::move(advert->address), host);
  advert->url = at_host(std::move(advert->url), host.empty() ? "0.0.0.0" : host);
}

std::vector<finding::Advert> MdnsSearch::found(const std::optional<finding::Advert>& own) const {
  std::map<std::pair<std::string, std::string>, const finding::Advert*> seen;
  const auto better = [](const finding::Advert& a, const finding::Advert& b) {
    return a.epoch != b.epoch ? a.epoch > b.epoch : !on_loopback(a) && on_loopback(b);
  };
  for (const auto& [place, neighbour] : neighbours_) {
    if (!neighbour.advert) continue;
    const auto& advert = *neighbour.advert;
    if (own && own->node == advert.node && own->boot == advert.boot) continue;
    auto& at = seen[{advert.node, advert.boot}];
    if (at == nullptr || better(advert, *at)) at = &advert;
  }
  std::vector<finding::Advert> adverts;
  adverts.reserve(seen.size());
  for (const auto& [who, advert] : seen) adverts.push_back(*advert);
  return adverts;
}

}  // namespace muster
