// Shows that a paged map copies only the pages that change.
#include "base/paged_map.hpp"

#include <map>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;

namespace {

using Small = PagedMap<int, int, 4>;

std::map<int, int> rows(const Small& map) {
  std::map<int, int> all;
  int before = -1'000'000;
  map.each([&](int k, int v) {
    RC_ASSERT(before < k);
    before = k;
    all[k] = v;
  });
  return all;
}

}  // namespace

TEST_CASE("a paged map holds what a std::map holds, and a copy keeps the past") {
  CHECK(rc::check("any sequence of writes", [](const std::vector<std::tuple<int8_t, int, bool>>& writes) {
    Small map, before;
    std::map<int, int> model, model_before;
    for (const auto& [key, value, keep] : writes) {
      if (value % 5 == 0) {
        RC_ASSERT(map.erase(key) == (model.erase(key) == 1));
      } else if (value % 7 == 0 && !model.empty()) {
        RC_ASSERT(map.first()->first == model.begin()->first);
        map.erase_first(), model.erase(model.begin());
      } else if (auto* row = value % 3 == 0 ? map.edit(key) : nullptr) {
        *row = value, model.at(key) = value;
      } else {
        map[key] = value, model[key] = value;
      }
      RC_ASSERT((map.first() == nullptr) == model.empty());
      RC_ASSERT((map.edit(key) == nullptr) == !model.contains(key));
      if (keep) before = map, model_before = model;
      RC_ASSERT(map.size() == model.size());
    }
    RC_ASSERT(rows(map) == model);
    RC_ASSERT(rows(before) == model_before);
    for (int k = -128; k < 128; k++) {
      const auto* found = map.find(k);
      RC_ASSERT((found != nullptr) == model.contains(k));
    }
  }));
}

TEST_CASE("a listing starts at the first key not below the asked one") {
  Small map;
  for (int i = 0; i < 100; i += 2) map[i] = i;
  std::vector<int> seen;
  map.each_from(31, [&](int k, int) { return seen.push_back(k), seen.size() < 3; });
  CHECK(seen == std::vector<int>{32, 34, 36});
}
