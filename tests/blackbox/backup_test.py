"""A backup of a running node is of one moment, and holds all that a restored node needs; what it may hold is checked."""
import hashlib
import http.client
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from caller import Caller
from membership_test import init
from running_cluster import RunningCluster
from running_node import BINARY, ROOT, RunningNode
from upgrade_test import muster, read_frames, write_frames

KEY = {"X_API_Key": "k"}
CHECKPOINTS, META, FILE, JOURNAL = 3, 7, ord("f"), ord("j")
LOUD = "seq 1 200000\n"  # Over a megabyte: several pieces.
WAITS = "echo it is here\nexec tail -f /dev/null\n"  # Until it is canceled.


def verified(test, target, head):
    """Both verifiers find `target`, a file of lines, whole up to `head`."""
    for verifier in ([BINARY, ":audit", "verify"], [sys.executable, ROOT / "tests" / "verify_log.py"]):
        done = subprocess.run([*verifier, "--expect-head", head, target], capture_output=True, text=True, timeout=60)
        test.assertEqual(done.returncode, 0, f"{verifier[-1]}: {done.stdout} {done.stderr}")


def folder_verified(test, data, heads):
    """The data folder of a node that does not run is whole, and holds the lines that `heads` name."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join(f"{head}\n" for head in heads))
        file.flush()
        done = muster(":audit", "verify", str(data), "--heads", file.name)
    test.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def restored(test, file, *flags, **environment):
    """A node on a folder that was made from `file`, and what :restore said."""
    node = RunningNode(*flags, **environment)
    done = muster(":restore", str(file), "--data", str(node.folder / "data"), "--json")
    test.assertEqual(done.returncode, 0, done.stderr)
    test.enterContext(node)
    return node, json.loads(done.stdout)


class SlowDownload:
    """A backup whose reader takes next to nothing until it is told to go on."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.sock = socket.socket()
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.connection.sock.settimeout(60)
        self.connection.sock.connect(("127.0.0.1", port))
        self.connection.request("GET", "/v1/backup", headers={"X-API-Key": "k"})
        self.reply = self.connection.getresponse()
        self.first = self.reply.readline()

    def rest(self):
        whole = self.first + self.reply.read()
        self.connection.close()
        return whole


