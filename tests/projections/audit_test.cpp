// Shows who did what.
#include "projections/audit.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using audit::View;

TEST_CASE("an actor's records are counted from the first to the last", "[S0-06]") {
  View view;
  view.fold(given::record(1, given::kStart, given::registered("n1"), "alice"));
  view.fold(given::record(2, given::after(Millis{5}), given::registered("n2"), "bob"));
  view.fold(given::record(3, given::after(Millis{9}), given::registered("n3"), "alice"));
  const auto* alice = view.actors.find(std::string("alice"));
  REQUIRE(alice);
  CHECK(alice->count == 2);
  CHECK(alice->first_seq == 1);
  CHECK(alice->last_seq == 3);
  CHECK(alice->first_time == given::kStart);
  CHECK(alice->last_time == given::after(Millis{9}));
}

TEST_CASE("a row tells who did what, on which request, to what", "[S0-06][S0-08]") {
  View view;
  auto record = given::record(1, given::kStart, given::registered("n1"));
  record.envelope.cause = 40;
  view.fold(record);
  const auto& row = **view.rows.find(uint64_t{1});
  CHECK(row == View::Row{given::kStart, "alice", "node.registered", "node/n1", "r-1", "n0", 40});
}

TEST_CASE("the last rows are kept, also for who took a copy before", "[S0-06]") {
  View view, before;
  for (uint64_t seq = 1; seq <= 3000; seq++) {
    view.fold(given::record(seq, given::kStart, given::registered("n" + std::to_string(seq))));
    if (seq == 1500) before = view;
  }
  CHECK(view.rows.size() == View::kMaxRows);
  CHECK(view.rows.first()->first == 2001);
  CHECK(before.rows.first()->first == 501);
  view.rows.each([](uint64_t seq, const auto& row) { CHECK(row->stream == "node/n" + std::to_string(seq)); });
  before.rows.each(
    [](uint64_t seq, const auto& row) { CHECK(row->stream == "node/n" + std::to_string(seq)); });
}

TEST_CASE("actors beyond the limit are counted together", "[S0-06]") {
  View view;
  uint64_t seq = 0;
  for (size_t i = 0; i < View::kMaxActors + 3; i++)
    view.fold(given::record(++seq, given::kStart, given::registered("n"), "a" + std::to_string(i)));
  view.fold(given::record(++seq, given::kStart, given::registered("n"), "a7"));
  CHECK(view.actors.size() == View::kMaxActors + 1);
  CHECK(view.actors.find(std::string("(others)"))->count == 3);
  CHECK(view.actors.find(std::string("a7"))->count == 2);
}
