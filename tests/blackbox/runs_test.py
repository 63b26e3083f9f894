"""Runs and sources over HTTP, as far as they can be reached without a job: empty lists, pages, refusals, facts, scopes."""
import unittest

from caller import Caller
from running_node import RunningNode

FACT = {"type": "run.started", "run": "run-1", "local_seq": 1, "at": "2026-01-02T03:04:05.000Z"}


class RunsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = RunningNode("--dev", "--node-id", "n1")
        cls.node.__enter__()
        cls.addClassCleanup(cls.node.__exit__)
        cls.caller = Caller(cls.node.port, Authorization="Bearer dev-token")

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.json["code"]), (status, code), answer)

    def token(self, *scopes):
        """A caller who may do just that."""
        made = self.caller.post("/v1/tokens", {"name": "-".join(scopes).replace(":", "."), "scopes": scopes})
        self.assertEqual((made.status, made.json["scopes"]), (200, list(scopes)), made)
        return Caller(self.node.port, Authorization=f"Bearer {made.json['token']}")

    def test_pages_are_checked_and_empty_past_the_end(self):
        """[S3-34] 400 invalid pagination, and [] where there is nothing."""
        for query in ("", "?page=1&per_page=200", "?page=9", "?page=18446744073709551615"):
            answer = self.caller.get("/runs" + query)
            self.assertEqual((answer.status, answer.json), (200, []), query)
        for query in ("page=0", "page=-1", "page=x", "per_page=0", "per_page=201", "per_page=1.5"):
            answer = self.caller.get("/runs?" + query)
            self.refused(answer, 400, "pagination.invalid")
            self.assertEqual(answer.json["title"], "invalid pagination")

    def test_what_is_not_there_is_not_found(self):
        """[S3-35] [S3-43] Runs and sources."""
        self.refused(self.caller.get("/runs/run-1"), 404, "not.found")
        self.refused(self.caller.post("/runs/run-1:cancel"), 404, "not.found")
        self.assertEqual(self.caller.get("/sources").json, [])
        self.refused(self.caller.get("/sources/jobs"), 404, "not.found")
        self.refused(self.caller.call("DELETE", "/sources/jobs"), 404, "not.found")

    def test_facts_of_a_run_that_nobody_asked_for_are_taken_and_make_no_run(self):
        """The node goes on with its other facts."""
        self.refused(self.caller.post("/v1/nodes/nobody/runs", {"source": "s", "facts": [FACT]}), 404, "node.unknown")
        registered = self.caller.post("/v1/nodes/register", {"node_id": "n1"})
        self.caller.get(f"/v1/nodes?after={registered.seq}")
        for _ in range(2):
            answer = self.caller.post("/v1/nodes/n1/runs", {"source": "s", "facts": [FACT]})
            self.assertEqual((answer.status, answer.json), (200, {"taken_to": 1}))
        self.refused(self.caller.get("/runs/run-1"), 404, "not.found")
        self.assertEqual(self.caller.get("/v1/events?type=run.started").body, b"")
        self.refused(self.caller.post("/v1/nodes/n1/runs", {"source": "s", "facts": [{**FACT, "run": "../x"}]}), 400, "field.invalid")

    def test_each_route_needs_its_scope(self):
        """[S3-46] 401 without a credential, 403 without the scope, which is named."""
        routes = {"runs:read": [("GET", "/runs"), ("GET", "/runs/r")], "runs:write": [("POST", "/runs/r:cancel")],
                  "sources:read": [("GET", "/sources"), ("GET", "/sources/s")], "sources:write": [("POST", "/sources"), ("DELETE", "/sources/s")]}
        nobody, callers = Caller(self.node.port, Origin="http://elsewhere.example"), {scope: self.token(scope) for scope in routes}
        for scope, asked in routes.items():
            for method, path in asked:
                self.refused(nobody.call(method, path), 401, "unauthorized")
                self.assertIn(callers[scope].call(method, path).status, (200, 400, 404))
                for other in set(routes) - {scope}:
                    answer = callers[other].call(method, path)
                    self.refused(answer, 403, "forbidden")
                    self.assertIn(f"missing required scope {scope}", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
