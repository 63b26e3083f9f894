"""The benchmarks work: every program says something, and rows come out with figures. What they measure here means nothing."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from running_node import ROOT

sys.path.insert(0, str(ROOT / "tests" / "bench"))

from rows import ROWS, Bench  # noqa: E402
from servers import PROGRAMS, TOKEN, Node, program  # noqa: E402

QUICK = ("one_client", "inside", "batch", "get", "tail", "joiner", "follower", "sim", "completion", "discovery", "embedded", "rabbit", "second_pass", "drift")
REFERENCES = ("cluster64",)  # Beside etcd.


@unittest.skipUnless(PROGRAMS.exists(), f"there is no {PROGRAMS}")
class BenchTest(unittest.TestCase):
    def setUp(self):
        self.room = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def figures(self, *rows):
        """What tests/bench/run says of these rows in next to no time."""
        told = self.room / "figures.json"
        done = subprocess.run([sys.executable, ROOT / "tests" / "bench" / "run", "--no-build", "--seconds", "0.2", "--share", "0.001",
                               "--rows", ",".join(rows), "--json", told, "--folder", self.room],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
        self.assertIn(done.returncode, (0, 1), done.stderr)  # 1: a limit was missed, which says nothing here.
        self.assertRegex(done.stdout, r"(?m)^[0-9]+ figures, [0-9]+ missed;", done.stderr)
        return json.loads(told.read_text())

    def test_rows_come_out_with_figures(self):
        """Of one node and of clusters; nothing that was asked failed."""
        rows = QUICK + (REFERENCES if (PROGRAMS / "bench_etcd").exists() else ())
        figures = self.figures(*rows)
        self.assertGreaterEqual(len(figures), len(rows))
        for figure in figures:
            if figure["what"].endswith("failed"):
                self.assertEqual(figure["value"], 0, figure)
            elif figure["unit"] not in ("events", "requests", "% core"):
                self.assertGreater(figure["value"], 0, figure)

    def test_programs_that_only_long_rows_use_work_too(self):
        """Beats, and folds of a log that was made."""
        with Node(self.room / "beats") as node:
            node.load(mode="register", connections=2, nodes=10, requests=10)
            beats = program("beats", port=node.port, pid=node.pid, token=TOKEN, nodes=10, seconds=1, warm=0.2, period=0.5)
        self.assertEqual((beats["errors"], beats["closed"]), (0, 0))
        made = program("make_log", data=self.room / "made", events=3000, nodes=100)
        self.assertGreater(made["log_bytes"], 0)
        self.assertGreater(program("as_of", data=self.room / "made", rounds=5)["p50_us"], 0)

    def test_each_row_says_what_it_is(self):
        """And a quick look counts less."""
        for name, row in ROWS.items():
            self.assertTrue((row.__doc__ or "").strip(), name)
        self.assertEqual((Bench(self.room, 1, 0.1).times(50), Bench(self.room, 1, 0.001).times(50)), (5, 1))


if __name__ == "__main__":
    unittest.main()
