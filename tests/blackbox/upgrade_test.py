"""Upgrading and going back: the document's commands, a backup and its restore, and a log that a newer build raised."""
import hashlib
import json
import os
import re
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from caller import Caller
from documents_test import sections
from running_node import BINARY, RunningNode, free_port

DEV = {"Authorization": "Bearer dev-token"}
SECRET = "a-secret-that-comes-back"


def muster(*arguments, **environment):
    return subprocess.run([BINARY, *arguments], env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, cwd="/")


def read_frames(backup):
    """(header, [(kind, key, value)]) of a backup whose digest is right."""
    body, digest = backup[:-72], backup[-72:]
    assert digest == b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n"
    header, _, rest = body.partition(b"\n")
    frames = []
    while rest:
        kind, keys, values = struct.unpack_from("<BII", rest)
        frames.append((kind, rest[9:9 + keys], rest[9 + keys:9 + keys + values]))
        rest = rest[9 + keys + values:]
    return json.loads(header), frames


def write_frames(header, frames):
    body = json.dumps(header).encode() + b"\n"
    body += b"".join(struct.pack("<BII", kind, len(key), len(value)) + key + value for kind, key, value in frames)
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def raised(backup, level):
    """The backup of a node that went on to raise its level: one more line, and everything that says where the log ends."""
    header, frames = read_frames(backup)
    place = max(i for i, (kind, _, _) in enumerate(frames) if kind == 1)
    last = json.loads(frames[place][2])
    line = {"seq": last["seq"] + 1, "prev": hashlib.sha256(frames[place][2]).hexdigest(), "time": last["time"], "epoch": last["epoch"],
            "node": last["node"], "actor": "alice", "type": "feature.raised", "stream": "cluster", "data": {"level": level}}
    text = json.dumps(line, separators=(",", ":")).encode()
    frames.insert(place + 1, (1, struct.pack(">Q", line["seq"]), text))
    header.update(seq=line["seq"], head=hashlib.sha256(text).hexdigest())
    return write_frames(header, frames)


class UpgradeCase(unittest.TestCase):
    def setUp(self):
        self.room = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def node(self):
        node = self.enterContext(RunningNode("--dev"))
        self.caller = Caller(node.port, **DEV)
        for i in range(20):
            self.caller.post("/v1/nodes/register", {"node_id": f"n{i}"})
        seq = self.caller.call("PUT", "/v1/secrets/kept", {"value": SECRET}).seq
        self.caller.get(f"/v1/nodes?after={seq}")
        self.environment = {"MUSTER_REMOTE": node.url, "MUSTER_TOKEN": "dev-token"}
        return node

    def ask(self, *arguments):
        return muster(*arguments, **self.environment)

    def serve_refused(self, data):
        """What :serve says that does not start on `data`."""
        done = muster(":serve", "--data", data, "--bind", f"127.0.0.1:{free_port()}", "--dev", "--alone")
        self.assertEqual(done.returncode, 4, done.stderr)
        return done.stderr


class DocumentTest(UpgradeCase):
    def test_the_steps_of_the_document_work_as_they_stand(self):
        """[S0-08] Back up, verify, restart, look, raise; and the way back."""
        node = self.node()
        code = sections("docs/upgrade.md")
        steps = re.split(r"\n\n+", code["Upgrade"].strip())
        self.assertEqual(len(steps), 3)
        before, look, level = (step.replace("/var/lib/muster", str(node.folder / "data")) for step in steps)
        head = self.type_in(before + '\necho "$HEAD"').splitlines()[-1]
        self.assertRegex(head, r"^[1-9][0-9]*:[0-9a-f]{64}$")
        self.assertEqual(node.stop(), 0)
        node.__enter__()
        self.caller.post("/v1/nodes/register", {"node_id": "after"})
        printed = self.type_in(f"HEAD={head}\n" + look.replace("http://127.0.0.1:8070", node.url))
        self.assertIn(f"ok: {head.partition(':')[0]} lines, head {head}", printed)
        self.assertRegex(printed, r"feature level +5")
        self.assertIn("The feature level is 5", self.type_in(level))
        back = code["Go back"].strip().replace("/var/lib/muster-before", str(self.room / "before"))
        self.assertIn(f"restored up to seq {head.partition(':')[0]}, head {head.partition(':')[2]}", self.type_in(back))

    def type_in(self, script):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.room, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, env={**self.environment, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, f"{script}\n{done.stderr}")
        return done.stdout


