// Keys of a node that exists for one test.
#pragma once

#include <filesystem>

#include <catch2/catch.hpp>

#include "adapters/keys.hpp"
#include "base/hash.hpp"

namespace muster {

inline Keys test_keys() {
  const auto folder = std::filesystem::temp_directory_path() / ("muster-keys-" + random_hex(6));
  auto keys = load_or_make_keys(folder);
  REQUIRE(keys);
  std::filesystem::remove_all(folder);
  return *keys;
}

}  // namespace muster