class MomentTest(unittest.TestCase):
    """A node with a cluster key of its own, as it is started by default."""

    def setUp(self):
        self.room = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, script in (("loud", LOUD), ("waits", WAITS)):
            config = self.room / "scripts" / name / "config.d"
            config.mkdir(parents=True)
            (config / "config.yaml").write_text("interpreter: bash\n")
            (config.parent / "000_main.sh").write_text(script)
        self.flags = ("--discovery", "off", "--checkpoint-every", "100", "--scripts-root", str(self.room / "scripts"))
        self.environment = {"environment": {"SUPERVISOR_API_KEY": "k"}}
        self.node = self.enterContext(RunningNode(*self.flags, **self.environment))
        self.caller = Caller(self.node.port, **KEY)

    def register(self, name, caller=None, key=None, size=0):
        body = {"node_id": name, "meta": {"x": name + size * "x" if size < 100 else secrets.token_hex(size // 2)}}
        answer = (caller or self.caller).call("POST", "/v1/nodes/register", body, {"Idempotency-Key": key} if key else {})
        self.assertEqual(answer.status, 200, answer)
        return answer

    def run_loudly(self, caller):
        """A run that has ended, and its events as they are streamed."""
        run = caller.post("/runs", {"job_id": "loud"}).json["id"]
        text = caller.get(f"/runs/{run}/events").body
        self.assertIn(b"event: run.finish", text)
        caller.until(f"/runs/{run}", lambda answer: answer.json.get("finished_at"))
        return run, text

    def begin_to_wait(self):
        """A run that has printed something, and goes on."""
        run = self.caller.post("/runs", {"job_id": "waits"}).json["id"]
        with self.caller.stream(f"/runs/{run}/events") as told:
            for line in iter(told.readline, b""):
                if b"it is here" in line:
                    return run
        raise AssertionError(f"{run} ended")

    def journal(self, node, run):
        return {path.name: path.read_bytes() for path in (node.folder / "data" / "runs" / run / "journal").iterdir()}

    def load(self, stop):
        """Commands under keys of their own, until `stop` is set."""
        number = 0
        while not stop.is_set():
            number += 1
            self.register(f"load{number % 50}", key=f"load-{number}-{secrets.token_hex(8)}", size=8)

    def backed_up_meanwhile(self):
        """A backup that begins, waits until the node has done all that could spoil it, and goes on."""
        stop = threading.Event()
        writer = threading.Thread(target=self.load, args=(stop,))
        writer.start()
        try:
            slow = SlowDownload(self.node.port)
            seq = json.loads(slow.first)["seq"]
            self.later = self.register("later", key="a key that is used later on")
            self.assertGreater(self.later.seq, seq)
            self.run_loudly(self.caller)
            at = self.caller.post("/v1/checkpoints").json["at"]
            self.assertGreater(at, seq)
            self.caller.until("/v1/log", lambda answer: any(made["at"] >= at for made in answer.json["checkpoints"]))
            dropped = self.caller.post("/v1/log/compact", {"before": seq, "dry_run": False})
            self.assertEqual(dropped.status, 200, dropped)
            self.caller.until("/v1/events?from=1&limit=1", lambda answer: answer.status == 410)
            self.after = at
            return slow.rest()
        finally:
            stop.set()
            writer.join()

    def test_a_backup_under_load_is_of_one_moment_and_a_restored_node_goes_on_from_it(self):
        """[S0-08] Lines, checkpoints, replies, keys and journals up to one seq; the old history is not mixed into the new one."""
        run, told = self.run_loudly(self.caller)
        journal = self.journal(self.node, run)
        waiting = self.begin_to_wait()
        first = self.register("first", key="a key that is used again")
        for number in range(220):
            self.register(f"big{number}", size=14_000)
        backup = self.backed_up_meanwhile()
        file = self.room / "node.backup"
        file.write_bytes(backup)
        header, frames = read_frames(backup)
        seq = header["seq"]
        ats = [int.from_bytes(key[3:], "big") for kind, key, _ in frames if kind == CHECKPOINTS and key.startswith(b"at/")]
        self.assertTrue(ats and max(ats) <= seq, (ats, seq))
        kept = [int.from_bytes(value[72:80], "big") for kind, key, value in frames if kind == META and key.startswith(b"kept/")]
        self.assertTrue(kept and max(kept) <= seq, seq)
        names = {key.decode() for kind, key, _ in frames if kind == FILE}
        self.assertEqual(names, {"node_id", "keys/sign.key", "keys/seal.key", "keys/fingerprint.key", "keys/cluster", "keys/replies"})
        pieces = [(key.decode(), len(value)) for kind, key, value in frames if kind == JOURNAL]
        self.assertEqual({name.partition("/")[0] for name, _ in pieces}, {run, waiting})
        self.assertGreater(len(pieces), 3)
        self.assertLessEqual(max(size for _, size in pieces), 256 << 10)
        old_keys = self.node.folder / "data" / "keys"
        key, pem = (old_keys / "cluster").read_bytes(), (old_keys / "node.pem").read_bytes()
        self.assertEqual(self.caller.post(f"/runs/{waiting}:cancel").status, 202)
        self.caller.until(f"/runs/{waiting}", lambda answer: answer.json["status"] == "canceled" and answer.json.get("finished_at"))
        self.assertEqual(self.node.stop(), 0)

        other, said = restored(self, file, *self.flags, **self.environment)
        self.assertEqual((said["seq"], said["head"]), (seq, header["head"]))
        caller = Caller(other.port, **KEY)
        self.assertEqual((other.folder / "data" / "keys" / "cluster").read_bytes(), key)
        self.assertNotEqual((other.folder / "data" / "keys" / "node.pem").read_bytes(), pem)
        self.assertEqual(self.journal(other, run), journal)
        self.assertEqual(caller.get(f"/runs/{run}/events").body, told)
        caller.until(f"/runs/{waiting}", lambda answer: answer.json["status"] == "lost")
        self.assertIn(b"it is here", caller.get(f"/runs/{waiting}/events").body)
        again = self.register("first", caller, "a key that is used again")
        self.assertEqual((again.seq, again.body, again.headers["Idempotency-Replayed"]), (first.seq, first.body, "true"))
        anew = self.register("later", caller, "a key that is used later on")
        self.assertIsNone(anew.headers["Idempotency-Replayed"])
        self.assertGreater(anew.seq, seq)
        run_again, _ = self.run_loudly(caller)
        self.assertNotEqual(run_again, run)
        self.grow_past(other, caller, seq)

    def grow_past(self, node, caller, seq):
        """Beyond every checkpoint that the old node made after the backup, and past a restart that begins there."""
        number = 0
        while caller.get("/v1/log").json["seq"] <= self.after + 120:
            number += 1
            self.register(f"new{number}", caller)
        for at in (seq, self.after, self.after + 100):
            self.assertEqual(caller.get(f"/v1/digests?as_of={at}").json["seq"], at)
        self.assertEqual(node.stop(), 0)
        node.__enter__()
        exported = self.room / "exported"
        exported.write_bytes(caller.get("/v1/events?limit=100000").body)
        lines = exported.read_bytes().splitlines()
        heads = {at: f"{at}:{hashlib.sha256(lines[at - 1]).hexdigest()}" for at in (seq, len(lines))}
        verified(self, exported, heads[len(lines)])
        self.assertEqual(node.stop(), 0)
        folder_verified(self, node.folder / "data", heads.values())


class MembersTest(unittest.TestCase):
    def test_a_restored_member_is_a_cluster_of_its_own_and_the_others_are_told(self):
        """[S0-08] It has the cluster's key and name, but not its place among them: who was left behind ends, joins anew, and gets all of its log."""
        with RunningCluster(0, "--discovery", "off", dev=False) as cluster:
            first, second = cluster.add(), cluster.add()
            token = init(first)
            first.start().wait_ready()
            second.start("--join", first.peer, "--join-token", token).wait_ready()
            first.until(lambda: first.named() == ["n1", "n2"], "both are in")
            first.post("/v1/nodes/register", {"node_id": "before"})
            file = cluster.room / "first.backup"
            file.write_bytes(first.get("/v1/backup").body)
            key, whole = (first.data / "keys" / "cluster").read_text(), first.cluster()
            for member in (first, second):
                member.kill()
            shutil.rmtree(first.data)
            self.assertEqual(muster(":restore", str(file), "--data", str(first.data)).returncode, 0)
            first.start().wait_ready()
            self.assertEqual(first.named(), ["n1"])
            self.assertEqual(first.cluster()["identity"]["cluster"], whole["identity"]["cluster"])
            self.assertEqual((first.data / "keys" / "cluster").read_text(), key)
            self.assertEqual(first.get("/v1/nodes/before").status, 200)
            second.log.unlink()
            self.assertEqual(second.start().ends(), 4)
            self.assertIn("it is no member of cluster", second.said())
            self.assertEqual(muster(":cluster", "join", "--archive", "--data", str(second.data)).returncode, 0)
            token = first.post("/v1/cluster/tokens", {}).json["token"]
            second.start("--join", first.peer, "--join-token", token).wait_ready()
            first.until(lambda: first.named() == ["n1", "n2"], "it is in again")
            cluster.wait_ready()
            self.assertEqual(second.get("/v1/nodes/before").status, 200)
            one, other = cluster.level()
            self.assertEqual(one, other)  # Also what was before the restore.


class KeyChangeTest(unittest.TestCase):
    """The cluster key is being changed when the backup is made: the log tells of a key that is shown nowhere yet, or of one that is
    still trusted."""

    def setUp(self):
        self.cluster = self.enterContext(RunningCluster(0, "--discovery", "off", dev=False))
        self.first, self.second = self.cluster.add(), self.cluster.add()
        token = init(self.first)
        self.first.start().wait_ready()
        self.first.until(lambda: self.first.get("/v1/cluster/tokens").json, "the first token counts")
        self.second.start("--join", self.first.peer, "--join-token", token).wait_ready()
        self.first.until(lambda: self.first.named() == ["n1", "n2"], "both are in")

    def change(self):
        """Begins a change; the authority that comes."""
        answer = self.first.until(lambda: (said := self.first.post("/v1/cluster/key", {})).status == 202 and said, "the change begins")
        return answer.json["to"]

    def phase(self):
        return self.first.cluster()["identity"]["key"]["phase"]

    def backup(self, name):
        file = self.cluster.room / name
        file.write_bytes(self.first.get("/v1/backup").body)
        return file, [key.decode() for kind, key, _ in read_frames(file.read_bytes())[1] if kind == FILE]

    def until_switched(self, to):
        """The other member keeps the new key, and is stopped before it shows it; False when it was too quick."""
        def keeps():
            row = next(row for row in self.first.cluster()["members"] if row["member"] == "n2")
            return self.phase() != "staged" or row.get("now", {}).get("trusts_also") == to
        self.first.until(keeps, "the other one keeps the new key")
        self.second.pause()
        self.first.until(lambda: self.phase() != "staged", "the change goes on")
        if self.phase() != "switched":
            self.second.resume()
            return False
        keys = self.first.data / "keys"
        self.first.until(lambda: {path.name for path in keys.glob("cluster*")} == {"cluster", "cluster.previous"}, "it shows the new key")
        return True

    def check_restored(self, file, to):
        """A node that goes on with the change, alone, and lets others in."""
        shutil.rmtree(self.first.data)
        self.assertEqual(muster(":restore", str(file), "--data", str(self.first.data)).returncode, 0)
        self.first.start().wait_ready()
        key = self.first.until(lambda: (key := self.first.cluster()["identity"]["key"])["phase"] == "rotated" and key, "the change ends")
        self.assertEqual(key["to"], to)
        keys = self.first.data / "keys"
        self.first.until(lambda: [path.name for path in keys.glob("cluster*")] == ["cluster"], "no other key is left")
        self.assertEqual(next(row["now"]["ca"] for row in self.first.cluster()["members"]), to)
        again = self.first.post("/v1/nodes/register", {"node_id": "before"}, {"Idempotency-Key": "before"})
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (200, "true"))
        self.assertEqual(self.first.post("/v1/nodes/register", {"node_id": "after"}).status, 200)
        newcomer = self.cluster.add()
        newcomer.start("--join", self.first.peer, "--join-token", self.first.post("/v1/cluster/tokens", {}).json["token"]).wait_ready()
        self.assertEqual((newcomer.data / "keys" / "cluster").read_text(), (keys / "cluster").read_text())
        self.assertNotEqual(self.change(), to)
        for member in (newcomer, self.first):
            member.kill()

    def test_a_node_that_is_restored_in_the_middle_of_a_change_ends_it(self):
        """[S0-08] With cluster.next in it, and with cluster.previous."""
        self.assertEqual(self.first.post("/v1/nodes/register", {"node_id": "before"}, {"Idempotency-Key": "before"}).status, 200)
        self.second.kill()
        staged = self.change()
        self.assertEqual(self.phase(), "staged")
        early, names = self.backup("staged.backup")
        # In this order: a change that is made between two readings leaves no key out.
        self.assertEqual([name for name in names if "cluster" in name], ["keys/cluster.next", "keys/cluster"])
        self.second.start()
        switched = staged
        while not self.until_switched(switched):
            self.first.until(lambda: self.phase() == "rotated", "the change ends")
            switched = self.change()
        late, names = self.backup("switched.backup")
        self.assertEqual([name for name in names if "cluster" in name], ["keys/cluster", "keys/cluster.previous"])
        self.first.kill()
        self.second.kill()
        self.check_restored(early, staged)
        self.check_restored(late, switched)


class NamesTest(unittest.TestCase):
    def setUp(self):
        self.room = Path(self.enterContext(tempfile.TemporaryDirectory()))
        node = self.enterContext(RunningNode(environment={"SUPERVISOR_API_KEY": "k"}))
        Caller(node.port, **KEY).post("/v1/nodes/register", {"node_id": "n"})
        self.header, self.frames = read_frames(Caller(node.port, **KEY).get("/v1/backup").body)

    def restore(self, name, *frames, header=None):
        file = self.room / f"{name}.backup"
        file.write_bytes(write_frames(header or self.header, [*self.frames, *frames]))
        return muster(":restore", str(file), "--data", str(self.room / "in" / name))

    def test_what_a_backup_may_not_hold_is_refused_and_nothing_of_it_stays(self):
        """[S0-08] Names that lead elsewhere, keys that stay on a machine, kinds and sizes that nobody writes."""
        digits = b"00000000000000000001"
        bad = {
            "up": (FILE, b"../evil", b"x"), "far": (FILE, b"/tmp/muster-evil", b"x"), "own": (FILE, b"keys/node.pem", b"x"),
            "mark": (FILE, b"restored", b"x"), "huge": (FILE, b"node_id", b"x" * (65 << 10)),
            "dots": (JOURNAL, b"../" + digits, b"x"), "deep": (JOURNAL, b"run-1/../" + digits, b"x"), "odd": (JOURNAL, b"run-1/" + digits[1:], b"x"),
            "letters": (JOURNAL, b"run-1/x" + digits[1:], b"x"), "nobody": (JOURNAL, b"/" + digits, b"x"), "nul": (JOURNAL, b"a\0b/" + digits, b"x"),
            "bytes": (JOURNAL, b"\xff/" + digits, b"x"), "piece": (JOURNAL, b"run-1/" + digits, b"x" * ((256 << 10) + 1)),
            "kind": (200, b"x", b"x"), "key": (META, b"k" * 5000, b"x"),
        }
        for name, frame in bad.items():
            with self.subTest(name=name):
                done = self.restore(name, frame)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("the backup does not verify", done.stderr)
                self.assertEqual(list((self.room / "in" / name).iterdir()), [])
        one, other = (JOURNAL, b"run-1/" + digits, b"x"), (JOURNAL, b"run-2/" + digits, b"x")
        self.assertIn("are apart", self.restore("apart", one, other, one).stderr)
        self.assertEqual({path.name for path in (self.room / "in").iterdir()}, {*bad, "apart"})
        self.assertFalse(Path("/tmp/muster-evil").exists())

    def test_a_backup_of_the_first_form_is_still_read_and_a_later_one_is_not(self):
        """[S0-08] Version 1 had no journals, and could tell of what came after it, which is left out; of 3 nobody knows what it means."""
        later = (self.header["seq"] + 1).to_bytes(8, "big")
        at, kept = (CHECKPOINTS, b"at/" + later, b"x"), (META, b"kept/" + b"k" * 32, b"k" * 64 + b"\x7f" + b"\0" * 7 + later + b"\0")
        now = (META, b"kept/" + b"n" * 32, b"n" * 64 + b"\x7f" + b"\0" * 7 + self.header["seq"].to_bytes(8, "big") + b"\0")
        file = self.room / "first.backup"
        file.write_bytes(write_frames({**self.header, "muster_backup": 1}, [*self.frames, at, kept, now]))
        node, _ = restored(self, file, environment={"SUPERVISOR_API_KEY": "k"})
        held = {frame[:2] for frame in read_frames(Caller(node.port, **KEY).get("/v1/backup").body)[1]}
        self.assertIn(now[:2], held)
        self.assertFalse({at[:2], kept[:2]} & held)
        done = self.restore("third", header={**self.header, "muster_backup": 3})
        self.assertEqual(done.returncode, 1)
        self.assertIn("not a backup of this version", done.stderr)


if __name__ == "__main__":
    unittest.main()
