"""Nodes, tenancy, bootstrap and the lease, as a node and an operator see them: every body of the contract."""
import hashlib
import json
import unittest

from caller import Caller
from node_case import OpenNode
from running_node import RunningNode

DOCUMENTED = {
    "node_id": "n1", "host": "edge-a", "ip": "10.0.0.7",
    "caps": {"cpu": 4, "ram_mb": 4096, "net_mbps": 300, "gpu": "none", "devices": 2},
    "versions": {"discovery": "0.2.0", "agent": "0.4.1"}}


class NodesTest(OpenNode):
    def test_a_node_registers_beats_and_is_listed(self):
        """[S1-14] [S1-16] [S1-17] [S2-55] [S2-56] [S2-58] [S2-59] [S2-67] The documented bodies work; what a device has is listed among what all have."""
        answer = self.caller.post("/v1/nodes/register", DOCUMENTED)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json, {"registered": True, "node_id": "n1", "ttl": 45, "ttl_seconds": 45})
        row = self.caller.get(f"/v1/nodes/n1?after={answer.seq}").json
        self.assertEqual(row["status"], "registered")
        beat = self.caller.post("/v1/nodes/heartbeat", {
            "node_id": "n1", "role": "worker", "services_running": ["capture-daemon"], "versions": {"agent": "0.4.1"},
            "metrics": {"cpu_pct": 0.31, "mem_pct": 0.42, "temp_c": 52.3}})
        self.assertEqual((beat.status, beat.body), (204, b""))
        rows = self.caller.get(f"/v1/nodes?after={beat.seq}").json
        row = next(row for row in rows if row["id"] == "n1")
        self.assertEqual(row["status"], "healthy")
        self.assertEqual(row["services_running"], ["capture-daemon"])
        self.assertEqual((row["node_id"], row["host"], row["ip"], row["role"]), ("n1", "edge-a", "10.0.0.7", "worker"))
        self.assertEqual(row["caps"], DOCUMENTED["caps"])
        self.assertEqual(row["versions"], {"discovery": "0.2.0", "agent": "0.4.1"})

    def test_capabilities_is_another_name_for_caps(self):
        """[S1-14] Both names are taken."""
        seq = self.caller.post("/v1/nodes/register", {"node_id": "n2", "capabilities": {"cpu": 8}}).seq
        self.assertEqual(self.caller.get(f"/v1/nodes/n2?after={seq}").json["caps"], {"cpu": 8})

    def test_a_heartbeat_of_a_stranger_is_404(self):
        """[S1-16] [S2-49] A node that the supervisor forgot registers again."""
        self.refused(self.caller.post("/v1/nodes/heartbeat", {"node_id": "nobody"}), 404, "node.unknown")

    def test_a_body_that_is_not_right_is_refused_with_every_field(self):
        """[S1-14] Malformed, missing, of another type."""
        for body in ("", "{", "[]x", "{\"node_id\": \"\xff", b"\xff\xfe", "[" * 100):
            self.refused(self.caller.post("/v1/nodes/register", body or " "), 400, "bad.json")
        self.refused(self.caller.post("/v1/nodes/register", {}), 400, "field.invalid", "/node_id")
        answer = self.caller.post("/v1/nodes/register", {"node_id": 7, "host": [], "caps": "many"})
        self.refused(answer, 400, "field.invalid", "/host")
        self.refused(answer, 400, "field.invalid", "/node_id")
        for bad in ("a\u0000b", "x" * 10_000, "a\nb"):
            self.refused(self.caller.post("/v1/nodes/register", {"node_id": bad}), 400, "field.invalid", "/node_id")

    def test_methods_types_and_paths_that_are_not_served_are_refused(self):
        """[S2-53] 404, 405 with Allow, 415, 413."""
        answer = self.caller.get("/v1/nodes/register/nothing")
        self.refused(answer, 404, "not.found")
        answer = self.caller.call("DELETE", "/v1/nodes/register")
        self.refused(answer, 405, "method.not.allowed")
        self.assertIn("POST", answer.headers["Allow"])
        answer = self.caller.post("/v1/nodes/register", "a=b", {"Content-Type": "application/x-www-form-urlencoded"})
        self.refused(answer, 415, "body.type.unsupported")
        self.refused(self.caller.post("/v1/nodes/register", b" " * (2 << 20)), 413, "body.too.large")

    def test_the_legacy_routes_work(self):
        """[S1-14] [S1-17] Agents register, beat with meta, and are listed."""
        agent = {"id": "a1", "class": "camera", "version": "1", "features": ["x"], "address": "http://a", "meta": {"a": 1}}
        answer = self.caller.post("/register", agent)
        self.assertEqual((answer.status, answer.body), (200, b""))
        answer = self.caller.post("/heartbeat", {"id": "a1", "meta": {"b": 2}})
        self.assertEqual((answer.status, answer.body), (200, b""))
        answer = self.caller.post("/heartbeat", {"id": "a2", "meta": {"c": 3}})
        self.assertEqual(answer.status, 200)
        rows = {row["id"]: row for row in self.caller.get(f"/agents?after={answer.seq}").json}
        self.assertEqual(rows["a1"]["meta"], {"a": 1, "b": 2})
        self.assertEqual((rows["a1"]["class"], rows["a1"]["features"], rows["a1"]["address"]), ("camera", ["x"], "http://a"))
        self.assertIn("a2", rows)
        self.refused(self.caller.post("/register", {"id": "a3", "extra": 1}), 400, "field.invalid", "/extra")


