"""Who is let in, who is not, and who goes."""
import re
import secrets
import shutil
import subprocess
import time
import unittest
from datetime import datetime

from cluster_case import ClusterCase
from running_cluster import RunningCluster, fixed_port, new_service
from running_node import BINARY

USED = "the join token is unknown, was used, or has expired"


def init(member):
    """The join token that :cluster init prints for the folder of `member`."""
    done = member.verb(":cluster", "init", "--data", member.data, "--peer-advertise", member.peer)
    assert done.returncode == 0, done.stderr
    command = re.search(r"muster :serve --join (\S+) --join-token (\S+)", done.stdout)
    assert command and command[1] == member.peer, done.stdout
    return command[2]


def mistyped(token):
    other = "A" if token[-6] != "A" else "B"
    return token[:-6] + other + token[-5:]


class JoinTokenTest(ClusterCase):
    def token(self, member, expires):
        answer = member.post("/v1/cluster/tokens", {"expires": expires})
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def test_a_token_lets_one_machine_in_once(self):
        """The printed command works on one machine; a used token, an expired one, a mistyped one and one of another
        cluster let nobody in."""
        with RunningCluster(0, "--discovery", "off", dev=False) as cluster:
            first, second, third = (cluster.add() for _ in range(3))
            token = init(first)
            first.start().wait_ready()
            second.start("--join", first.peer, "--join-token", token).wait_ready()
            self.assertEqual(second.named(), ["n1", "n2"])
            self.refused(first, third, token, USED)
            short = self.token(first, "1s")
            over = datetime.fromisoformat(short["expires_at"].replace("Z", "+00:00")).timestamp()
            first.until(lambda: time.time() > over, "the token has expired")
            self.refused(first, third, short["token"], USED)
            good = self.token(second, "1h")["token"]
            self.refused(first, third, mistyped(good), "mistyped")
            self.refused(first, third, init(cluster.add()), "cannot join")
            third.start("--join", second.peer, "--join-token", good).wait_ready()
            cluster.wait_voters(3)

    def refused(self, member, newcomer, token, why):
        """`newcomer` is told why, and is no member."""
        newcomer.log.unlink(missing_ok=True)
        newcomer.start("--join", member.peer, "--join-token", token)
        newcomer.says(why)
        newcomer.kill()
        self.assertNotIn(newcomer.node_id, member.named())
        shutil.rmtree(newcomer.data)

    def test_another_clusters_key_lets_nobody_in(self):
        """Told where to join, but with another key: it stays outside."""
        with RunningCluster(0, "--discovery", "off", dev=False) as cluster:
            first, second = cluster.add(), cluster.add()
            for member in (first, second):
                (key := cluster.room / f"{member.name}.key").write_text(secrets.token_hex(32) + "\n")
                key.chmod(0o600)
                member.flags += ("--cluster-key-file", str(key))
            first.start().wait_ready()
            second.start("--join", first.peer).says("cannot join")
            self.assertEqual(first.named(), ["n1"])

    def test_no_key_no_network(self):
        """Off loopback a node that was given no cluster key does not start, and says what to do."""
        with RunningCluster(0, dev=False) as cluster:
            member = cluster.add()
            done = subprocess.run([BINARY, ":serve", "--data", member.data, "--bind", f"0.0.0.0:{fixed_port()}"], text=True,
                                  env=member.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("without a cluster key; run muster :cluster init", done.stderr)


class MembersTest(ClusterCase):
    def test_a_second_node_of_the_same_name_stays_outside(self):
        """While the first one runs: it founds no rival either, and gets in when the first one is gone."""
        with RunningCluster(1) as cluster:
            cluster.wait_ready()
            first = cluster.leader()
            cluster.add().start().wait_ready()
            first.until(lambda: first.named() == ["n1", "n2"], "the second one is in")
            double = cluster.add(node_id="n2").start()
            double.says("with another key is running")
            self.assertEqual(first.named(), ["n1", "n2"])
            cluster[1].kill()
            double.wait_ready()
            self.assertEqual(double.named(), ["n1", "n2"])
            self.assertEqual(first.cluster()["identity"], double.cluster()["identity"])

    def test_two_have_a_standby_and_four_have_three_voters(self):
        """One voter and a standby; three voters and a standby."""
        with RunningCluster(2) as cluster:
            cluster.wait_voters(1).wait_ready()
            self.until_roles(cluster, ["standby", "voter"])
            for _ in range(2):
                cluster.add().start()
            self.until_roles(cluster, ["standby", "voter", "voter", "voter"])
            seq = self.registered(cluster[3], "by-the-fourth")
            for member in cluster.members:
                self.assertEqual(member.get(f"/v1/nodes/by-the-fourth?after={seq}").status, 200)

    def until_roles(self, cluster, roles):
        cluster.until(lambda: all(sorted(filter(None, member.roles().values())) == roles for member in cluster.members),
                      f"the roles are {roles}")

    def test_who_is_removed_is_cut_off(self):
        """It cannot come back with its old folder."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            gone, other = cluster.others(leader)
            done = other.verb(":cluster", "remove", gone.node_id)
            self.assertIn("Nothing was removed", done.stderr)
            done = other.verb(":cluster", "remove", gone.node_id, "--yes")
            self.assertEqual(done.returncode, 0, done.stderr)
            left = sorted((leader.node_id, other.node_id))
            cluster.until(lambda: leader.named() == other.named() == left, "it is removed")
            gone.kill()
            gone.log.unlink()
            gone.start().says(f"{gone.node_id} is no member")
            self.registered(other, "without-it")
            self.assertEqual(gone.get("/readyz").status, 503)
            self.assertEqual(leader.named(), left)

    def test_a_wiped_disk_joins_anew(self):
        """Under the same name, once the old one is silent."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            wiped = cluster.followers()[0]
            seq = self.registered(wiped, "kept")
            wiped.kill()
            shutil.rmtree(wiped.data)
            wiped.start().wait_ready()
            cluster.whole()
            self.assertEqual(wiped.get(f"/v1/nodes/kept?after={seq}").status, 200)
            self.assertEqual([(one["member"], one["reason"]) for one in wiped.cluster()["former"]], [(wiped.node_id, "replaced")])
            self.same_logs(cluster)


class TwoClustersTest(ClusterCase):
    def apart(self, cluster):
        """Two nodes that do not see each other, each with a cluster of its own; the elder, the younger."""
        elder, younger = cluster.add(), cluster.add()
        younger.service = new_service()
        elder.start().wait_ready()
        younger.start().wait_ready()
        return elder, younger

    def id_of(self, member):
        return member.cluster()["identity"].get("cluster")

    def meet(self, younger, service, *flags):
        younger.stop()
        younger.service = service
        younger.start(*flags)

    def test_of_two_new_clusters_the_younger_gives_way(self):
        """[S2-04] Nobody would miss it."""
        with RunningCluster(0) as cluster:
            elder, younger = self.apart(cluster)
            self.assertNotEqual(self.id_of(younger), stays := self.id_of(elder))
            self.meet(younger, cluster.service)
            younger.until(lambda: self.id_of(younger) == stays, "gave way")
            cluster.wait_ready()
            self.assertEqual(elder.named(), ["n1", "n2"])
            self.assertEqual(self.id_of(elder), stays)

    def test_two_clusters_with_a_history_both_stay(self):
        """Until a person puts one aside with :cluster join --archive; then its node joins, and its log is kept."""
        with RunningCluster(0) as cluster:
            elder, younger = self.apart(cluster)
            self.registered(elder, "of-elder")
            seq = self.registered(younger, "of-younger")
            stays, goes = self.id_of(elder), self.id_of(younger)
            self.meet(younger, cluster.service)
            younger.says("another cluster of the same key has a history, too")
            younger.wait_ready()
            self.assertEqual((self.id_of(elder), self.id_of(younger)), (stays, goes))
            self.assertEqual(younger.verb(":cluster", "join", "--data", younger.data).returncode, 2)
            younger.stop()
            done = younger.verb(":cluster", "join", "--archive", "--data", younger.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(goes, done.stdout)
            younger.start("--join", elder.peer).wait_ready()
            self.assertEqual(self.id_of(younger), stays)
            kept, = younger.data.glob("archive-*")
            shutil.copytree(kept / "log", cluster.room / "old" / "log")
            checked = younger.verb(":audit", "verify", cluster.room / "old")
            self.assertEqual(checked.returncode, 0, checked.stderr)
            self.assertGreaterEqual(int(re.search(r"ok: (\d+) lines", checked.stdout)[1]), seq)


if __name__ == "__main__":
    unittest.main()
