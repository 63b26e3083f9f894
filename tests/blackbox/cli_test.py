"""The command line against a running node: output, exit statuses, tails, terminals."""
import fcntl
import itertools
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unittest
import urllib.request

from running_node import BINARY, ROOT, RunningNode, free_port
from waiting import until

LIMIT_S = 20


def muster(*arguments, environment=None, stdin=""):
    return subprocess.run([BINARY, *arguments], env={"PATH": os.environ["PATH"], **(environment or {})}, input=stdin,
                          capture_output=True, text=True, timeout=60, cwd="/")


def register(node, name):
    body = json.dumps({"node_id": name, "host": f"host-of-{name}", "ip": "10.0.0.7"}).encode()
    headers = {"Authorization": "Bearer dev-token", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{node.url}/v1/nodes/register", body, headers), timeout=10):
        pass


def on_terminal(arguments, environment, columns):
    """What the command writes to a terminal of that width; stderr goes there too."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BINARY, *arguments], env={"PATH": os.environ["PATH"], **environment}, stdin=follower,
                               stdout=follower, stderr=follower, cwd="/")
    os.close(follower)
    text = b""
    try:
        while piece := os.read(leader, 65536):
            text += piece
    except OSError:  # The other end is closed.
        pass
    os.close(leader)
    return process.wait(LIMIT_S), text.decode().replace("\r\n", "\n")


class WithNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(RunningNode("--dev"))
        cls.environment = {"MUSTER_REMOTE": cls.node.url, "MUSTER_TOKEN": "dev-token"}
        register(cls.node, "edge-a")

    def ask(self, *arguments, environment=None):
        return muster(*arguments, environment={**self.environment, **(environment or {})})

    def test_status_says_how_the_node_is(self):
        """S0-06"""
        done = self.ask(":status", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        status = json.loads(done.stdout)
        self.assertTrue(status["ready"])
        self.assertGreater(status["seq"], 0)
        self.assertRegex(self.ask(":status").stdout, r"ready +yes")
        self.assertRegex(self.ask(":cluster").stdout, rf"{status['node_id']} +alone ")  # Nobody it could join, or vote with.

    def test_status_shows_the_past_and_waits_for_a_line(self):
        """[S0-06] As of a seq it says what the log says of then, and nothing that only the process knows."""
        before = json.loads(self.ask(":status", "--json").stdout)
        register(self.node, "in-between")
        now = json.loads(self.ask(":status", "--json", "--after", str(before["view_seq"] + 1)).stdout)
        self.assertGreater(now["view_seq"], before["view_seq"])
        then = json.loads(self.ask(":status", "--json", "--as-of", str(before["view_seq"])).stdout)
        self.assertEqual({name: then[name] for name in ("view_seq", "head", "nodes", "epoch")}, {name: before[name] for name in ("view_seq", "head", "nodes", "epoch")})
        self.assertEqual(then["nodes"]["registered"] + 1, now["nodes"]["registered"])
        self.assertEqual(set(before) - set(then), {"version", "started_at", "ready", "leading", "term", "seq", "data", "containers", "streams"})
        for flag in ("--as-of", "--after"):
            self.assertEqual(self.ask(":status", flag, "yesterday").returncode, 2, flag)

    def test_nodes_are_listed_and_shown(self):
        """S1-17 S0-09"""
        rows = json.loads(self.ask(":nodes", "--json").stdout)["rows"]
        self.assertIn("edge-a", [row["id"] for row in rows])
        self.assertRegex(self.ask(":nodes").stdout, r"edge-a +registered .*host-of-edge-a +10\.0\.0\.7")
        self.assertEqual(json.loads(self.ask(":nodes", "edge-a", "--json").stdout)["id"], "edge-a")
        self.assertEqual(self.ask(":nodes", "nobody").returncode, 4)

    def test_events_are_the_bytes_of_the_log(self):
        """S0-10"""
        lines = self.ask(":events", "--from", "1").stdout.splitlines()
        self.assertEqual([json.loads(line)["seq"] for line in lines], list(range(1, len(lines) + 1)))
        with urllib.request.urlopen(urllib.request.Request(
                f"{self.node.url}/v1/events?from=1&to={len(lines)}", headers={"Authorization": "Bearer dev-token"}),
                timeout=10) as reply:
            self.assertEqual(reply.read().decode().splitlines(), lines)
        one = self.ask(":events", "2").stdout.splitlines()
        self.assertEqual(one, [lines[1]])

    def test_a_tail_prints_what_is_committed_while_it_follows(self):
        """S0-10"""
        with subprocess.Popen([BINARY, ":tail", "--last", "0", "--type", "node.registered"], stdout=subprocess.PIPE,
                              env={"PATH": os.environ["PATH"], **self.environment}) as tail:
            try:
                os.set_blocking(tail.stdout.fileno(), False)
                seen, rounds = bytearray(), itertools.count()

                def shown():
                    # The tail begins where the log ended when it asked; so keep registering until it shows one.
                    register(self.node, f"tailed-{next(rounds)}")
                    seen.extend(tail.stdout.read() or b"")
                    return b"\n" in seen

                until(shown, "the tail shows an event", on=[tail.stdout, tail])
                self.assertEqual(json.loads(seen.splitlines()[0])["type"], "node.registered")
            finally:
                tail.kill()

    def test_why_walks_back(self):
        """S0-08"""
        done = self.ask(":why", "node/edge-a", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)[0]["stream"], "node/edge-a")

    def test_the_leader_is_claimed_and_shown(self):
        """S2-60 S2-61"""
        self.assertEqual(self.ask(":leader").returncode, 5)
        self.assertEqual(self.ask(":leader", "claim", "edge-a", "http://10.0.0.7:8070").returncode, 0)
        self.assertEqual(json.loads(self.ask(":leader", "--json").stdout)["leader_url"], "http://10.0.0.7:8070")
        self.assertEqual(self.ask(":leader", "claim", "other", "http://10.0.0.8:8070").returncode, 4)

    def test_a_wrong_token_is_denied(self):
        """[S2-54] Exit status 3, and the token is not shown."""
        done = self.ask(":status", environment={"MUSTER_TOKEN": "wrong"})
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("(unauthorized)", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("wrong", done.stderr.replace("is wrong", ""))

    def test_tables_fit_the_terminal_and_colour_is_for_terminals(self):
        for columns in (40, 60, 100):
            status, text = on_terminal([":nodes"], {**self.environment, "TERM": "xterm", "NO_COLOR": "1"}, columns)
            self.assertEqual(status, 0)
            self.assertNotIn("\x1b", text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), columns, line)
        self.assertIn("\x1b[", on_terminal([":nodes"], {**self.environment, "TERM": "xterm"}, 100)[1])
        self.assertNotIn("\x1b[", self.ask(":nodes", environment={"TERM": "xterm"}).stdout)

    def test_the_doctor_knows_a_running_muster(self):
        done = self.ask(":doctor", "--bind", f"127.0.0.1:{self.node.port}", "--data", str(self.node.folder / "data"), "--json")
        checks = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
        self.assertEqual(checks["disk sync"]["status"], "ok", checks)
        self.assertEqual(checks["permissions"]["status"], "ok", checks)


class WithoutNode(unittest.TestCase):
    def test_nobody_there_is_exit_5_with_a_remedy(self):
        done = muster(":status", "--server", f"http://127.0.0.1:{free_port()}")
        self.assertEqual(done.returncode, 5)
        self.assertIn("muster :serve", done.stderr)

    def test_usage_errors_are_exit_2_and_name_the_nearest(self):
        self.assertEqual(muster("status").returncode, 2)
        self.assertIn("':status'", muster("status").stderr)
        self.assertIn("'--addr'", muster(":serve", "-adrr", ":1").stderr)

    def test_binding_the_world_without_credentials_is_refused(self):
        done = muster(":serve", "--bind", f"0.0.0.0:{free_port()}", "--data", "/nonexistent/data")
        self.assertNotEqual(done.returncode, 0)

    def test_binding_the_world_in_dev_mode_is_refused(self):
        with RunningNode() as node:
            done = muster(":serve", "--dev", "--bind", f"0.0.0.0:{free_port()}", "--data", str(node.folder / "other"))
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("loopback", done.stderr)

    def test_every_limit_of_the_edge_is_in_the_help_of_serve(self):
        text = muster(":serve", "--help").stdout
        for flag in ("max-header", "max-body", "max-connections", "header-timeout", "body-timeout", "write-timeout",
                     "idle-timeout", "stall-timeout", "drain-timeout", "bind", "addr", "jwks-url", "stale-ttl"):
            self.assertIn(f"--{flag} ", text.replace(",", " "))

    def test_the_version_names_what_the_binary_is_made_of(self):
        """[S0-02] Its own, the feature level, the commit, and every library that it is linked with."""
        said = json.loads(muster(":version", "--json").stdout)
        project = re.search(r"project\(muster VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertEqual((said["version"], said["feature_level"]), (project, 5))
        self.assertRegex(said["commit"], r"^([0-9a-f]{12}|unknown)$")
        linked = dict(re.findall(r"lib(\S+?)(?:-core|_core)?\.so\.(\S+) =>", subprocess.run(
            ["ldd", BINARY], capture_output=True, text=True, timeout=30).stdout))
        self.assertLessEqual({"caf", "spdlog", "prometheus-cpp"}, set(linked))
        for name in {"caf", "rocksdb", "spdlog", "yaml-cpp", "prometheus-cpp"} & set(linked):  # Their file names carry the version.
            self.assertTrue(said["libraries"][name].startswith(linked[name]), f"{name}: {said['libraries'][name]}, linked {linked[name]}")
        for name, version in said["libraries"].items():
            self.assertRegex(version, r"^\d+\.\d+", name)
        self.assertLessEqual({"raft", "openssl", "libcurl", "cjose", "simdjson", "zstd", "zlib", "boost", "nlohmann-json"}, set(said["libraries"]))
        text = muster(":version").stdout
        self.assertRegex(text, rf"version +{re.escape(project)}\n")
        self.assertRegex(text, r"feature level +5\n")

    def test_bash_completes_verbs_behind_their_colon(self):
        """S3-10"""
        script = ('source <("$0" completion bash); COMP_LINE="$0 :sta"; COMP_POINT=${#COMP_LINE}; _muster; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, BINARY], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.stdout, "status\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
