"""What `:cluster init` prints, typed as it stands on two machines."""
import os
import re
import shlex
import subprocess
import unittest
from pathlib import Path

from cluster_case import ClusterCase
from hosts import Hosts, why_not
from running_cluster import PATIENCE_S
from running_node import BINARY

WHY_NOT = why_not()


def commands(text):
    """The printed lines that are there to be typed."""
    return re.findall(r"^  (muster .*)$", text, re.MULTILINE)


@unittest.skipIf(WHY_NOT, f"no network namespaces: {WHY_NOT}")
class TypedJoinTest(ClusterCase):
    def environment(self, room):
        path = room / "bin"
        path.mkdir(exist_ok=True)
        if not (path / "muster").exists():
            (path / "muster").symlink_to(BINARY)
        return {"PATH": f"{path}:{os.environ['PATH']}", "MUSTER_MDNS_SERVICE": self.service}

    def run_to_its_end(self, host, *command):
        done = subprocess.run([*host.prefix, *command], cwd=host.home, env=self.environment(host.home.parent), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def typed(self, host, command):
        """Starts it on its machine, in a folder where nothing is but what it makes."""
        with open(host.log, "ab") as output:
            host.process = subprocess.Popen([*host.prefix, *shlex.split(command)], cwd=host.home, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, env=self.environment(host.home.parent))
        return host

    def machine(self, cluster):
        host = cluster.add()
        host.home = Path(cluster.room) / f"home-{host.name}"
        host.home.mkdir()
        self.service = cluster.service
        return host

    def test_two_machines(self):
        """[S2-01] Both commands start a node that is reached from outside, and lets in nobody without a credential; a token that was made
        on the one is good on both."""
        with Hosts(0) as cluster:
            first, second = self.machine(cluster), self.machine(cluster)
            printed = self.run_to_its_end(first, "muster", ":cluster", "init", "--data", "data")
            start, join = commands(printed)
            self.typed(first, start)
            first.headers = {"X-API-Key": (first.home / "data" / "keys" / "api_key").read_text().strip()}
            first.wait_ready()
            self.typed(second, join)
            second.headers = {}
            second.wait_ready()
            self.shut(second)  # There is no token yet, nor any key.
            made = first.post("/v1/tokens", {"name": "alice", "scopes": ["read", "register"]})
            self.assertEqual(made.status, 200, made)
            second.headers = {"Authorization": f"Bearer {made.json['token']}"}
            second.until(lambda: second.get(f"/v1/nodes?after={made.seq}").status == 200, "takes the token")
            cluster.until(lambda: len(second.cluster()["members"]) == 2, "both are members")
            self.assertEqual(second.stop(), 0)
            self.typed(second, join).wait_ready()  # The same command again: it is a member.
            self.assertEqual(len(second.cluster()["members"]), 2)
            second.headers = {}
            self.shut(second)

    def shut(self, host):
        """Nobody gets in there without a credential."""
        for path in ("/v1/cluster", "/v1/events?from=1", "/jobs"):
            self.assertEqual(host.get(path).status, 401, path)
        self.assertEqual(host.post("/v1/tokens", {"name": "eve", "scopes": ["admin"]}).status, 401)


if __name__ == "__main__":
    unittest.main()
