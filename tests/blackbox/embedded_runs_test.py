"""What a command without a node makes of the runs that a killed node left in its folder: as that node would have."""
import os
import signal
import subprocess
import unittest

from jobs_http_test import Jobs, WAITS
from running_node import BINARY
from waiting import until


class AfterKillTest(Jobs):
    def muster(self, *words):
        environment = {"MUSTER_SCRIPTS_ROOT": str(self.root), "MUSTER_DATA": str(self.folder / "data"), "PATH": os.environ["PATH"]}
        done = subprocess.run([BINARY, *words], env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def starts(self, run):
        path = self.folder / "data" / "runs" / run / "starts"
        return path.read_text() if path.exists() else ""

    def let_go(self, run):
        (self.folder / "data" / "runs" / run / "go").touch()

    def test_a_run_that_waits_goes_on_waiting(self):
        """[S3-37] The one that ran goes on; the queued one runs in its turn, the canceled one never; each script begins once."""
        self.job("one", WAITS, "interpreter: bash\nconcurrency: {group: g}\n")
        self.job("quick", "echo x\n")
        node = self.serve()
        first, second, third = (self.accepted({"job_id": "one"})["id"] for _ in range(3))
        until(lambda: self.starts(first), "the first begins")
        self.assertEqual(self.caller.post(f"/runs/{third}:cancel").status, 202)
        node.stop(signal.SIGKILL)
        self.muster("quick", "-q")
        self.assertEqual([self.starts(run) for run in (first, second, third)], ["x\n", "", ""])
        self.let_go(first)

        def in_its_turn():
            self.muster("quick", "-q")
            return self.starts(second)
        until(in_its_turn, "the second begins")
        self.let_go(second)
        self.serve()
        self.assertEqual([self.ended(run)["status"] for run in (first, second, third)], ["completed", "completed", "canceled"])
        self.assertEqual([self.starts(run) for run in (first, second, third)], ["x\n", "x\n", ""])


if __name__ == "__main__":
    unittest.main()
