// Shows discovery by multicast DNS on loopback: under the contract, and to a querier that shares none of its
// code.
#include "adapters/mdns.hpp"

#include <catch2/catch.hpp>

#include "base/hash.hpp"
#include "tests/adapters/discovery_contract.hpp"

using namespace muster;

namespace {

/// A service type that no other test or machine uses.
std::string own_service() {
  return "_m" + random_hex(6) + "._tcp";
}

std::unique_ptr<Discovery> make(const std::string& service) {
  MdnsOptions options;
  options.service = service;
  options.loopback_only = true;
  auto made = make_mdns(std::move(options));
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_CASE("multicast DNS on loopback keeps discovery's contract") {
  const auto service = own_service();
  discovery_contract([&] { return make(service); });
}
