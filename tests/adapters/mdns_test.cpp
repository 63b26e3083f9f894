// Shows discovery by multicast DNS on loopback: under the contract, and to a querier that shares none of its
// code.
#include "adapters/mdns.hpp"

#include <algorithm>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "adapters/advert_text.hpp"
#include "base/hash.hpp"
#include "tests/adapters/discovery_contract.hpp"
#include "tests/adapters/dns_by_hand.hpp"

using namespace muster;

namespace {

/// A service type that no other test or machine uses.
std::string own_service() {
  return "_m" + random_hex(6) + "._tcp";
}

std::unique_ptr<Discovery> make(const std::string& service, size_t most_found = kMaxFound) {
  MdnsOptions options;
  options.service = service;
  options.loopback_only = true;
  options.most_found = most_found;
  auto made = make_mdns(std::move(options));
  REQUIRE(made);
  return std::move(*made);
}

/// A neighbour that is nothing but its packets.
struct Announced {
  std::vector<std::string> type;
  std::string instance;
  std::vector<std::string> text;
  uint32_t ttl = 120;       ///< 0: goodbye.
  uint32_t host_ttl = 120;  ///< Of its service and address.

  Announced(const std::string& service, std::string name, std::vector<std::string> strings)
    : type{service.substr(0, service.find('.')), "_tcp", "local"},
      instance(std::move(name)),
      text(std::move(strings)) {}

  [[nodiscard]] std::vector<dns::Record> records() const {
    auto labels = type;
    labels.insert(labels.begin(), instance);
    const auto name = dns::name_of(labels), host = dns::name_of({"by-hand-" + type.front(), "local"});
    return {{dns::name_of(type), dns::kPtr, name, ttl},
            {name, dns::kSrv, std::string(4, '\0') + dns::number16(7000) + host, std::min(ttl, host_ttl)},
            {name, dns::kTxt, dns::txt_of(text), ttl},
            {host, dns::kA, std::string("\x7f\0\0\x09", 4), host_ttl}};
  }
  [[nodiscard]] std::string packet() const { return dns::announcement(records()); }
};

}  // namespace

TEST_CASE("multicast DNS on loopback keeps discovery's contract", "[S2-04][S2-50]") {
  const auto service = own_service();
  discovery_contract([&] { return make(service); });
}

TEST_CASE("a resolver that shares no code with it finds the service, its text and its port", "[S2-50]") {
  const auto service = own_service();
  const std::vector<std::string> type{service.substr(0, service.find('.')), "_tcp", "local"};
  const auto discovery = make(service);
  auto advert = leading_node("n 1");
  advert.address = "0.0.0.0:7000";
  REQUIRE(discovery->advertise(advert));

  const dns::Socket socket(0);
  const auto instance = dns::name_of({"n 1", type[0], type[1], type[2]});
  const auto pointer = socket.ask(dns::name_of(type), dns::kPtr);
  REQUIRE(pointer);
  CHECK(pointer->data == instance);
  const auto text = socket.ask(instance, dns::kTxt);
  REQUIRE(text);
  CHECK(text->data == dns::txt_of(to_txt(advert)));
  const auto place = socket.ask(instance, dns::kSrv);
  REQUIRE(place);
  CHECK(place->data.substr(4, 2) == dns::number16(7000));
  const auto address = socket.ask(place->data.substr(6), dns::kA);
  REQUIRE(address);
  CHECK(address->data == std::string("\x7f\0\0\x01", 4));
}

TEST_CASE("who was announced by hand is found, at the address that was announced", "[S2-04]") {
  const auto service = own_service();
  Watcher watcher(make(service));
  auto advert = searching_node("n1");
  advert.address = "0.0.0.0:7000";
  const dns::Socket socket(5353);
  const Announced neighbour(service, "whatever", to_txt(advert));
  advert.address = "127.0.0.9:7000";
  CHECK(watcher.sees(advert, [&] { socket.send(neighbour.packet()); }));
}

