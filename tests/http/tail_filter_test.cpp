// Which lines a reader asked for.
#include <catch2/catch.hpp>

#include "http/tail.hpp"

using muster::http::TailFilter;

TEST_CASE("a filter names types and streams exactly, by a prefix, or several of them", "[S0-10]") {
  const auto wants = [](const char* type, const char* stream, const char* of, const char* in) {
    return TailFilter{type, stream}.wants(of, in);
  };
  CHECK(wants("", "", "node.silent", "node/n1"));
  CHECK(wants("node.silent", "", "node.silent", "node/n1"));
  CHECK_FALSE(wants("node.silent", "", "node.silently", "node/n1"));
  CHECK_FALSE(wants("node", "", "node.silent", "node/n1"));
  CHECK(wants("node.*", "", "node.silent", "node/n1"));
  CHECK_FALSE(wants("node.*", "", "nodes", "node/n1"));
  CHECK(wants("*", "node/*", "node.silent", "node/n1"));
  CHECK_FALSE(wants("*", "plan/*", "node.silent", "node/n1"));
  for (const auto* several :
       {"lease.granted,node.silent", "node.silent,lease.granted", "lease.granted,node.*", "a,,node.silent"})
    CHECK(wants(several, "", "node.silent", "node/n1"));
  CHECK_FALSE(wants("lease.granted,node.silent", "", "lease.granted,node.silent", "node/n1"));
  CHECK_FALSE(wants("lease.granted,node.silent", "node/n2", "node.silent", "node/n1"));
  CHECK(wants("lease.granted,node.silent", "node/n2,node/n1", "node.silent", "node/n1"));
}
