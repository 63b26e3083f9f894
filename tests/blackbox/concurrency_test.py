"""Who runs when, on a node that serves: groups, priorities, and the limits of runs at once and of runs that wait."""
import unittest

from jobs_http_test import Jobs, WAITS
from waiting import until


class Turns(Jobs):
    """Jobs whose scripts wait until they are let go."""

    def waiting_job(self, name, more=""):
        self.job(name, WAITS, f"interpreter: bash\n{more}")

    def begun(self, run):
        return (self.folder / "data" / "runs" / run / "starts").exists()

    def begins(self, run):
        until(lambda: self.begun(run), f"{run} begins")

    def let_go(self, run):
        """It ends as it should."""
        self.begins(run)
        (self.folder / "data" / "runs" / run / "go").touch()
        self.assertEqual(self.ended(run)["status"], "completed")

    def queued(self, run):
        """Its place in the queue, and why it waits; None when it does not."""
        queue = self.caller.get(f"/runs/{run}").json.get("queue")
        return queue and (queue["position"], queue["reason"])

    def post(self, job):
        return self.accepted({"job_id": job})["id"]


class GroupTest(Turns):
    def test_queue_waits_for_the_one_of_its_group(self):
        """[S3-37] One after the other, whichever job they are of; another group does not wait."""
        self.waiting_job("one", "concurrency: {group: g, policy: queue}\n")
        self.waiting_job("two", "concurrency: {group: g, policy: queue}\n")
        self.waiting_job("other", "concurrency: {group: h}\n")
        self.serve()
        first, second, other = self.post("one"), self.post("two"), self.post("other")
        self.begins(other)
        self.assertEqual(self.queued(second), (1, f"run {first} of the group g has not ended"))
        self.let_go(first)
        self.let_go(second)
        self.let_go(other)

    def test_skip_is_canceled_while_the_group_has_a_run(self):
        """It says why, starts nothing, and runs when nobody else does."""
        self.waiting_job("one", "concurrency: {group: g, policy: skip}\n")
        self.serve()
        first = self.post("one")
        skipped = self.accepted({"job_id": "one"})
        self.assertEqual(skipped["status"], "canceled")
        shown = self.ended(skipped["id"])
        self.assertEqual((shown["status"], shown["reason"]), ("canceled", "skipped: the group g has a run already"))
        self.assertFalse(self.begun(skipped["id"]))
        self.let_go(first)
        self.let_go(self.post("one"))

    def test_cancel_running_takes_the_place_of_the_one_that_runs(self):
        """The first is canceled for the second, which begins when it has ended."""
        self.waiting_job("one", "concurrency: {group: g, policy: cancel-running}\n")
        self.serve()
        first = self.post("one")
        self.begins(first)
        second = self.post("one")
        shown = self.ended(first)
        self.assertEqual((shown["status"], shown["reason"]), ("canceled", f"canceled for run {second} of the same group"))
        self.let_go(second)
        self.assertLessEqual(shown["finished_at"], self.caller.get(f"/runs/{second}").json["started_at"])


class LimitsTest(Turns):
    def test_the_higher_priority_runs_first(self):
        """Under --max-runs-per-node the queue is in the order of priorities, and says which limit it is."""
        self.waiting_job("plain")
        self.waiting_job("low", "priority: -5\n")
        self.waiting_job("high", "priority: 5\n")
        self.serve("--max-runs-per-node", "1")
        first = self.post("plain")
        low, plain, high = self.post("low"), self.post("plain"), self.post("high")
        self.assertEqual([self.queued(run)[0] for run in (high, plain, low)], [1, 2, 3])
        self.assertIn("runs 1 at once (limit max-runs-per-node)", self.queued(low)[1])
        for now, waiting in ((first, (high, plain, low)), (high, (plain, low)), (plain, (low,)), (low, ())):
            self.begins(now)
            self.assertFalse(any(self.begun(run) for run in waiting))
            self.let_go(now)

    def test_runs_of_one_job_are_limited_by_themselves(self):
        """--max-runs-per-job: another job does not wait."""
        self.waiting_job("one")
        self.waiting_job("other")
        self.serve("--max-runs-per-job", "1")
        first, second, other = self.post("one"), self.post("one"), self.post("other")
        self.begins(other)
        self.assertEqual(self.queued(second), (1, "job one runs 1 times at once (limit max-runs-per-job)"))
        self.let_go(first)
        self.let_go(second)
        self.let_go(other)

    def test_more_than_may_wait_are_refused(self):
        """--max-queued-runs: 429 with the limit, and nothing is left of what was refused."""
        self.waiting_job("one")
        self.serve("--max-runs-per-node", "1", "--max-queued-runs", "1")
        first, second = self.post("one"), self.post("one")
        answer = self.caller.post("/runs", {"job_id": "one"})
        self.refused(answer, 429, "rate.limited")
        self.assertIn("max-queued-runs", answer.json["detail"])
        runs = self.folder / "data" / "runs"
        until(lambda: {path.name for path in runs.iterdir()} == {first, second}, "what was made for the third is gone")
        self.let_go(first)
        self.let_go(second)


if __name__ == "__main__":
    unittest.main()
