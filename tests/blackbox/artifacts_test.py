"""Files that a node gives to machines of its network."""
import hashlib
import os
import unittest

from caller import Caller
from running_node import RunningNode


class ArtifactsTest(unittest.TestCase):
    def put(self, caller, name, body, **headers):
        return caller.call("PUT", f"/v1/artifacts/{name}", body, {"Content-Type": "application/octet-stream", **headers})

    def test_what_was_put_is_given_whole(self):
        """[S2-41] Any bytes, by name, with their digest; in place of what was there; over a restart."""
        with RunningNode("--dev") as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            self.assertEqual(caller.get("/v1/artifacts").json, [])
            for body in (os.urandom(500_000), b"", b"second"):
                put = self.put(caller, "agent.tar", body)
                self.assertEqual((put.status, put.json), (200, {"name": "agent.tar", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}))
                got = caller.get("/v1/artifacts/agent.tar")
                self.assertEqual((got.status, got.body), (200, body))
                self.assertEqual(got.headers["ETag"], f'"{hashlib.sha256(body).hexdigest()}"')
            self.assertEqual(caller.call("GET", "/v1/artifacts/agent.tar", None, {"If-None-Match": got.headers["ETag"]}).status, 304)
            self.put(caller, "b", b"x")
            self.assertEqual(caller.get("/v1/artifacts").json, [{"name": "agent.tar", "bytes": 6}, {"name": "b", "bytes": 1}])
            self.assertEqual(caller.get("/v1/artifacts?cursor=agent.tar").json, [{"name": "b", "bytes": 1}])

    def test_what_cannot_be_is_refused(self):
        """[S2-41] A name that leaves the folder, one that is not there, too many bytes, nobody's credential."""
        with RunningNode("--dev") as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            for name in ("..", "%2e%2e%2fkeys%2fnode.pem", "..%2Flog", "a%00b"):
                self.assertIn(self.put(caller, name, b"x").status, (400, 404), name)
                self.assertIn(caller.get(f"/v1/artifacts/{name}").status, (400, 404), name)
            outside = [file for file in (node.folder / "data").rglob("*") if file.is_file() and file.read_bytes() == b"x"]
            self.assertEqual(outside, [])
            missing = caller.get("/v1/artifacts/nothing")
            self.assertEqual((missing.status, missing.json["code"]), (404, "not.found"))
            large = self.put(caller, "large", b"x" * (1024 * 1024 + 1))
            self.assertEqual((large.status, large.json["code"]), (413, "body.too.large"))
            self.assertEqual(caller.get("/v1/artifacts").json, [])

    def test_a_key_is_asked_for(self):
        """[S2-41] With a credential configured nobody else puts, or is given anything."""
        with RunningNode(environment={"SUPERVISOR_API_KEY": "k" * 32}) as node:
            known, nobody = Caller(node.port, X_API_Key="k" * 32), Caller(node.port)
            self.assertEqual(self.put(nobody, "a", b"x").status, 401)
            self.assertEqual(self.put(known, "a", b"secret").status, 200)
            for path in ("/v1/artifacts", "/v1/artifacts/a", "/v1/artifacts/b"):
                refused = nobody.get(path)
                self.assertEqual(refused.status, 401, path)
                self.assertNotIn(b"secret", refused.body)
            self.assertEqual(known.get("/v1/artifacts/a").body, b"secret")


if __name__ == "__main__":
    unittest.main()