class BackupTest(UpgradeCase):
    def test_a_restored_node_knows_what_the_old_one_knew(self):
        """[S0-05] [S0-08] Lines, views and secrets, under the same keys; and it says that it was restored."""
        node = self.node()
        before = self.caller.get("/v1/digests").json
        file = self.room / "node.backup"
        done = self.ask(":backup", str(file), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["digest"], hashlib.sha256(file.read_bytes()[:-72]).hexdigest())
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.ask(":backup", str(self.room / "missing" / "x")).returncode, 4)
        node.stop()

        other = RunningNode("--dev")
        self.assertEqual(muster(":restore", str(file), "--data", str(other.folder / "data")).returncode, 0)
        self.assertEqual(muster(":restore", str(file), "--data", str(other.folder / "data")).returncode, 4)
        self.enterContext(other)
        caller = Caller(other.port, **DEV)
        self.assertEqual(caller.get(f"/v1/digests?as_of={before['seq']}").json, before)
        self.assertEqual(caller.get("/v1/status").json["node_id"], read_frames(file.read_bytes())[0]["node"])
        self.assertEqual(caller.get("/v1/secrets/kept").status, 200)
        events = [json.loads(line) for line in caller.get(f"/v1/events?from={before['seq'] + 1}&type=cluster.restored").body.splitlines()]
        self.assertEqual([(event["data"]["seq"], event["epoch"]) for event in events], [(before["seq"], 1000)])
        sealed = [frame for frame in read_frames(caller.get("/v1/backup").body)[1] if frame[0] == 6]
        self.assertEqual(sealed, [frame for frame in read_frames(file.read_bytes())[1] if frame[0] == 6])
        self.assertNotIn(SECRET.encode(), file.read_bytes())

    def test_a_backup_that_was_changed_or_cut_off_is_refused(self):
        """[S0-08] Nothing is restored of it."""
        self.node()
        file = self.room / "node.backup"
        self.assertEqual(self.ask(":backup", str(file)).returncode, 0)
        good = file.read_bytes()
        for name, bad in (("cut", good[:-1]), ("short", good[:200]), ("empty", b""), ("flipped", good[:500] + bytes([good[500] ^ 1]) + good[501:]),
                          ("longer", good + b"x")):
            file.write_bytes(bad)
            done = muster(":restore", str(file), "--data", str(self.room / name))
            self.assertEqual(done.returncode, 1, f"{name}: {done.stderr}")
            self.assertFalse((self.room / name).exists())


class FeatureLevelTest(UpgradeCase):
    def test_a_log_of_a_newer_level_is_refused_and_left_as_it_is(self):
        """[S0-08] :serve and :replay name the level; the chain still verifies; before the raise both work."""
        node = self.node()
        level = json.loads(muster(":version", "--json").stdout)["feature_level"] + 1
        self.assertEqual(self.ask(":backup", str(self.room / "old.backup")).returncode, 0)
        backup = (self.room / "old.backup").read_bytes()
        node.stop()
        (self.room / "new.backup").write_bytes(raised(backup, level))
        data = self.room / "new"
        done = muster(":restore", str(self.room / "new.backup"), "--data", str(data), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        head = f"{json.loads(done.stdout)['seq']}:{json.loads(done.stdout)['head']}"

        said = self.serve_refused(data)
        self.assertIn(f"this log is at feature level {level}, and this build knows levels up to {level - 1}", said)
        self.assertIn("Start the newer build", said)
        replay = muster(":replay", "--data", str(data), "--json")
        self.assertEqual((replay.returncode, json.loads(replay.stderr)["code"]), (4, "feature.unknown"))
        self.assertEqual(muster(":replay", "--data", str(data), "--to", str(int(head.partition(":")[0]) - 1)).returncode, 0)
        self.assertEqual(muster(":audit", "verify", str(data), "--expect-head", head).returncode, 0)

    def test_raising_says_what_it_will_do_and_needs_a_yes(self):
        """[S0-01] Every member's build knows level 5 and no other yet: asked for more, the node names who lacks it."""
        self.node()
        said = self.ask(":cluster", "upgrade", "--json")
        self.assertEqual(json.loads(said.stdout), {"feature_level": 5, "before": 5, "dry_run": True})
        done = self.ask(":cluster", "upgrade", "--yes", "--json")
        self.assertEqual(json.loads(done.stdout), {"feature_level": 5, "before": 5, "dry_run": False})
        more = self.ask(":cluster", "upgrade", "--level", "6", "--yes")
        self.assertEqual(more.returncode, 4)
        self.assertIn("supports level 5: upgrade it first", more.stderr)
        self.assertEqual(self.caller.get("/v1/events?type=feature.*").body, b"")
        shown = json.loads(self.ask(":cluster", "--json").stdout)
        self.assertEqual([member["feature_level"] for member in shown["members"]], [5])
        self.assertRegex(self.ask(":cluster").stdout, r"feature level +5")


if __name__ == "__main__":
    unittest.main()
