"""What a command line does while nobody leads: it asks again, and what it asked for happens once."""
import http.server
import json
import os
import subprocess
import threading
import unittest

from running_cluster import RunningCluster
from running_node import BINARY
from waiting import PATIENCE_S


class Deposed(http.server.BaseHTTPRequestHandler):
    """Fake: a node that answers 503 until it was asked `refusals` times."""

    def answer(self):
        node = self.server
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        node.asked.append((self.command, self.path, self.headers.get("Idempotency-Key")))
        refused = len(node.asked) <= node.refusals
        body = json.dumps({"code": "leader.starting", "detail": "nobody leads"} if refused else {"id": "c1", "token": "t"}).encode()
        self.send_response(503 if refused else 200)
        if refused and node.retry_after is not None:
            self.send_header("Retry-After", node.retry_after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


class PatienceTest(unittest.TestCase):
    def node(self, refusals, retry_after="0"):
        node = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deposed)
        node.refusals, node.retry_after, node.asked = refusals, retry_after, []
        threading.Thread(target=node.serve_forever, daemon=True).start()
        self.addCleanup(lambda: (node.shutdown(), node.server_close()))
        return node

    def muster(self, node, *words):
        return subprocess.run([BINARY, *words], env={"PATH": os.environ["PATH"], "MUSTER_SERVER": f"http://127.0.0.1:{node.server_address[1]}"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)

    def test_a_write_is_asked_for_again_under_its_key(self):
        """Three times with one key; another command has another key."""
        node = self.node(2)
        for _ in range(2):
            done = self.muster(node, ":claims", "new")
            self.assertEqual(done.returncode, 0, done)
        self.assertEqual([(method, path) for method, path, _ in node.asked], [("POST", "/api/claims/new")] * 4)
        keys = [key for _, _, key in node.asked]
        self.assertRegex(keys[0], r"^[0-9a-f]{32}$")
        self.assertEqual(len(set(keys[:3])), 1)
        self.assertNotEqual(keys[2], keys[3])

    def test_a_read_is_asked_for_again(self):
        node = self.node(1)
        self.assertEqual(self.muster(node, ":run", "show", "r").returncode, 0)
        self.assertEqual([(method, key) for method, _, key in node.asked], [("GET", None)] * 2)

    def test_patience_ends(self):
        """A node that wants more of it than the time-out allows, or does not say when to come again, is asked once."""
        for retry_after in ("3600", None, "tomorrow"):
            node = self.node(9, retry_after)
            done = self.muster(node, ":claims", "new", "--timeout", "2s")
            self.assertEqual((done.returncode, len(node.asked)), (5, 1), done)

    def test_a_change_of_the_leader_fails_no_command(self):
        """Of a real cluster the leader is killed, and a command that comes at once is carried out, once."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            left = [member for member in cluster.members if member is not leader]
            leader.kill()
            for member in left:
                done = member.verb(":claims", "new")
                self.assertEqual(done.returncode, 0, done)
            self.assertEqual(len(left[-1].get("/v1/claims?consistent=true").json), len(left))


if __name__ == "__main__":
    unittest.main()
