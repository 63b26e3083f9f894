"""Settings that have no other test of what they do."""
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from caller import Caller
from running_node import BINARY, ROOT, RunningNode, free_port
from waiting import until


def read_all(fd):
    """What a terminal shows until its other end is closed."""
    shown = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:
            part = b""
        if not part:
            return shown.decode(errors="replace")
        shown += part


class AuditSinkTest(unittest.TestCase):
    def verified(self, target, *heads):
        """Exit status and first line of a verifier that is given these heads."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("".join(f"{head}\n" for head in heads))
            file.flush()
            done = subprocess.run([*target, "--heads", file.name], capture_output=True, text=True, timeout=60)
        return done.returncode, (done.stdout.splitlines() or [""])[0]

    def test_heads_of_checkpoints_are_kept_elsewhere_and_prove_the_log(self):
        """[S0-08] Each checkpoint's head is appended; the log answers to the last one, and not to a changed one."""
        with RunningNode("--audit-sink", "heads", "--checkpoint-every", "100", environment={"SUPERVISOR_API_KEY": "k"}) as node:
            caller = Caller(node.port, X_API_Key="k")
            sink = node.folder / "heads"
            for number in range(230):
                self.assertEqual(caller.post("/v1/nodes/register", {"node_id": f"n{number}"}).status, 200)
            lines = until(lambda: sink.exists() and len(found := sink.read_text().splitlines()) >= 2 and found, "two heads")
            for line in lines:
                self.assertRegex(line, r"^\d+:[0-9a-f]{64} \S+Z \S+$")
            seqs = [int(line.split(":")[0]) for line in lines]
            self.assertEqual(seqs, sorted(set(seqs)))
            exported = node.folder / "exported"
            exported.write_bytes(caller.get("/v1/events?limit=1000").body)
            self.assertEqual(node.stop(), 0)
            far = f"999:{64 * 'a'}"
            first = f"{seqs[0]}:{64 * '0'}"
            for target in ([BINARY, ":audit", "verify", node.folder / "data"], [BINARY, ":audit", "verify", exported],
                           [sys.executable, ROOT / "tests" / "verify_log.py", exported]):
                with self.subTest(target=target[:2]):
                    self.assertEqual(self.verified(target, *lines)[0], 0)
                    status, said = self.verified(target, *lines, far)
                    self.assertEqual(status, 1)
                    self.assertRegex(said, r"bad: seq \d+: lines are missing: the head of seq 999 was kept")
                    self.assertEqual(self.verified(target, first), (1, f"bad: seq {seqs[0]}: its hash is not the one that was kept"))
                    self.assertEqual(self.verified(target, *lines, first)[0], 2)
                    self.assertEqual(self.verified(target, "nonsense")[0], 2)

    def test_a_sink_that_cannot_be_written_is_told(self):
        """The node goes on without it."""
        with RunningNode("--audit-sink", "no/such/folder", "--checkpoint-every", "100", environment={"SUPERVISOR_API_KEY": "k"}) as node:
            caller = Caller(node.port, X_API_Key="k")
            for number in range(110):
                self.assertEqual(caller.post("/v1/nodes/register", {"node_id": f"n{number}"}).status, 200)
            until(lambda: "audit-sink file=no/such/folder error=" in node.output(), "a warning")


class ServeSettingsTest(unittest.TestCase):
    def test_the_host_of_a_node_can_be_named(self):
        """[S2-55] node-name is what its own registration says."""
        with RunningNode("--node-side", "--node-name", "attic", "--executor", "noop", environment={"SUPERVISOR_API_KEY": "k"}) as node:
            rows = Caller(node.port, X_API_Key="k").shown("/v1/nodes", lambda answer: answer.json).json
            self.assertEqual(rows[0]["host"], "attic")

    def test_a_broker_that_is_away_is_told_and_no_kind_is_a_silent_nothing(self):
        """[S1-12] BUS_KIND=amqp with a broker that does not answer; a kind without its URL, or that nobody knows, is refused."""
        with RunningNode("--node-side", environment={"BUS_KIND": "AMQP", "BROKER_URL": "amqp://u:canary@127.0.0.1:9"}) as node:
            until(lambda: "the broker cannot be used" in node.output(), "a warning")
            self.assertNotIn("canary", node.output())
        for kind, said in (("amqp", "BROKER_URL"), ("kafka", "KAFKA_BROKERS"), ("pigeons", "is not amqp")):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([BINARY, ":serve", "--alone", "--data", folder], capture_output=True, text=True, timeout=60,
                                      env={"PATH": os.environ["PATH"], "BUS_KIND": kind})
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(said, done.stderr)


class LogColourTest(unittest.TestCase):
    def shown(self, **environment):
        """The log of a node on a terminal, with a warning in it."""
        ours, theirs = pty.openpty()
        with tempfile.TemporaryDirectory() as folder:
            node = subprocess.Popen([BINARY, ":serve", "--alone", "--bind", f"127.0.0.1:{free_port()}"], cwd=folder,
                                    stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                    env={"PATH": os.environ["PATH"], "BROKER_URL": "amqp://127.0.0.1:9", "TERM": "xterm", **environment})
            os.close(theirs)
            shown = b""
            while b"the broker cannot be used" not in shown:  # It is not ready yet: stopped now, it still ends well.
                shown += os.read(ours, 65536)
            node.send_signal(signal.SIGTERM)
            text = shown.decode() + read_all(ours)
            self.assertEqual(node.wait(60), 0)
        os.close(ours)
        return text

    def test_the_time_of_a_log_line_is_as_it_is_wanted(self):
        """LOG_TIME, in text and in JSON; LOG_CALLER is taken."""
        for form, text, time in (("rfc3339ms", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", r'"time":"[^"]*\.\d{3}Z",'),
                                 ("rfc3339", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", r'"time":"[^".]*Z",'), ("unix", r"\d{10} ", r'"time":\d{10},'),
                                 ("none", "", "")):
            for shape, pattern in (("text", f"^{text}(info|warning)"), ("json", rf'^\{{{time}"level":"')):
                with RunningNode("--log", shape, environment={"LOG_TIME": form, "LOG_CALLER": "short"}) as node:
                    node.stop()
                    self.assertRegex(node.output(), pattern)

    def test_levels_are_coloured_on_a_terminal_only_when_wanted(self):
        """LOG_NO_COLOR and NO_COLOR are honoured."""
        self.assertIsNotNone(re.search("\x1b\\[3[13]m", self.shown()))
        self.assertNotIn("\x1b[33m", self.shown(LOG_NO_COLOR="1"))
        self.assertNotIn("\x1b[33m", self.shown(NO_COLOR="1"))


if __name__ == "__main__":
    unittest.main()
