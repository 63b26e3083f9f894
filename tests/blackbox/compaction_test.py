"""Dropping old lines of a running node: what goes, what is said of it, and what the rest is still good for."""
import hashlib
import http.client
import json
import secrets
import socket
import tempfile
import unittest
from pathlib import Path

from backup_test import KEY, folder_verified, restored, verified
from caller import Caller
from running_cluster import DEV, RunningCluster
from running_node import RunningNode
from upgrade_test import muster
from waiting import PATIENCE_S

SOME = 100  # Lines, more than a slow reader and its connection take.
VIEWS = ("/v1/nodes", "/v1/tokens", "/v1/digests")


def fill_widely(caller):
    """More lines than a node keeps in memory for tails, and three checkpoints among them; the lines, and their seqs."""
    made = []
    for number in range(600):
        body = {"node_id": f"n{number % 60}", "meta": {"x": secrets.token_hex(7000)}}
        assert caller.post("/v1/nodes/register", body).status == 200
        if number % 200 == 199:
            made.append(caller.post("/v1/checkpoints").json["at"])
            caller.until("/v1/log", lambda answer: any(one["at"] >= made[-1] for one in answer.json["checkpoints"]))
    return caller.get("/v1/events?from=1").body.splitlines(), made


class SlowTail:
    """A tail whose reader takes next to nothing until it is told to go on."""

    def __init__(self, port, headers, first):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.connection.sock = socket.socket()
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.connection.sock.settimeout(PATIENCE_S)
        self.connection.sock.connect(("127.0.0.1", port))
        self.connection.request("GET", f"/v1/events?from={first}", headers={name.replace("_", "-"): value for name, value in headers.items()})
        self.reply = self.connection.getresponse()
        self.first = self.reply.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def rest(self):
        return (self.first + self.reply.read()).splitlines()


