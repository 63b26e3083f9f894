// Shows the tenancy plan for every size of cluster.
#include "domain/tenancy.hpp"

#include <catch2/catch.hpp>

#include "domain/catalog.hpp"

using namespace muster;

TEST_CASE("the contract's tenancy plan comes back to the byte", "[S1-18]") {
  const auto request = tenancy::parse(Json::parse(R"({"profile":"prod","cluster":{"nodes":3}})"));
  REQUIRE(request);
  CHECK(
    tenancy::plan(*request).dump() ==
    R"({"profile":"prod",)"
    R"("achievement":{"code":"Guild","title":"Consensus achieved; production-grade queues.",)"
    R"("capabilities":{"distributed_storage":true,"quorum_queues":true,"tls_enforced":true,"audit_streaming":true}},)"
    R"("storage":{"mode":"distributed","servers":3,"volumes_per_server":2,"versioning":true,"require_tls":true,"enable_audit_hook":true},)"
    R"("queue":{"replicas":3,"quorum_queues":true,"require_tls":true,"dlx_per_tenant":true,"tracing_to_audit_exchange":true}})");
}

TEST_CASE("every size has its own layout", "[S1-18]") {
  struct Row {
    int64_t nodes;
    std::string code, mode;
    int servers, volumes, replicas;
    bool quorum;
  };
  for (const auto& row :
       {Row{0, "Solo", "fs", 1, 1, 1, false}, Row{1, "Solo", "fs", 1, 1, 1, false},
        Row{2, "Party", "distributed", 2, 2, 2, false}, Row{3, "Guild", "distributed", 3, 2, 3, true},
        Row{4, "Realm", "distributed", 4, 2, 3, true}, Row{9, "Realm", "distributed", 9, 2, 3, true}}) {
    const auto json = tenancy::plan({"dev", row.nodes});
    CHECK(json["achievement"]["code"] == row.code);
    CHECK(json["storage"]["mode"] == row.mode);
    CHECK(json["storage"]["servers"] == row.servers);
    CHECK(json["storage"]["volumes_per_server"] == row.volumes);
    CHECK(json["queue"]["replicas"] == row.replicas);
    CHECK(json["queue"]["quorum_queues"] == row.quorum);
    CHECK(json["achievement"]["capabilities"]["quorum_queues"] == row.quorum);
    CHECK(json["achievement"]["capabilities"]["distributed_storage"] == (row.mode == "distributed"));
  }
}

TEST_CASE("TLS is required unless the profile is exactly dev", "[S1-18]") {
  CHECK(tenancy::plan({"dev", 1})["storage"]["require_tls"] == false);
  for (const auto* profile : {"", "prod", "edge", "Dev", "staging"})
    CHECK(tenancy::plan({profile, 1})["queue"]["require_tls"] == true);
}

TEST_CASE("an empty tenancy request is no profile and no nodes; a wrong one is refused", "[S1-18]") {
  CHECK(tenancy::parse(Json())->nodes == 0);
  CHECK(tenancy::parse(Json::object())->profile.empty());
  const auto refused = tenancy::parse(Json::parse(R"({"profile":1,"cluster":{"nodes":"three"}})"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "field.invalid");
  CHECK(refused.error().fields.size() == 2);
  CHECK(refused.error().fields[1].pointer == "/cluster/nodes");
}

TEST_CASE("the catalog lists components with their operations in order, and templates", "[S1-35]") {
  const auto index = catalog::build_index();
  CHECK(index.catalog().size() == 5);
  REQUIRE(index.find("storage"));
  CHECK(index.find("storage")->operations ==
        std::vector<std::string>{"bucket", "versioning", "lifecycle", "tags"});
  CHECK_FALSE(index.find("nothing"));
  const auto json = catalog::to_json(index);
  CHECK(json["reconcilers"][1]["operations"] == Json({"exchange", "queue", "binding", "confirms"}));
  CHECK(json["reconcilers"][2]["name"] == "index");
  CHECK(json["templates"][0]["name"] == "server.yaml");
}
