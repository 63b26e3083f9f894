"""tools/run as a newcomer types it: three nodes, the things to try, a killed leader, and everything put away again."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from caller import Caller
from documents_test import shell
from running_cluster import DEV, fixed_port, new_service
from running_node import ROOT
from waiting import until

LIMIT_S = 900  # It builds first; here everything is built.


class FirstMinuteTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {**os.environ, "MUSTER_RUN_DIR": str(self.folder / "run"), "MUSTER_PORT": str(fixed_port()),
                            "MUSTER_MDNS_SERVICE": new_service()}  # Somebody else's nodes on this machine are not to be found.
        self.addCleanup(self.run_tool, "--wipe")

    def run_tool(self, *flags):
        return subprocess.run([ROOT / "tools" / "run", *flags], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=LIMIT_S)

    def port(self, name):
        return int((self.folder / "run" / f"port.{name}").read_text())

    def cluster(self, name):
        return Caller(self.port(name), **DEV).get("/v1/cluster").json

    def test_three_nodes_start_lose_their_leader_and_are_put_away(self):
        """[S0-09] What it prints is typed as it stands; the leader that it names is killed; it comes back by the same command."""
        done = self.run_tool()
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
        said = done.stdout
        url = re.search(r"any of them answers anything: (http://127\.0\.0\.1:\d+)", said)[1]
        self.assertEqual(url, f"http://127.0.0.1:{self.port('n1')}")
        blocks = re.split(r"(?m)^  # .*\n", said.partition("Three things to try:")[2])[1:]
        self.assertEqual(len(blocks), 3, said)

        register = shell(blocks[0], ROOT)
        registered, events = register.split("\n", 1)[0], register
        self.assertIs(json.JSONDecoder().raw_decode(registered)[0]["registered"], True)
        self.assertIn('"type":"node.registered"', events)

        kill, watch = blocks[1].strip().split(";", 1)
        leader = re.search(r"pid\.(n[123])\)", kill)[1]
        self.assertEqual(self.cluster("n1")["raft"]["leader"], leader)
        shell(kill, ROOT)
        other = int(re.search(r"http://127\.0\.0\.1:(\d+)", watch)[1])
        others = [name for name in ("n1", "n2", "n3") if name != leader]
        self.assertIn(other, [self.port(name) for name in others])
        until(lambda: self.cluster(others[0])["raft"]["leader"] in others, "another one leads")
        until(lambda: Caller(other, **DEV).post("/v1/nodes/register", {"node_id": "m2"}).status == 200, "they take what is written")

        self.assertEqual(blocks[2].strip().split("\n")[0].strip(), "tools/run")
        self.assertEqual(self.run_tool().returncode, 0)
        until(lambda: Caller(self.port(leader), **DEV).get("/v1/nodes/m2").status == 200, "it catches up")

        self.assertIn("Stopped.", self.run_tool("--stop").stdout)
        self.assertIn("No node is running.", self.run_tool("--stop").stdout)
        self.assertTrue((self.folder / "run" / "data").exists())
        self.assertIn("Wiped", self.run_tool("--wipe").stdout)
        self.assertFalse((self.folder / "run").exists())

    def test_an_unknown_flag_is_refused(self):
        done = self.run_tool("--stpo")
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: tools/run", done.stderr)


if __name__ == "__main__":
    unittest.main()
