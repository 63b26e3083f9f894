"""The job server by its second name: started as flwd, with the flags that it is known by."""
import base64
import hmac
import json
import os
import subprocess
import unittest

from caller import Caller
from jobs_tree_test import Folder
from running_node import BINARY, RunningNode


class FlwdTest(Folder):
    def setUp(self):
        super().setUp()
        for name, target in (("flwd", BINARY), ("podman", "/bin/true")):
            (self.folder / name).symlink_to(target)

    def serve(self, *flags, environment=None):
        """A node whose program is called flwd. Fake: a podman that is never asked, as flwd does not serve without one."""
        self.write("scripts/hello/config.d/config.yaml", "interpreter: bash\n")
        node = RunningNode("--scripts-root", str(self.folder / "scripts"), *flags, environment={"PATH": f"{self.folder}:{os.environ['PATH']}", **(environment or {})})
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

    def test_for_development_no_token_will_do_for_jobs(self):
        """[S3-29] [S3-46] --dev falls back to the default token; not for a wrong one, not for what is no job's, and not for a page of elsewhere in a
        browser on this machine, whether it asks by its own name or by ours. 401 says how to ask."""
        dev = self.serve("--dev")
        caller = Caller(dev.port)
        self.assertEqual(caller.get("/jobs").status, 200)
        run = caller.post("/runs", {"job_id": "hello"})
        self.assertEqual((run.status, run.json["requested_by"]), (201, "dev"), run)
        self.assertEqual(caller.get("/runs", Origin="http://localhost:3000").status, 200)
        for path, headers in (("/jobs", {"Authorization": "Bearer other"}), ("/jobs", {"Origin": "http://elsewhere.example"}),
                              ("/jobs", {"Host": "elsewhere.example"}), ("/jobs", {"Host": "localhost.elsewhere.example"}), ("/v1/tokens", {})):
            refused = caller.call("GET", path, headers=headers)
            self.assertEqual((refused.status, refused.headers["WWW-Authenticate"]), (401, 'Bearer realm="flowd"'), (path, headers))
        plain = self.serve("--api-key", "a-key")
        self.assertEqual(Caller(plain.port).get("/jobs").status, 401)

    def test_tokens_may_be_signed_with_a_shared_secret(self):
        """[S3-46] FLWD_JWT_SECRET: HS256, the scopes from `scope` and `scopes`, the caller from `sub`; without it, and by another, such a token is none."""
        def token(secret, **claims):
            part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
            text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"sub": "ana", "exp": 4_000_000_000, **claims})
            return (text + b"." + base64.urlsafe_b64encode(hmac.digest(secret.encode(), text, "sha256")).rstrip(b"=")).decode()
        node = self.serve(environment={"FLWD_JWT_SECRET": "known to two"})
        ask = lambda method, path, body=None, secret="known to two", **claims: Caller(node.port, Authorization=f"Bearer {token(secret, **claims)}").call(method, path, body)
        self.assertEqual(ask("GET", "/jobs", scope="jobs:read").status, 200)
        accepted = ask("POST", "/runs", {"job_id": "hello"}, scope="jobs:read", scopes=["runs:write"])
        self.assertEqual((accepted.status, accepted.json["requested_by"]), (201, "ana"), accepted)
        self.assertEqual(ask("POST", "/runs", {"job_id": "hello"}, scope="jobs:read").status, 403)
        self.assertEqual(ask("GET", "/jobs", scope="jobs:read", exp=1).status, 401)
        self.assertEqual(ask("GET", "/jobs", secret="known to one", scope="jobs:read").status, 401)
        self.assertEqual(Caller(node.port).get("/jobs").status, 401)
        node = self.serve("--api-key", "a-key")
        self.assertEqual(ask("GET", "/jobs", scope="jobs:read").status, 401)

    def test_its_own_address(self):
        """[S3-27] Where nobody says, flwd serves and asks at 127.0.0.1:8080."""
        said = subprocess.run([self.folder / "flwd", ":config", "--json"], env={"PATH": os.environ["PATH"]}, cwd=self.folder, capture_output=True, text=True, timeout=60)
        rows = {row["name"]: row for row in json.loads(said.stdout)["rows"]}
        self.assertEqual({name: (rows[name]["value"], rows[name]["origin"]) for name in ("bind", "server")},
                         {"bind": ("127.0.0.1:8080", "default"), "server": ("http://127.0.0.1:8080", "default")})

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