class TenancyTest(OpenNode):
    def test_the_plan_of_each_size(self):
        """[S1-18] Solo, Party, Guild, Realm."""
        expected = {1: ("Solo", "fs", 1, 1, 1, False), 2: ("Party", "distributed", 2, 2, 2, False),
                    3: ("Guild", "distributed", 3, 2, 3, True), 7: ("Realm", "distributed", 7, 2, 3, True)}
        for nodes, (code, mode, servers, volumes, replicas, quorum) in expected.items():
            plan = self.caller.post("/v1/tenancy/plan", {"profile": "prod", "cluster": {"nodes": nodes}}).json
            self.assertEqual(plan["achievement"]["code"], code)
            storage, queue = plan["storage"], plan["queue"]
            self.assertEqual((storage["mode"], storage["servers"], storage["volumes_per_server"]), (mode, servers, volumes))
            self.assertEqual((queue["replicas"], queue["quorum_queues"], queue["require_tls"]), (replicas, quorum, True))

    def test_the_documented_example(self):
        """[S1-18] The reply is the documented one, whole."""
        plan = self.caller.post("/v1/tenancy/plan", {"profile": "prod", "cluster": {"nodes": 3}})
        self.assertEqual(plan.json, {
            "profile": "prod",
            "achievement": {"code": "Guild", "title": "Consensus achieved; production-grade queues.",
                            "capabilities": {"distributed_storage": True, "quorum_queues": True, "tls_enforced": True,
                                             "audit_streaming": True}},
            "storage": {"mode": "distributed", "servers": 3, "volumes_per_server": 2, "versioning": True, "require_tls": True,
                        "enable_audit_hook": True},
            "queue": {"replicas": 3, "quorum_queues": True, "require_tls": True, "dlx_per_tenant": True,
                      "tracing_to_audit_exchange": True}})

    def test_an_empty_body_is_profile_nothing_with_no_nodes(self):
        """[S1-18] And an unknown profile asks for TLS; dev does not."""
        plan = self.caller.post("/v1/tenancy/plan").json
        self.assertEqual((plan["profile"], plan["achievement"]["code"], plan["storage"]["require_tls"]), ("", "Solo", True))
        self.assertFalse(self.caller.post("/v1/tenancy/plan", {"profile": "dev"}).json["storage"]["require_tls"])
        self.refused(self.caller.post("/v1/tenancy/plan", "{"), 400, "bad.json")
        self.refused(self.caller.post("/v1/tenancy/plan", {"cluster": {"nodes": "x"}}), 400, "field.invalid", "/cluster/nodes")

    def test_the_catalog_lists_what_can_be_reconciled(self):
        """[S1-35] Reconcilers and templates."""
        catalog = self.caller.get("/v1/catalog").json
        self.assertEqual([entry["name"] for entry in catalog["reconcilers"]], ["storage", "broker", "index"])
        self.assertEqual([entry["name"] for entry in catalog["templates"]], ["server.yaml", "camera-proxy.yaml"])


