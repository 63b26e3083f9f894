"""The job server by its second name: started as flwd, with the flags that it is known by."""
import json
import os
import unittest

from caller import Caller
from jobs_tree_test import Folder
from running_node import BINARY, RunningNode


class FlwdTest(Folder):
    def serve(self, *flags):
        """A node whose program is called flwd. Fake: a podman that is never asked, as flwd does not serve without one."""
        for name, target in (("flwd", BINARY), ("podman", "/bin/true")):
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(target)
        self.write("scripts/hello/config.d/config.yaml", "interpreter: bash\n")
        node = RunningNode("--scripts-root", str(self.folder / "scripts"), *flags, environment={"PATH": f"{self.folder}:{os.environ['PATH']}"})
        node._command[0] = self.folder / "flwd"
        node.__enter__()
        self.addCleanup(node.__exit__)
        return node

    def test_it_serves_jobs_where_it_is_told_to(self):
        """[S3-26] [S3-27] flwd :serve --bind 127.0.0.1:PORT answers there, and nowhere else."""
        node = self.serve("--dev")
        self.assertEqual(node._command[node._command.index("--bind") + 1], f"127.0.0.1:{node.port}")
        jobs = Caller(node.port, Authorization="Bearer dev-token").get("/jobs")
        self.assertEqual((jobs.status, [job["id"] for job in jobs.json]), (200, ["hello"]))
        with open(f"/proc/{node._process.pid}/net/tcp") as table:
            listening = [line.split()[1] for line in table if f":{node.port:04X} " in line and " 0A " in line]
        self.assertEqual(listening, [f"0100007F:{node.port:04X}"])

    def test_for_development_there_is_a_token_and_pages_of_this_machine_may_ask(self):
        """[S3-29] --dev: dev-token may do everything, and a page of http://localhost is let in by CORS; no other, and none without --dev."""
        dev = self.serve("--dev")
        page = "http://localhost:3000"
        asked = Caller(dev.port, Authorization="Bearer dev-token").get("/jobs", Origin=page)
        self.assertEqual((asked.status, asked.headers["Access-Control-Allow-Origin"]), (200, page))
        before = Caller(dev.port).call("OPTIONS", "/runs", headers={"Origin": page, "Access-Control-Request-Method": "POST"})
        self.assertEqual((before.status, before.headers["Access-Control-Allow-Origin"]), (204, page))
        self.assertIn("POST", before.headers["Access-Control-Allow-Methods"])
        self.assertIn("Authorization", before.headers["Access-Control-Allow-Headers"])
        for other in ("http://elsewhere.example", "http://localhost.elsewhere.example", "null"):
            self.assertIsNone(Caller(dev.port).get("/jobs", Origin=other).headers["Access-Control-Allow-Origin"], other)
        plain = self.serve()
        refused = Caller(plain.port, Authorization="Bearer dev-token").get("/jobs", Origin=page)
        self.assertEqual((refused.status, refused.headers["Access-Control-Allow-Origin"]), (401, None))

    def test_each_request_is_a_line_of_json_in_the_log(self):
        """[S3-30] --log=json: what was asked, by whom, what came of it and how long it took; no token."""
        node = self.serve("--dev", "--log=json")
        Caller(node.port, Authorization="Bearer dev-token").get("/jobs?page=1", X_Request_Id="asked-by-a-test")

        def told():
            return [line for line in map(json.loads, node.output().splitlines()) if line.get("request") == "asked-by-a-test"]
        line, = node.until(told, "the request is in the log")
        self.assertEqual({name: line[name] for name in ("level", "message", "method", "status")},
                         {"level": "info", "message": "request", "method": "GET", "status": 200})
        self.assertTrue(line["path"].startswith("/jobs"), line)
        self.assertGreater(line["us"], 0)
        self.assertIn("actor", line)
        self.assertNotIn("dev-token", json.dumps(line).replace(line["actor"], ""))


if __name__ == "__main__":
    unittest.main()
