"""What every fold comes to: in the running node, in a fold from disk, and in a replay of the folder by itself."""
import json
import subprocess
import unittest

from caller import Caller
from node_case import NodeCase
from running_node import BINARY, ROOT


class DigestsTest(NodeCase):
    flags = ("--checkpoint-every", "100")
    environment = {"SUPERVISOR_API_KEY": "k"}

    def setUp(self):
        self.caller = Caller(self.node.port, X_API_Key="k")

    def replayed(self, seq):
        """What muster :replay says of the folder up to `seq`."""
        done = subprocess.run([BINARY, ":replay", "--data", self.node.folder / "data", "--to", str(seq), "--json"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {name: value for name, value in json.loads(done.stdout).items() if name in ("seq", "head", "digests")}

    def change_everything(self, round_number):
        """Each domain gets something to remember."""
        for i in range(40):
            self.caller.post("/v1/nodes/register", {"node_id": f"n{i}", "host": f"h{round_number}"})
        self.caller.post("/v1/nodes/heartbeat", {"node_id": "n1", "role": "worker"})
        self.caller.post("/v1/leader/claim", {"node_id": "n1", "url": f"http://n1:{round_number + 1}"})
        claim = self.caller.post("/api/claims/new").json
        self.caller.post("/api/claims/new")
        self.caller.post("/api/claims/fulfill", claim)
        self.caller.call("PUT", "/v1/secrets/one", {"value": str(round_number)})
        self.caller.post("/v1/tokens", {"name": f"token {round_number}", "scopes": ["read"]})
        self.caller.post("/v1/nodes/plan", {"node_id": "n1", "role_hint": "server" if round_number % 2 else ""})
        fact = {"type": "service.failed", "name": "api", "local_seq": round_number + 1, "at": "2026-01-02T03:05:00.000Z",
                "reason": "crash_loop", "message": "again"}
        self.caller.post("/v1/nodes/n1/services", {"source": "s", "facts": [fact]})
        report = {"node_id": "n1", "component": "storage", "action": "a", "status": "ok", "idempotency_key": str(round_number)}
        return self.caller.post("/v1/bootstrap/events", report).seq

    def run_a_job(self):
        """Runs come into the log while nobody serves it."""
        done = subprocess.run([BINARY, "--data", self.node.folder / "data", "--scripts-root", ROOT / "scripts", "demo", "--name", "x"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_running_node_a_fold_from_disk_and_a_replay_agree(self):
        """[S0-06] [S0-08] For every view and every state, at each seq, also after a start from a checkpoint."""
        seen = []
        for round_number in range(6):
            seq = self.change_everything(round_number)
            self.caller.get(f"/v1/nodes?after={seq}")
            live = self.caller.get("/v1/digests").json
            self.assertGreaterEqual(live["seq"], seq)
            self.assertEqual(live, self.replayed(live["seq"]))
            seen.append(live)
            if round_number in (2, 4):
                self.node.stop()
                self.run_a_job()
                self.node.__enter__()
                again = self.caller.get("/v1/digests").json
                self.assertEqual(again, self.replayed(again["seq"]))
        for live in seen:
            self.assertEqual(self.caller.get(f"/v1/digests?as_of={live['seq']}").json, live)
        names = [fold["name"] for fold in seen[-1]["digests"]]
        self.assertLessEqual({"view nodes", "view audit", "state nodes", "state lease", "state claims"}, set(names))
        self.assertEqual(len(names), len(set(names)))
        changed = {fold["name"]: set() for fold in seen[0]["digests"]}
        for live in seen:
            for fold in live["digests"]:
                changed[fold["name"]].add(fold["digest"])
        never = {name for name, digests in changed.items() if len(digests) == 1}
        self.assertEqual(never, {"view sources", "state sources"}, "nothing but sources, which no route adds yet, never changes")
        self.assertTrue(self.caller.get("/v1/log").json["checkpoints"])

    def test_a_seq_that_has_not_come_has_no_digests(self):
        """[S0-08] Nor has a time that is none."""
        for when in ("999999999", "yesterday"):
            self.refused(self.caller.get(f"/v1/digests?as_of={when}"), 400, "field.invalid", "?as_of")


if __name__ == "__main__":
    unittest.main()