class CompactionTest(unittest.TestCase):
    flags = ("--checkpoint-every", "100")
    environment = {"environment": {"SUPERVISOR_API_KEY": "k"}}

    def setUp(self):
        self.room = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.node = self.enterContext(RunningNode(*self.flags, **self.environment))
        self.caller = Caller(self.node.port, **KEY)

    def fill(self):
        """Lines, four checkpoints among them; the lines as they were, and the seqs of the checkpoints."""
        for number in range(480):
            answer = self.caller.post("/v1/nodes/register", {"node_id": f"n{number % 60}", "host": f"h{number}"})
            self.assertEqual(answer.status, 200, answer)
            if number % 120 == 119:
                at = self.caller.post("/v1/checkpoints").json["at"]
                self.caller.until("/v1/log", lambda answer: any(made["at"] >= at for made in answer.json["checkpoints"]))
        made = [one["at"] for one in self.caller.get("/v1/log").json["checkpoints"]]
        return self.lines(self.caller), sorted(made)

    def lines(self, caller, first=1):
        answer = caller.get(f"/v1/events?from={first}&limit=100000")
        self.assertEqual(answer.status, 200, answer)
        return answer.body.splitlines()

    def views_at(self, caller, at):
        found = {}
        for path in VIEWS:
            answer = caller.get(f"{path}?as_of={at}")
            self.assertEqual(answer.status, 200, answer)
            found[path] = answer.json
        return found

    def gone(self, caller, path, oldest):
        """Refused, and the oldest seq that is left is named."""
        answer = caller.get(path)
        self.assertEqual((answer.status, answer.json["code"]), (410, "log.compacted"), answer)
        self.assertRegex(answer.json["detail"], rf"\b{oldest}\b")

    def holds(self, caller, to, lines, views):
        """What is left from `to` + 1 on is as it was; what was before is refused."""
        caller.until("/v1/events?from=1&limit=1", lambda answer: answer.status == 410)
        log = caller.get("/v1/log").json
        self.assertEqual((log["oldest"], log["compacted_to"]), (to + 1, to))
        for path in ("/v1/events?from=1", f"/v1/events?from={to}", f"/v1/nodes?as_of={to - 1}", "/v1/digests?as_of=1"):
            self.gone(caller, path, to + 1)
        self.assertEqual(self.lines(caller, to + 1)[:len(lines) - to], lines[to:])
        for at, before in views.items():
            if at > to:
                self.assertEqual(self.views_at(caller, at), before, at)

    def told(self, caller, to):
        """The data of the newest log.compacted."""
        events = [json.loads(line) for line in caller.get(f"/v1/events?from={to + 1}&type=log.compacted").body.splitlines()]
        return events[-1]["data"]

    def check_whole(self, caller, first, name):
        """The export verifies with both verifiers, and without its oldest line it does not."""
        lines = self.lines(caller, first)
        exported = self.room / name
        exported.write_bytes(b"".join(line + b"\n" for line in lines))
        head = f"{first + len(lines) - 1}:{hashlib.sha256(lines[-1]).hexdigest()}"
        verified(self, exported, head)
        exported.write_bytes(b"".join(line + b"\n" for line in lines[:50] + lines[51:]))
        self.assertEqual(muster(":audit", "verify", str(exported), "--expect-head", head).returncode, 1)
        return head

    def test_old_lines_go_and_the_rest_is_what_it_was(self):
        """[S0-06] [S0-08] Over HTTP and from the command line, over restarts, in a backup, and in a fold of the folder."""
        lines, made = self.fill()
        first, second = [at for at in made if at > 100][:2]
        views = {at: self.views_at(self.caller, at) for at in (first + 1, second - 1, second + 1, len(lines))}
        body = {"before": first + 5, "dry_run": True}
        dry = self.caller.post("/v1/log/compact", body).json
        self.assertEqual((dry["from"], dry["to"], dry["lines"], dry["checkpoint"], dry["dry_run"]), (1, first, first, first, True))
        self.assertEqual(len(self.lines(self.caller)), len(lines))  # Nothing happened.
        done = self.caller.post("/v1/log/compact", {**body, "dry_run": False})
        self.assertEqual((done.status, done.json), (200, {**dry, "dry_run": False}))
        self.holds(self.caller, first, lines, views)
        size = sum(len(line) + 1 for line in lines[:first])
        head = hashlib.sha256(lines[first - 1]).hexdigest()
        expected = {"from": 1, "to": first, "lines": first, "bytes": size, "checkpoint": first, "head": head}
        self.assertEqual({name: self.told(self.caller, first)[name] for name in expected}, expected)
        again = self.caller.post("/v1/log/compact", {**body, "dry_run": False})
        self.assertEqual((again.status, again.json["code"]), (409, "conflict"))

        remote = {"MUSTER_REMOTE": self.node.url, "MUSTER_API_KEY": "k"}
        command = (":log", "compact", "--before", str(second + 1), "--json")
        said = muster(*command, **remote)
        self.assertEqual((said.returncode, json.loads(said.stdout)["to"]), (0, second), said.stderr)
        self.assertIn("Nothing was dropped", said.stderr)
        self.holds(self.caller, first, lines, views)
        said = muster(*command, "--yes", **remote)
        self.assertEqual((said.returncode, json.loads(said.stdout)["lines"]), (0, second - first), said.stderr)
        self.caller.until("/v1/log", lambda answer: answer.json["oldest"] == second + 1)
        self.gone(self.caller, f"/v1/events?from={second}", second + 1)
        self.holds(self.caller, second, lines, views)
        self.assertEqual(self.told(self.caller, second)["head"], hashlib.sha256(lines[second - 1]).hexdigest())

        self.assertEqual(self.node.stop(), 0)
        self.node.__enter__()
        self.holds(self.caller, second, lines, views)
        self.check_whole(self.caller, second + 1, "exported")
        backup = self.caller.get("/v1/backup").body
        live = self.caller.get("/v1/digests").json
        self.assertEqual(self.node.stop(), 0)
        self.folded(self.node, live)
        self.restored(backup, second, lines, views)

    def folded(self, node, live):
        """:replay comes to what the node had in memory, on top of the checkpoint that stands for the dropped lines."""
        data = str(node.folder / "data")
        done = muster(":replay", "--data", data, "--to", str(live["seq"]), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        folded = json.loads(done.stdout)
        self.assertGreater(folded["from"], 0)
        self.assertEqual({name: folded[name] for name in live}, live)
        folder_verified(self, data, [f"{live['seq']}:{live['head']}"])

    def restored(self, backup, to, lines, views):
        """A node made of the backup knows as much, also when it is started again."""
        file = self.room / "node.backup"
        file.write_bytes(backup)
        other, _ = restored(self, file, *self.flags, **self.environment)
        caller = Caller(other.port, **KEY)
        self.holds(caller, to, lines, views)
        self.assertEqual(caller.post("/v1/nodes/register", {"node_id": "after"}).status, 200)
        self.assertEqual(other.stop(), 0)
        other.__enter__()
        self.holds(caller, to, lines, views)
        self.check_whole(caller, to + 1, "exported again")
        live = caller.get("/v1/digests").json
        self.assertEqual(other.stop(), 0)
        self.folded(other, live)

    def test_a_tail_that_is_open_holds_what_it_has_still_to_give(self):
        """[S0-10] Lines go up to the checkpoint before it; all of them once it is read to its end."""
        lines, made = fill_widely(self.caller)
        with SlowTail(self.node.port, KEY, made[0] + 2) as tail:
            dry = self.caller.post("/v1/log/compact", {"before": made[-1] + 1}).json
            self.assertEqual(dry["to"], made[0])
            done = self.caller.post("/v1/log/compact", {"before": made[-1] + 1, "dry_run": False})
            self.assertEqual((done.status, done.json["to"]), (200, made[0]))
            self.assertEqual(tail.rest()[:len(lines) - made[0] - 1], lines[made[0] + 1:])
        self.caller.until("/v1/status", lambda answer: answer.json["streams"]["tails"] == 0)
        done = self.caller.post("/v1/log/compact", {"before": made[-1] + 1, "dry_run": False})
        self.assertEqual((done.status, done.json["to"]), (200, made[-1]))


class OvertakenTest(unittest.TestCase):
    def test_a_tail_that_another_member_overtakes_says_where_it_ended(self):
        """[S0-10] No line is left out in silence: it ends with its last seq, and whoever goes on from there is refused."""
        with RunningCluster(2, "--stall-timeout", "10m", "--checkpoint-every", str(SOME)) as cluster:
            cluster.wait_ready()
            leader = cluster.leader()
            other = cluster.others(leader)[0]
            lines, made = fill_widely(Caller(leader.port, **DEV))
            other.until(lambda: other.get("/v1/nodes?limit=1").seq >= len(lines), "it has all lines")
            with SlowTail(other.port, DEV, 1) as tail:
                done = leader.post("/v1/log/compact", {"before": made[-1] + 1, "dry_run": False})
                self.assertEqual((done.status, done.json["to"]), (200, made[-1]))
                other.until(lambda: other.get(f"/v1/why?seq={SOME}").status == 404, "it drops lines, too")
                *given, end = tail.rest()
            last = json.loads(end)["dropped"]["last"]
            self.assertEqual(given, lines[:last])
            self.assertLess(last, SOME)
            answer = other.get(f"/v1/events?from={last + 1}")
            self.assertEqual((answer.status, answer.json["code"]), (410, "log.compacted"), answer)
            self.assertEqual(json.loads(other.get("/v1/events?limit=1").body)["seq"], made[-1] + 1)


if __name__ == "__main__":
    unittest.main()
