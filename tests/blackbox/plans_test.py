"""Plans: which template a node gets, what it is told, and what happens when a file breaks."""
import tempfile
import unittest
from pathlib import Path

from caller import Caller
from node_case import OpenNode
from running_node import RunningNode


class PlanTest(OpenNode):
    def plan(self, **body):
        answer = self.caller.post("/v1/nodes/plan", body)
        self.assertEqual(answer.status, 200, answer)
        return answer

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller.shown("/v1/templates", lambda answer: len(answer.json) == 2)

    def test_the_server_template_is_chosen_by_role_hint(self):
        """[S1-15] [S1-26] [S1-27] [S1-29] [S1-30] [S1-31] [S1-32] [S1-33] [S1-34] [S2-57] Both seeds' fields are there."""
        plan = self.plan(node_id="n1", role_hint="server", labels="a=b", capabilities={}).json
        self.assertEqual((plan["version"], plan["node"], plan["role"]), (1, "n1", "worker"))
        self.assertEqual(plan["services"], ["rabbitmq", "api-gateway"])
        self.assertEqual(plan["ttl_seconds"], 45)
        self.assertEqual(plan["control_plane_url"], f"http://127.0.0.1:{self.node.port}")
        self.assertEqual(plan["gateway_url"], "")
        self.assertIsInstance(plan["epoch"], int)
        self.assertNotIn("executor", plan)
        gateway = plan["apps"][1]
        self.assertEqual((gateway["kind"], gateway["after"], gateway["ports"]), ("docker", ["rabbitmq"], [8080]))
        self.assertEqual(gateway["env"]["PORT"], "8080")
        self.assertEqual(gateway["command"], ["up", "-d"])
        self.assertEqual(gateway["health"]["interval_sec"], 5)

    def test_the_camera_proxy_template_is_chosen_by_devices(self):
        """[S1-28] A number, or an array that counts as its length."""
        for devices in (2, ["/dev/video0"]):
            plan = self.plan(node_id="cam", capabilities={"video_devices": devices, "gpu": "none"}).json
            self.assertEqual((plan["role"], plan["services"]), ("proxy", ["capture-daemon", "camera-proxy"]))
        for body in ({"role_hint": "edge", "capabilities": {"video_devices": 3}}, {"capabilities": {"video_devices": []}},
                     {"role_hint": "Server"}, {}):
            plan = self.plan(node_id="other", **body).json
            self.assertEqual((plan["apps"], plan["services"], plan["role"]), ([], [], "worker"))
        self.assertEqual(self.plan(node_id="p", role_hint="proxy").json["role"], "proxy")

    def test_the_alias_answers_the_same(self):
        """[S1-15] POST /plan."""
        body = {"node_id": "n9", "role_hint": "server"}
        self.assertEqual(self.caller.post("/plan", body).json, self.caller.post("/v1/nodes/plan", body).json)

    def test_a_plan_is_recorded_once_and_shown(self):
        """[S0-06] [S1-15] The same plan again is no event; the past can be asked."""
        first = self.plan(node_id="shown", role_hint="server")
        seq = self.plan(node_id="shown", role_hint="server").seq
        row = self.caller.get(f"/v1/plans/shown?after={seq}").json
        self.assertEqual((row["seq"], row["template"], row["role"]), (first.seq, "server.yaml", "worker"))
        self.assertEqual(row["generation"], first.json["generation"])
        self.assertIn("shown", [row["node_id"] for row in self.caller.get("/v1/plans").json])
        self.refused(self.caller.get(f"/v1/plans/shown?as_of={first.seq - 1}"), 404, "not.found")
        self.assertEqual(self.caller.get(f"/v1/plans/shown?as_of={first.seq}").status, 200)
        self.refused(self.caller.get("/v1/plans/nobody"), 404, "not.found")

    def test_pages_follow_each_other(self):
        """[S0-09] limit, X-Next-Cursor, Link."""
        for name in ("page-a", "page-b", "page-c"):
            seq = self.plan(node_id=name).seq
        seen, path = [], f"/v1/plans?limit=1&after={seq}"
        while path:
            answer = self.caller.get(path)
            self.assertEqual(answer.status, 200, answer)
            self.assertLessEqual(len(answer.json), 1)
            seen += [row["node_id"] for row in answer.json]
            cursor = answer.headers["X-Next-Cursor"]
            path = f"/v1/plans?limit=1&cursor={cursor}" if cursor else None
        self.assertEqual(seen, sorted(seen))
        self.assertLessEqual({"page-a", "page-b", "page-c"}, set(seen))
        self.refused(self.caller.get("/v1/plans?cursor=zz"), 400, "cursor.invalid")
        self.refused(self.caller.get("/v1/plans?limit=0"), 400, "field.invalid", "?limit")

    def test_a_question_that_is_not_right_is_refused(self):
        """[S1-15] node_id is required; devices are a number or an array."""
        self.refused(self.caller.post("/v1/nodes/plan", {}), 400, "field.invalid", "/node_id")
        self.refused(self.caller.post("/v1/nodes/plan", {"node_id": "n", "capabilities": {"video_devices": "two"}}),
                     400, "field.invalid", "/capabilities/video_devices")
        self.refused(self.caller.post("/v1/nodes/plan", {"node_id": "n", "capabilities": [1]}), 400, "field.invalid", "/capabilities")

    def test_the_leader_is_told_that_it_leads(self):
        """[S2-57] The role and the epoch follow the lease."""
        before = self.plan(node_id="boss").json
        claim = self.caller.post("/v1/leader/claim", {"node_id": "boss", "url": "http://10.0.0.7:8070"})
        self.assertEqual(claim.json["granted"], True, claim)
        self.caller.get(f"/v1/leader?after={claim.seq}")
        after = self.plan(node_id="boss").json
        self.assertEqual((before["role"], after["role"], after["epoch"]), ("worker", "leader", claim.json["epoch"]))
        self.assertEqual(before["generation"], after["generation"])


