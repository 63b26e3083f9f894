"""Members that die, sleep, restart and lose their disks under clients whose histories are judged: each acknowledged write
is in the log once, and one order explains what everybody saw.

MUSTER_TEST_ROUNDS=10 does ten rounds of each, with three members and with five; MUSTER_TEST_SEED repeats a run's choices."""
import os
import random
import shutil
import time
import unittest

from history import HistoryCase, Load
from running_cluster import RunningCluster

ROUNDS = int(os.environ.get("MUSTER_TEST_ROUNDS", "1"))
SEED = int(os.environ.get("MUSTER_TEST_SEED", str(time.time_ns() & 0xFFFFFF)))
SIZES = (3,) if ROUNDS == 1 else (3, 5)
LEASE_S = 2


class HistoryTest(HistoryCase):
    def judged(self, fault, rounds=ROUNDS, in_order=False):
        """Makes `fault(cluster, load)` happen under load, for each size of cluster; judges what was seen. `in_order`: no request may
        have been dropped."""
        for size in SIZES:
            with self.subTest(size=size, seed=SEED), RunningCluster(size, "--leader-ttl", f"{LEASE_S}s") as cluster:
                self.chance = random.Random(f"{SEED}/{size}")
                cluster.whole()
                with Load(cluster.members, SEED) as load:
                    load.goes_on()
                    for _ in range(rounds):
                        fault(cluster, load)
                        load.goes_on()
                self.judge(cluster, load)
                if in_order:
                    self.nothing_dropped(load)

    def some(self, cluster):
        """A member by chance, the leader every other time."""
        return cluster.leader() if self.chance.random() < 0.5 else self.chance.choice(cluster.members)

    def back(self, member, cluster):
        member.start().wait_ready()
        cluster.whole()

    def test_members_are_killed(self):
        """kill -9 of the leader and of others, one after the other; of two at once where five are."""
        def fault(cluster, load):
            self.kill_and_back([cluster.leader()], cluster, load)
            lost = len(cluster.members) // 2
            self.kill_and_back(self.chance.sample(cluster.members, lost), cluster, load)
        self.judged(fault)

    def kill_and_back(self, members, cluster, load):
        for member in members:
            member.kill()
        load.goes_on()
        for member in members:
            member.start()
        cluster.whole()

    def test_members_sleep_longer_than_the_lease_lasts(self):
        """SIGSTOP: a leader that wakes up and does not know that it was deposed says nothing wrong."""
        def fault(cluster, load):
            for member in (cluster.leader(), self.some(cluster)):
                member.pause()
                until = time.monotonic() + LEASE_S + 0.5
                cluster.until(lambda: time.monotonic() > until, "its lease is over")
                load.goes_on()
                member.resume()
                cluster.whole()
        self.judged(fault)

    def test_members_restart_one_after_the_other(self):
        """Clients try again only where nobody listened, and what was told 503: no request is dropped, and none fails."""
        def fault(cluster, load):
            for member in cluster.members:
                self.assertEqual(member.stop(), 0, member.said()[-2000:])
                load.goes_on()
                self.back(member, cluster)
        self.judged(fault, in_order=True)

    def test_members_lose_their_disks(self):
        """A follower, and the leader: the log comes back from the others."""
        def fault(cluster, load):
            for member in (self.chance.choice(cluster.followers()), cluster.leader()):
                member.kill()
                shutil.rmtree(member.data)
                load.goes_on()
                self.back(member, cluster)
        self.judged(fault)


if __name__ == "__main__":
    unittest.main()
