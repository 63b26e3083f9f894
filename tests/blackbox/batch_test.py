"""Many commands in one request, and who did what."""
import unittest

from caller import Caller
from node_case import NodeCase, OpenNode


def register(name, **more):
    return {"method": "POST", "path": "/v1/nodes/register", "body": {"node_id": name}, **more}


class BatchTest(OpenNode):
    def batch(self, *commands):
        return self.caller.post("/v1/batch", {"commands": commands})

    def test_every_command_is_answered_in_order(self):
        """[S0-05] [S0-09] Each by itself: done, refused, not found."""
        answer = self.batch(register("b1"), {"method": "POST", "path": "/v1/nodes/heartbeat", "body": {"node_id": "b1"}},
                            {"method": "POST", "path": "/v1/nodes/heartbeat", "body": {"node_id": "stranger"}},
                            {"method": "DELETE", "path": "/v1/secrets/none"}, {"method": "POST", "path": "/nowhere"},
                            register(""), {"method": "POST", "path": "/register", "body": {"id": "b2"}})
        self.assertEqual(answer.status, 200, answer)
        results = answer.json["results"]
        self.assertEqual([result["status"] for result in results], [200, 204, 404, 404, 404, 400, 200])
        self.assertEqual(results[0]["body"]["node_id"], "b1")
        self.assertNotIn("body", results[1])
        self.assertEqual([result["body"]["code"] for result in results[2:6]], ["node.unknown", "not.found", "not.found", "field.invalid"])
        self.assertEqual(self.caller.get(f"/v1/nodes/b1?after={answer.seq}").json["status"], "healthy")

    def test_a_thousand_commands_and_no_more(self):
        """[S0-05] The limit has a name."""
        answer = self.batch(*(register(f"many-{i}") for i in range(1024)))
        self.assertEqual({result["status"] for result in answer.json["results"]}, {200})
        self.refused(self.batch(*(register("x") for _ in range(1025))), 400, "field.invalid", "/commands")
        self.refused(self.batch(), 400, "field.invalid", "/commands")

    def test_what_is_not_a_command_is_refused_by_itself(self):
        """[S0-05] Reads, batches, paths that are none."""
        results = self.batch({"method": "GET", "path": "/v1/nodes"}, {"method": "POST", "path": "/v1/batch", "body": {"commands": []}},
                             {"method": "POST", "path": "%zz"}, {"method": "POST"}, register("fine")).json["results"]
        self.assertEqual([result["status"] for result in results], [400, 400, 400, 400, 200])

    def test_a_command_has_its_own_idempotency_key(self):
        """[S0-05] The same key again gives the first answer; with another body it is refused."""
        command = {"method": "POST", "path": "/v1/leader/claim", "body": {"node_id": "b9", "url": "http://b9:1"}, "idempotency_key": "claim-b9"}
        first = self.batch(command).json["results"]
        self.assertEqual(self.batch(command).json["results"], first)
        other = {**command, "body": {"node_id": "b8", "url": "http://b8:1"}}
        self.assertEqual(self.batch(other).json["results"][0]["body"]["code"], "idempotency.mismatch")


class BatchAccessTest(NodeCase):
    environment = {"SUPERVISOR_API_KEY": "k", "POLICY_ALLOW_ANONYMOUS_PROXY": "true"}

    def test_each_command_is_authorized(self):
        """[S1-09] A batch is no way around a credential."""
        commands = {"commands": [register("n1"), {"method": "PUT", "path": "/v1/secrets/x", "body": {"value": "y"}}]}
        refused = Caller(self.node.port).post("/v1/batch", commands).json["results"]
        self.assertEqual([result["status"] for result in refused], [401, 401])
        allowed = Caller(self.node.port, X_API_Key="k").post("/v1/batch", commands).json["results"]
        self.assertEqual([result["status"] for result in allowed], [200, 200])


class AuditTest(NodeCase):
    flags = ("--dev",)

    def test_the_log_is_read_backwards_page_by_page(self):
        """[S0-06] [S0-08] Who did what, newest first, with filters."""
        dev = Caller(self.node.port, Authorization="Bearer dev-token")
        for i in range(300):
            last = dev.post("/v1/nodes/register", {"node_id": f"n{i:03}"}, {"X-Request-Id": f"request-{i}"})
        dev.get(f"/v1/nodes?after={last.seq}")
        page = dev.get("/v1/audit?actor=dev&type=node.registered&limit=7").json
        self.assertEqual([row["stream"] for row in page["rows"]], [f"node/n{i:03}" for i in range(299, 292, -1)])
        self.assertEqual(page["rows"][0]["seq"], last.seq)
        self.assertEqual((page["rows"][0]["actor"], page["rows"][0]["request"]), ("dev", "request-299"))
        seen, cursor = [], ""
        while cursor is not None:
            page = dev.get(f"/v1/audit?type=node.*&limit=64{cursor and '&cursor=' + cursor}").json
            seen += [row["seq"] for row in page["rows"]]
            cursor = page["next"]
        self.assertEqual(len(seen), 300)
        self.assertEqual(seen, sorted(seen, reverse=True))
        first = dev.get("/v1/audit?stream=node/n000").json["rows"]
        self.assertEqual(len(first), 1)
        until = dev.get(f"/v1/audit?until={first[0]['time']}&type=node.registered&limit=1000").json["rows"]
        self.assertIn("node/n000", [row["stream"] for row in until])
        self.assertTrue(all(row["time"] <= first[0]["time"] for row in until))
        self.assertEqual(dev.get("/v1/audit?since=2099-01-01T00:00:00Z").json, {"rows": [], "next": None})
        for query, pointer in (("limit=0", "?limit"), ("since=yesterday", "?since")):
            self.refused(dev.get(f"/v1/audit?{query}"), 400, "field.invalid", pointer)
        self.refused(dev.get("/v1/audit?cursor=x"), 400, "cursor.invalid")

        summary = dev.get("/v1/audit/summary").json
        actors = {row["actor"]: row for row in summary["actors"]}
        self.assertEqual(actors["dev"]["count"], 300)
        self.assertEqual({row["type"]: row["count"] for row in summary["types"]}["node.registered"], 300)

    def test_the_cluster_says_who_it_is(self):
        """[S0-01] [S0-09] Identity, members, feature level."""
        dev = Caller(self.node.port, Authorization="Bearer dev-token")
        cluster = dev.get("/v1/cluster").json
        self.assertEqual((len(cluster["identity"]["cluster"]), cluster["identity"]["feature_level"]), (32, 5))
        self.assertEqual([member["running"] for member in cluster["members"]], [True])
        self.assertIsInstance(cluster["checkpoints"], list)
        self.assertEqual(dev.post("/v1/cluster/upgrade").json, {"feature_level": 5, "before": 5, "dry_run": False})
        self.refused(dev.post("/v1/cluster/upgrade", {"level": 99}), 409, "conflict")
        self.refused(dev.post("/v1/cluster/upgrade", {"level": "x"}), 400, "field.invalid", "/level")


if __name__ == "__main__":
    unittest.main()