class BootstrapTest(OpenNode):
    def test_the_profile_has_every_section_and_its_generation(self):
        """[S1-19] [S2-62] generation is the SHA-256 of the canonical JSON of the rest."""
        answer = self.caller.shown("/v1/bootstrap/profile", lambda answer: answer.json["storage"])
        profile = answer.json
        rest = {name: value for name, value in profile.items() if name != "generation"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
        self.assertEqual(profile["generation"], hashlib.sha256(text.encode()).hexdigest())
        self.assertEqual(profile["storage"][0]["lifecycle"], [{"id": "tmp-7d", "prefix": "tmp/", "expire_days": 7}])
        self.assertEqual(profile["broker"]["queues"][0], {"name": "overlay.q", "ttl": 3600, "dlx": "overlay.dlx"})
        again = self.caller.get("/v1/bootstrap/profile", If_None_Match=answer.headers["ETag"])
        self.assertEqual((again.status, again.body), (304, b""))

    def test_a_report_shows_in_the_status(self):
        """[S2-63] [S2-64] [S2-47] The last status per component."""
        report = {"node_id": "b1", "component": "storage", "action": "ensure_bucket", "status": "ok", "generation": "g-12"}
        self.assertEqual(self.caller.post("/v1/bootstrap/events", report).status, 204)
        failed = {"node_id": "b1", "component": "broker", "action": "declare", "status": "error", "generation": "g-8",
                  "message": "406 inequivalent arg", "attempt": 2, "duration_ms": 31}
        answer = self.caller.post("/v1/bootstrap/events", failed)
        self.assertEqual((answer.status, answer.body), (204, b""))
        status = self.caller.get(f"/v1/bootstrap/status?node_id=b1&after={answer.seq}").json
        self.assertEqual(status["node_id"], "b1")
        for component in status["components"].values():
            self.assertRegex(component.pop("ts"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(status["components"], {
            "storage": {"status": "ok", "generation": "g-12"},
            "broker": {"status": "error", "generation": "g-8", "message": "406 inequivalent arg"}})

    def test_a_report_with_the_same_key_is_told_once(self):
        """[S2-64] [S2-45] It is acknowledged and no event."""
        report = {"node_id": "b2", "component": "index", "action": "ensure", "status": "ok", "idempotency_key": "k"}
        first = self.caller.post("/v1/bootstrap/events", report)
        second = self.caller.post("/v1/bootstrap/events", {**report, "status": "error"})
        self.assertEqual((first.status, second.status), (204, 204))
        status = self.caller.get(f"/v1/bootstrap/status?node_id=b2&after={second.seq}").json
        self.assertEqual(status["components"]["index"]["status"], "ok")

    def test_each_report_writes_one_line_to_the_log(self):
        """[S2-46] Component, action, attempt, idempotent, generation, duration; a refused report writes none."""
        report = {"node_id": "b3\"\n", "component": "topics", "action": "ensure_topic", "status": "ok", "generation": "g-46",
                  "attempt": 3, "duration_ms": 84, "idempotency_key": "k-46"}
        self.refused(self.caller.post("/v1/bootstrap/events", report), 400, "field.invalid", "/node_id")
        report["node_id"] = "b3"
        for sent in (report, {**report, "status": "error"}, {**report, "idempotency_key": "k-47", "attempt": 4}):
            self.assertEqual(self.caller.post("/v1/bootstrap/events", sent).status, 204)
        lines = self.log_lines(lambda line: line["message"] == "bootstrap" and line["generation"] == "g-46", 3)
        for line in lines:
            self.assertIn(line.pop("level"), ("info", "warning"))
            self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        expected = {"message": "bootstrap", "node": "b3", "component": "topics", "action": "ensure_topic", "status": "ok", "attempt": 3,
                    "idempotent": False, "generation": "g-46", "duration_ms": 84}
        self.assertEqual(lines, [expected, {**expected, "status": "error", "idempotent": True}, {**expected, "attempt": 4}])

    def log_lines(self, wanted, count):
        """The lines of the node's log that are wanted, once there are `count`."""
        def found():
            lines = [json.loads(line) for line in self.node.output().splitlines() if line.startswith("{")]
            lines = [line for line in lines if wanted(line)]
            return lines if len(lines) >= count else None

        return self.node.until(found, f"{count} lines are in the log")

    def test_the_node_says_how_its_own_components_are(self):
        """[S2-47] Its status and its health carry the last apply status of each component."""
        own = self.caller.get("/v1/status").json["node_id"]
        self.assertEqual(self.caller.get("/internal/bootstrap/status").json, {"node_id": own, "components": {}})
        report = {"node_id": own, "component": "storage", "action": "ensure_bucket", "status": "ok", "generation": "g-1"}
        self.caller.post("/v1/bootstrap/events", report)
        failed = {**report, "component": "broker", "status": "error", "message": "406 inequivalent arg"}
        self.caller.post("/v1/bootstrap/events", {**report, "node_id": "another", "component": "topics"})
        seq = self.caller.post("/v1/bootstrap/events", failed).seq
        status = self.caller.get(f"/internal/bootstrap/status?after={seq}").json
        self.assertEqual(status, self.caller.get(f"/v1/bootstrap/status?node_id={own}").json)
        said = {name: (one["status"], one["generation"], one.get("message")) for name, one in status["components"].items()}
        self.assertEqual(said, {"storage": ("ok", "g-1", None), "broker": ("error", "g-1", "406 inequivalent arg")})
        for path in ("/health", "/healthz"):
            health = self.caller.get(path, Accept="application/json").json
            self.assertEqual(health["status"], "ok")
            # Everybody may read it: it does not say why.
            status["components"]["broker"].pop("message", None)
            self.assertEqual(health["components"], status["components"])
            plain = self.caller.get(path)
            self.assertEqual((plain.status, plain.headers["Content-Type"], plain.body), (200, "text/plain", b"OK"))

    def test_what_is_not_a_report_is_refused(self):
        """[S2-63] [S2-64] Unknown component and status, missing and never-seen node."""
        self.refused(self.caller.get("/v1/bootstrap/status"), 400, "field.invalid", "?node_id")
        self.refused(self.caller.get("/v1/bootstrap/status?node_id=nobody"), 404, "node.unknown")
        answer = self.caller.post("/v1/bootstrap/events", {"node_id": "b", "component": "disk", "status": "fine"})
        for pointer in ("/component", "/status", "/action"):
            self.refused(answer, 400, "field.invalid", pointer)

    def test_without_a_profile_the_sections_are_empty(self):
        """[S1-19] Nothing is desired."""
        with RunningNode("--profile", "nowhere.yaml") as node:
            profile = Caller(node.port).get("/v1/bootstrap/profile").json
            self.assertEqual((profile["storage"], profile["index"]["classes"]), ([], []))
            self.assertEqual(len(profile["generation"]), 64)


class LeaderTest(OpenNode):
    def test_one_holds_the_lease(self):
        """[S1-20] [S2-60] [S2-61] Nobody, granted, renewed, denied."""
        self.refused(self.caller.get("/v1/leader"), 404, "leader.none")
        first = self.caller.post("/v1/leader/claim", {"node_id": "n1", "url": "http://10.0.0.7:8070"})
        self.assertEqual(first.json, {"granted": True, "leader_url": "http://10.0.0.7:8070", "epoch": 1})
        self.assertEqual(self.caller.post("/v1/leader/claim", {"node_id": "n1", "url": "http://10.0.0.7:8070"}).json, first.json)
        denied = self.caller.post("/v1/leader/claim", {"node_id": "n2", "url": "http://10.0.0.8:8070"})
        self.assertEqual((denied.status, denied.json), (200, {**first.json, "granted": False}))
        leader = self.caller.get(f"/v1/leader?after={first.seq}").json
        self.assertEqual((leader["leader_url"], leader["epoch"]), ("http://10.0.0.7:8070", 1))
        for body, pointer in (({"url": "http://x"}, "/node_id"), ({"node_id": "n"}, "/url")):
            self.refused(self.caller.post("/v1/leader/claim", body), 400, "field.invalid", pointer)


if __name__ == "__main__":
    unittest.main()
