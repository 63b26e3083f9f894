// The searching half of multicast DNS: who is there on which interface, and what they say now.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <avahi-core/core.h>
#include <avahi-core/lookup.h>

#include "adapters/mdns.hpp"

namespace muster {

/// Lives within a session's responder and is called by its thread.
class MdnsSearch {
public:
  MdnsSearch(AvahiServer* server, const MdnsOptions& options);
  ~MdnsSearch();
  MdnsSearch(const MdnsSearch&) = delete;
  MdnsSearch& operator=(const MdnsSearch&) = delete;

  /// Looks for those who were left out when there were too many.
  void look_again();
  /// True once after something changed.
  [[nodiscard]] bool take_changed() { return std::exchange(changed_, false); }
  /// One for each (node, boot), without (own's node, own's boot).
  [[nodiscard]] std::vector<finding::Advert> found(const std::optional<finding::Advert>& own) const;
  /// Why it cannot go on, or empty.
  [[nodiscard]] const std::string& error() const { return error_; }

private:
  /// A service on one interface. Two browsers, since a resolver tells of a changed text only when the old one
  /// has left the cache, a second or two later.
  struct Neighbour {
    MdnsSearch* search = nullptr;
    AvahiSServiceResolver* resolver = nullptr;  // Finds its address, or that it is gone.
    AvahiSRecordBrowser* texts_browser = nullptr;
    std::deque<std::vector<std::string>> texts = {};  // The newest is last; older ones are about to go.
    std::optional<finding::Advert> advert = {};
    std::string host = {};
    bool gone = false;
    void read();
  };
  using Place = std::pair<AvahiIfIndex, std::string>;  // Interface and service name.

  static void on_browse(AvahiSServiceBrowser* browser, AvahiIfIndex interface, AvahiProtocol protocol,
                        AvahiBrowserEvent event, const char* name, const char* type, const char* domain,
                        AvahiLookupResultFlags flags, void* self);
  static void on_resolve(AvahiSServiceResolver* resolver, AvahiIfIndex interface, AvahiProtocol protocol,
                         AvahiResolverEvent event, const char* name, const char* type, const char* domain,
                         const char* host, const AvahiAddress* address, uint16_t port, AvahiStringList* txt,
                         AvahiLookupResultFlags flags, void* neighbour);
  static void on_text(AvahiSRecordBrowser* browser, AvahiIfIndex interface, AvahiProtocol protocol,
                      AvahiBrowserEvent event, AvahiRecord* record, AvahiLookupResultFlags flags,
                      void* neighbour);

  void browse();
  void add(AvahiIfIndex interface, AvahiProtocol protocol, const char* name, const char* domain);
  void remove(const Place& place);
  void fail();

  AvahiServer* server_;
  const std::string service_;
  const size_t most_;
  AvahiSServiceBrowser* browser_ = nullptr;
  std::map<Place, Neighbour> neighbours_;  // At most `most_`.
  bool crowded_ = false;                   // Some were left out.
  bool changed_ = false;
  std::string error_;
};

}  // namespace muster