class TemplateFilesTest(unittest.TestCase):
    def test_an_edit_is_live_and_a_broken_file_keeps_the_last_good_one(self):
        """[S1-26] [S1-29] Templates are re-read; one that was never good is 500 with the reason."""
        with tempfile.TemporaryDirectory() as folder, RunningNode("--plans-dir", folder) as node:
            caller, plans = Caller(node.port), Path(folder)
            body = {"node_id": "n1", "role_hint": "server"}
            (plans / "server.yaml").write_text("apps:\n  - {name: one, kind: go, env: {A: \"1\"}}\n")
            caller.shown("/v1/templates", lambda answer: any(
                row["file"] == "server.yaml" and row["ok"] and len(row["apps"]) == 1 for row in answer.json))
            good = caller.post("/v1/nodes/plan", body).json
            self.assertEqual(good["apps"], [{"name": "one", "kind": "go", "env": {"A": "1"}}])
            (plans / "server.yaml").write_text("apps:\n  - {name: one, kind: go, after: [two]}\n")
            broken = caller.shown("/v1/templates", lambda answer: any(
                row["file"] == "server.yaml" and not row["ok"] for row in answer.json)).json
            self.assertIn("two", next(row for row in broken if row["file"] == "server.yaml")["error"])
            self.assertEqual(caller.post("/v1/nodes/plan", body).json, good)

    def test_a_template_that_was_never_good_is_500_with_the_reason(self):
        """[S1-26] There is nothing to fall back to."""
        with RunningNode("--plans-dir", "nowhere") as node:
            caller = Caller(node.port)
            caller.shown("/v1/templates", lambda answer: len(answer.json) == 2)
            answer = caller.post("/v1/nodes/plan", {"node_id": "n1", "role_hint": "server"})
            self.assertEqual((answer.status, answer.json["code"]), (500, "plan.template.invalid"))
            self.assertIn("server.yaml", answer.json["detail"])
            self.assertEqual(caller.post("/v1/nodes/plan", {"node_id": "n1", "role_hint": "edge"}).status, 200)

    def test_plans_may_be_for_registered_nodes_only(self):
        """[S1-15] POLICY_PLAN_REQUIRES_REGISTRATION."""
        flags = {"POLICY_PLAN_REQUIRES_REGISTRATION": "1", "POLICY_ALLOW_ANONYMOUS_PROXY": "1"}
        with RunningNode(environment=flags) as node:
            caller = Caller(node.port)
            answer = caller.post("/v1/nodes/plan", {"node_id": "n1"})
            self.assertEqual((answer.status, answer.json["code"]), (404, "node.unknown"))
            seq = caller.post("/v1/nodes/register", {"node_id": "n1"}).seq
            caller.get(f"/v1/nodes/n1?after={seq}")
            self.assertEqual(caller.post("/v1/nodes/plan", {"node_id": "n1"}).status, 200)


if __name__ == "__main__":
    unittest.main()
