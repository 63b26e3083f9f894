"""Load and sudden death: kill -9 and power cuts at random moments. Nothing acknowledged is lost, nothing is there
twice, the chain is whole, and what a replay shows is what the node shows [S0-05, S0-08]. What is sent again under its
Idempotency-Key is done once.

MUSTER_TEST_ROUNDS=10 makes 200 rounds of each; MUSTER_TEST_SEED repeats a run's choices."""
import os
import random
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check  # noqa: E402
import rebuild  # noqa: E402
from load import Load  # noqa: E402
from node import SHIM, Node, has_failed  # noqa: E402

ROUNDS = 20 * int(os.environ.get("MUSTER_TEST_ROUNDS", "1"))
SEED = int(os.environ.get("MUSTER_TEST_SEED", str(time.time_ns() & 0xFFFFFF)))
ROUNDS_A_FOLDER = 10
CUTS_A_RUN = 10
REPEATED = 100  # Of those with a key, after each start.


class CrashTest(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.mkdtemp(prefix="muster-crash-")
        self.data = os.path.join(self.room, "data")
        self.rng = random.Random(SEED)

    def tearDown(self):
        if has_failed(self):  # The folder that shows the fault is kept.
            print(f"\nkept {self.room}, MUSTER_TEST_SEED={SEED}", file=sys.stderr)
        else:
            shutil.rmtree(self.room)

    def start(self, data=None, environment=None):
        node = Node(data or self.data, environment, self.room)
        self.addCleanup(node.kill)
        return node.wait_ready()

    def load_until_killed(self, node, replies):
        """Kills the node when that many more commands were acknowledged, others under way."""
        with node:
            load = Load(node)
            load.wait_for(load.acknowledged, replies)
        return load.stop()

    def check_folder(self, data, acknowledged, unsure):
        """Starts a node on the folder, sends again what has a key, checks its log, stops it, and replays the folder. Returns
        those of `unsure` that are done now."""
        keyed = [one for one in acknowledged if one.key]
        with self.start(data) as node:
            now = check.check_repeated(self, node, self.rng.sample(keyed, min(REPEATED, len(keyed))), [one for one in unsure if one.key])
            acknowledged = acknowledged + now
            exported = os.path.join(self.room, "export.ndjson")
            node.export(exported)
            check.check_log(self, exported, acknowledged)
            check.check_views(self, node, exported)
            shown = check.live_digests(self, node)
            self.assertEqual(node.stop(), 0)
        check.check_replay(self, data, shown)
        return now

    def test_nothing_acknowledged_is_lost_when_the_node_is_killed(self):
        """[S0-05] [S0-08] kill -9 under load, again and again on one folder."""
        acknowledged = []
        for done in range(ROUNDS):
            if done % ROUNDS_A_FOLDER == 0:
                shutil.rmtree(self.data, ignore_errors=True)
                acknowledged = []
            with self.subTest(round=done, seed=SEED):
                node = self.start()
                load = self.load_until_killed(node, self.rng.randrange(0, 1000))
                acknowledged += load.acknowledged
                acknowledged += self.check_folder(self.data, acknowledged, load.unanswered)

    def test_nothing_acknowledged_is_lost_when_the_power_fails(self):
        """[S0-05] [S0-08] The folder is rebuilt from what was synced and a random part of what was not."""
        left = ROUNDS
        while left > 0:
            cuts = min(left, CUTS_A_RUN)
            self.power_cuts(cuts, first_start=self.rng.random() < 0.3)
            left -= cuts

    def power_cuts(self, cuts, first_start):
        """One run of the node under the shim, cut at several moments."""
        base, journal = os.path.join(self.room, "base"), os.path.join(self.room, "journal")
        for path in (self.data, base):
            shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(journal):
            os.remove(journal)
        before, unsure = [], []
        if first_start:
            os.mkdir(self.data)
        else:
            load = self.load_until_killed(self.start(), 500)
            before, unsure = load.acknowledged, load.unanswered
        shutil.copytree(self.data, base)
        began = time.monotonic_ns()
        shim = {"LD_PRELOAD": SHIM, "POWERCUT_DIR": self.data, "POWERCUT_JOURNAL": journal}
        load = self.load_until_killed(self.start(environment=shim), self.rng.randrange(500, 2000))
        moments = sorted(self.rng.randrange(began, time.monotonic_ns()) for _ in range(cuts))
        sent = unsure + load.unanswered + load.acknowledged
        for moment, state in rebuild.cut_at(journal, self.data, base, moments):
            with self.subTest(moment=moment - began, seed=SEED):
                cut = os.path.join(self.room, f"cut-{moment}")
                state.cut(self.rng, cut)
                shutil.copytree(cut, cut + "-kept")
                done = [one for one in load.acknowledged if one.at <= moment]
                self.check_folder(cut, before + done, [one for one in sent if one.sent <= moment and not 0 < one.at <= moment])
                shutil.rmtree(cut)
                shutil.rmtree(cut + "-kept")


if __name__ == "__main__":
    unittest.main()
