"""Who is let in, who is not, and who goes."""
import json
import os
import re
import secrets
import shutil
import subprocess
import time
import unittest
from datetime import datetime
from pathlib import Path

from cluster_case import ClusterCase
from planned import app, write_plan
from running_cluster import RunningCluster, fixed_port, new_service
from running_node import BINARY

USAGE, DENIED, CONFLICT = 2, 3, 4  # Exit statuses.
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
        """[S0-07] The printed command works on one machine; with a used token, an expired one, a mistyped one and one of another
        cluster the node ends, and says why."""
        with RunningCluster(0, "--discovery", "off", dev=False) as cluster:
            first, second, third = (cluster.add() for _ in range(3))
            token = init(first)
            first.start().wait_ready()
            second.start("--join", first.peer, "--join-token", token).wait_ready()
            self.assertEqual(second.named(), ["n1", "n2"])
            self.refused(first, third, token, USED, logged=1)
            short = self.token(first, "1s")
            over = datetime.fromisoformat(short["expires_at"].replace("Z", "+00:00")).timestamp()
            first.until(lambda: time.time() > over, "the token has expired")
            self.refused(first, third, short["token"], USED, logged=2)
            good = self.token(second, "1h")["token"]
            self.refused(first, third, mistyped(good), "mistyped", USAGE)
            self.refused(first, third, init(cluster.add()), "cannot join")
            third.log.unlink()
            third.start("--join", f"127.0.0.1:{fixed_port()}", "--join-token", good).says("cannot join")
            self.assertIsNone(third.process.poll())  # Nobody is there yet: it asks again.
            third.kill()
            shutil.rmtree(third.data)
            third.start("--join", second.peer, "--join-token", good).wait_ready()
            cluster.wait_voters(3)

    def refused(self, member, newcomer, token, why, status=DENIED, logged=None):
        """`newcomer` ends with that status, says why, and is no member. `logged`: so often `member` has said by now that it refused it."""
        newcomer.log.unlink(missing_ok=True)
        newcomer.start("--join", member.peer, "--join-token", token)
        self.assertEqual(newcomer.ends(), status)
        self.assertIn(why, newcomer.said())
        self.assertNotIn(newcomer.node_id, member.named())
        if logged is not None:
            self.assertEqual(member.said().count(f"node={newcomer.node_id} code=join.refused reason={why}"), logged)
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
            self.assertEqual(second.start("--join", first.peer).ends(), DENIED)
            self.assertIn("cannot join", second.said())
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
        """[S0-07] While the first one runs: it founds no rival either, and gets in when the first one is gone."""
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
        """[S0-07] One voter and a standby; three voters and a standby."""
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

    def test_who_is_removed_is_cut_off_and_stops(self):
        """It learns that it was removed, says so and ends, and does not come back with its old folder; put aside, it
        may join anew."""
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
            self.assertEqual(gone.ends(), CONFLICT)
            self.assertIn("it is no member of cluster", gone.said())
            self.assertEqual(gone.start().ends(), CONFLICT)
            self.registered(other, "without-it")
            self.assertEqual(leader.named(), left)
            done = gone.verb(":cluster", "join", "--archive", "--data", gone.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            gone.start().wait_ready()
            cluster.whole()
            self.same_logs(cluster)

    def test_who_was_down_when_it_was_removed_learns_it_at_its_next_start(self):
        """Nobody lets it in, so it asks why."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            gone, other = cluster.followers()
            gone.kill()
            done = other.verb(":cluster", "remove", gone.node_id, "--yes")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(gone.start().ends(), CONFLICT)
            self.assertIn("it was removed at", gone.said())

    def test_nobody_is_removed_whom_the_others_need(self):
        """Of three voters one is silent: the second is the majority, and stays."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            silent, needed = cluster.others(leader)
            silent.pause()
            leader.until(lambda: leader.cluster()["members"][int(silent.node_id[1:]) - 1]["now"]["heard_ms"] > 5000, "it is silent")
            done = leader.verb(":cluster", "remove", needed.node_id, "--yes")
            self.assertEqual(done.returncode, CONFLICT)
            self.assertIn(f"without {needed.node_id} only 1 of the 2 other voters", done.stderr)
            self.registered(needed, "still-there")
            done = leader.verb(":cluster", "remove", silent.node_id, "--yes")
            self.assertEqual(done.returncode, 0, done.stderr)
            silent.resume()
            self.assertEqual(silent.ends(), CONFLICT)

    def test_a_member_leaves_by_its_own_word(self):
        """Also the one that leads: it stops with 0, others go on, and its folder says that it left. Who is needed stays, and so does the last."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            self.assertIn("Nothing was done", leader.verb(":cluster", "leave").stderr)
            self.leaves(cluster, leader)
            self.assertEqual(leader.start().ends(), CONFLICT)
            self.assertIn("; it left at ", leader.said())
            one, other = cluster.others(leader)
            cluster.leader()
            self.registered(one, "without-it")
            cluster.wait_voters(1)
            voter, standby = (one, other) if one.voters() == [one.node_id] else (other, one)
            for word in (("leave",), ("remove", voter.node_id)):
                done = voter.verb(":cluster", *word, "--yes")
                self.assertEqual(done.returncode, CONFLICT, done.stderr)
                self.assertIn(f"{voter.node_id} is the only voter", done.stderr)
            self.leaves(cluster, standby)
            self.registered(voter, "alone")
            done = voter.verb(":cluster", "leave", "--yes")
            self.assertEqual(done.returncode, CONFLICT)
            self.assertIn("is the only member", done.stderr)
            kinds = [(event["data"]["member"], event["data"]["reason"]) for event in map(json.loads, voter.lines())
                     if event["type"] == "member.left"]
            self.assertEqual(kinds, [(leader.node_id, "left"), (standby.node_id, "left")])

    def leaves(self, cluster, member):
        done = member.verb(":cluster", "leave", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(member.ends(), 0)
        cluster.until(lambda: all(member.node_id not in one.named() for one in cluster.running()), "it is no member")

    def test_a_cloned_disk_stays_outside(self):
        """Two processes with the same id, key and log at once: the second is refused and both sides say so; nobody listens
        to it, so that no vote is given twice."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            first, other = cluster.others(leader)
            self.assertEqual(first.stop(), 0)
            clone = cluster.add(node_id=first.node_id)
            shutil.copytree(first.data, clone.data)
            first.start().wait_ready()
            cluster.until(lambda: leader.roles().get(first.node_id) == "voter", "the first is a voter")
            clone.start()
            refusal = f"another process with the id and key of {first.node_id} is alive"
            clone.says(refusal)
            leader.says(refusal)
            other.says(refusal)
            self.assertEqual(clone.get("/readyz").status, 503)
            self.assertEqual(self.register(clone, "by-the-clone").status, 503)
            before = leader.cluster()["raft"]["term"]
            seq = self.registered(first, "by-the-first")
            self.assertEqual(clone.get("/v1/nodes/by-the-first").status, 404)
            self.assertEqual(leader.get(f"/v1/nodes/by-the-first?after={seq}").status, 200)
            self.assertEqual(leader.cluster()["raft"]["term"], before)  # The clone stood in vain, unheard.
            clone.kill()
            cluster.members.remove(clone)
            self.same_logs(cluster)

    def test_a_wiped_disk_joins_anew(self):
        """[S0-07] Under the same name, once the old one is silent."""
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
    def apart(self, cluster, plans=None):
        """Two nodes that do not see each other, each with a cluster of its own; the elder, the younger, which runs what is in `plans`."""
        elder, younger = cluster.add(), cluster.add()
        if plans:
            elder.plans = younger.plans = plans
            younger.environment |= {"ROLE_HINT": "server", "RUNNER_EXECUTOR": "process"}
        younger.service = new_service()
        elder.start().wait_ready()
        younger.start().wait_ready()
        return elder, younger

    def running(self, member):
        """Name and pid of each service that runs."""
        return [(row["name"], row["pid"]) for row in member.get("/v1/services").json if row["state"] == "running"]

    def id_of(self, member):
        return member.cluster()["identity"].get("cluster")

    def meet(self, younger, service, *flags):
        younger.stop()
        younger.service = service
        younger.start(*flags)

    def test_of_two_new_clusters_the_younger_gives_way(self):
        """[S0-07] [S2-04] Nobody would miss it."""
        with RunningCluster(0) as cluster:
            elder, younger = self.apart(cluster)
            self.assertNotEqual(self.id_of(younger), stays := self.id_of(elder))
            self.meet(younger, cluster.service)
            younger.until(lambda: self.id_of(younger) == stays, "gave way")
            cluster.wait_ready()
            self.assertEqual(elder.named(), ["n1", "n2"])
            self.assertEqual(self.id_of(elder), stays)

    def test_what_runs_is_known_to_the_cluster_that_its_node_gave_way_to(self):
        """[S2-12] It is left alone; how it ends is known still, as the node itself had started it, and it leaves no zombie."""
        with RunningCluster(0) as cluster:
            gate, plans = cluster.room / "gate", cluster.room / "plans"
            os.mkfifo(gate)
            plans.mkdir()
            write_plan(plans, app("a"), app("b", ["/bin/sh", "-c", f"read line < {gate}"], restart="on-failure"))
            elder, younger = self.apart(cluster, plans)
            stays = self.id_of(elder)
            elder.stop()

            def services():
                return {row["name"]: row for row in younger.get("/v1/services").json}

            def states():
                return {name: row["state"] for name, row in services().items()}
            younger.until(lambda: states() == {"a": "running", "b": "running"}, "its services run")
            self.assertNotEqual(self.id_of(younger), stays)
            before = {name: row["pid"] for name, row in services().items()}
            elder.service = younger.service  # The younger goes on: only who started a process is told how it ended.
            elder.start()
            younger.until(lambda: self.id_of(younger) == stays, "gave way")
            younger.until(lambda: states() == {"a": "running", "b": "running"}, "they are known there")
            self.assertEqual({name: row["pid"] for name, row in services().items()}, before)
            younger.until(lambda: younger.get("/v1/status").json["services"]["drift"] == [], "nothing is missed")
            gate.write_text("end\n")
            younger.until(lambda: states()["b"] == "done", "it ended well")
            younger.until(lambda: not Path(f"/proc/{before['b']}").exists(), "it was waited for")

    def test_of_two_new_clusters_of_two_one_gives_way_with_all_its_members(self):
        """[S0-07] Members that joined and what nodes report of themselves are bootstrap, too; what is asked for is not."""
        with RunningCluster(0) as cluster:
            elder, younger = self.apart(cluster)
            for first in (elder, younger):
                second = cluster.add()
                second.service = first.service
                second.start().wait_ready()
                first.until(lambda: len(first.named()) == 2, "two are members")
            stays, second = self.id_of(elder), cluster.members[3]
            self.assertNotEqual(self.id_of(second), stays)
            for member in (younger, second):
                self.meet(member, cluster.service)
            cluster.until(lambda: {self.id_of(member) for member in cluster.members} == {stays}, "both gave way")
            cluster.until(lambda: elder.named() == ["n1", "n2", "n3", "n4"], "all four are members")
            cluster.wait_ready()
            self.same_logs(cluster)

    def test_who_was_let_into_a_cluster_that_is_no_more_looks_anew(self):
        """Whoever let it in gave way before a line of its log came: nobody leads there, and nothing is to be missed."""
        with RunningCluster(1) as cluster:
            cluster.wait_ready()
            orphan = cluster.add()
            orphan.data.mkdir(mode=0o700)
            (orphan.data / "member.json").write_text(json.dumps(
                {"id": 77, "address": "n2", "cluster": secrets.token_hex(16), "joined": True,
                 "members": [{"node": "n3", "id": 78, "address": f"127.0.0.1:{fixed_port()}", "url": "http://127.0.0.1:1", "key": "0" * 64}]}))
            orphan.start().says("another cluster goes first")
            orphan.wait_ready()
            self.assertEqual(orphan.named(), ["n1", "n2"])
            self.same_logs(cluster)

    def test_two_clusters_with_a_history_both_stay(self):
        """Until a person puts one aside with :cluster join --archive; then its node joins, and its log is kept; what it runs goes on,
        and is known to the other cluster."""
        with RunningCluster(0) as cluster:
            (plans := cluster.room / "plans").mkdir()
            write_plan(plans, app("a"))
            elder, younger = self.apart(cluster, plans)
            runs = younger.until(lambda: self.running(younger), "its service runs")
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
            self.assertEqual(younger.until(lambda: self.running(younger), "its service is known"), runs)
            kept, = younger.data.glob("archive-*")
            shutil.copytree(kept / "log", cluster.room / "old" / "log")
            checked = younger.verb(":audit", "verify", cluster.room / "old")
            self.assertEqual(checked.returncode, 0, checked.stderr)
            self.assertGreaterEqual(int(re.search(r"ok: (\d+) lines", checked.stdout)[1]), seq)


if __name__ == "__main__":
    unittest.main()