TEST_CASE("packets and adverts that make no sense do no harm") {
  const auto service = own_service();
  Watcher watcher(make(service));
  const dns::Socket socket(5353);
  const auto good = to_txt(searching_node("n1"));
  auto bad_id = good;
  bad_id[1] = "id=\x1b[2J";
  std::vector<std::string> hostile{
    Announced(service, "empty", {}).packet(),
    Announced(service, "nonsense", {"", "=", "id", std::string(255, 'x')}).packet(),
    Announced(service, "control", bad_id).packet(),
    Announced(service, std::string("a\0.\\b\n\xff", 7), good).packet(),
    Announced(service, std::string(63, '.'), std::vector<std::string>(70, "k=v")).packet(),
    Announced(service, "much", std::vector<std::string>(30, std::string(255, 'y'))).packet(),
    dns::announcement({{std::string("\xc0\x0c", 2), dns::kPtr, std::string("\xc0\x0c", 2)}}),
    dns::question(std::string(300, '\x3f'), dns::kPtr),
    std::string(9000, '\xff'),
    ""};
  std::mt19937 random(7);  // NOLINT: the same packets every time.
  const auto whole = Announced(service, "cut", good).packet();
  for (size_t length = 1; length < whole.size(); length += 3) hostile.push_back(whole.substr(0, length));
  for (int i = 0; i < 200; i++) {
    auto broken = Announced(service, "broken", bad_id).packet();
    for (int k = 0; k < 4; k++)
      broken[std::uniform_int_distribution<size_t>(0, broken.size() - 1)(random)] =
        static_cast<char>(random());
    hostile.push_back(broken);
  }

  // Whoever hears the one that was sent last has heard the others, unless they were lost: again, then.
  for (int round = 0; round < 3; round++) {
    auto changed = searching_node("last");
    changed.epoch = static_cast<uint64_t>(round);
    const auto packet = Announced(service, "last", to_txt(changed)).packet();
    for (const auto& bad : hostile) socket.send(bad);
    CHECK(watcher.sees(changed, [&] { socket.send(packet); }));
  }
  Watcher honest(make(service));
  REQUIRE(honest.discovery->advertise(searching_node("honest")));
  CHECK(watcher.sees(searching_node("honest")));
  for (const auto& advert : watcher.discovery->found()) CHECK(check_advert(advert));
}

TEST_CASE("of very many neighbours a bounded number is found") {
  constexpr size_t kMost = 8, kCrowd = 12;
  const auto service = own_service();
  Watcher watcher(make(service, kMost));
  const dns::Socket socket(5353);
  std::vector<Announced> crowd;
  for (size_t i = 0; i < kCrowd; i++) {
    const auto name = "n" + std::to_string(i);
    crowd.emplace_back(service, name, to_txt(searching_node(name)));
  }
  auto next = std::chrono::steady_clock::now();
  const auto send_all = [&] {  // Not too often: a goodbye holds a second after it was said.
    if (std::chrono::steady_clock::now() < next) return;
    for (const auto& neighbour : crowd) socket.send(neighbour.packet());
    next = std::chrono::steady_clock::now() + std::chrono::seconds{3};
  };
  CHECK(watcher.sees([](const Adverts& found) { return found.size() >= kMost; }, send_all));
  std::set<std::string> first;
  for (const auto& advert : watcher.discovery->found()) first.insert(advert.node);
  CHECK(first.size() == kMost);
}

TEST_CASE("a neighbour that died without a goodbye is gone when its service expires, and may come back") {
  const auto service = own_service();
  Watcher watcher(make(service));
  const dns::Socket socket(5353);
  const auto advert = searching_node("n1");
  Announced neighbour(service, "n1", to_txt(advert));
  neighbour.host_ttl = 2;
  const auto send = [&] { socket.send(neighbour.packet()); };
  CHECK(watcher.sees(advert, send));
  CHECK(watcher.sees_nobody());
  neighbour.host_ttl = 120;
  CHECK(watcher.sees(advert, send));
}

TEST_CASE("nodes of another service type see each other only") {
  const auto service = own_service(), other = own_service();
  Watcher a(make(service)), b(make(service)), stranger(make(other)), c(make(other));
  REQUIRE(stranger.discovery->advertise(searching_node("stranger")));
  REQUIRE(a.discovery->advertise(searching_node("a")));
  CHECK(c.sees(searching_node("stranger")));
  CHECK(b.sees(searching_node("a")));
  CHECK(b.discovery->found().size() == 1);
  CHECK(c.discovery->found().size() == 1);
}

TEST_CASE("a service type that is none is refused") {
  for (const auto* service : {"", "muster", "_muster", "_muster._udp2"}) {
    MdnsOptions options;
    options.service = service;
    const auto made = make_mdns(options);
    CAPTURE(service);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == "field.invalid");
  }
}
