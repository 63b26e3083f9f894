// Shows which known word is offered for an unknown one.
#include "base/nearest.hpp"

#include <vector>

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("nearest words are found by the fewest edits, and strangers have none") {
  const std::vector<std::string_view> known = {":status", ":nodes", ":serve"};
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(nearest("status", known) == ":status");
  CHECK(nearest(":ndoes", known) == ":nodes");
  CHECK_FALSE(nearest("xylophone", known));
  CHECK_FALSE(nearest(std::string(100'000, 'a'), known));
}

TEST_CASE("what was probably meant is offered, a far word is not") {
  const std::vector<std::string_view> keys = {"command", "cwd"};
  CHECK(did_you_mean("comand", keys) == "; did you mean 'command'?");
  CHECK(did_you_mean("xyz", keys).empty());
}
