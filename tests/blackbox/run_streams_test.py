"""Streams of runs and lists of them as somebody watches: narrowed to one run, kept alive while nothing happens, drawn again."""
import json
import os
import subprocess
import unittest

from caller import messages
from jobs_http_test import WAITS, Jobs
from running_node import BINARY
from waiting import PATIENCE_S


class RunStreamsTest(Jobs):
    def go(self, run):
        (self.folder / "data" / "runs" / run / "go").touch()

    def test_all_runs_are_narrowed_to_one(self):
        """GET /events?run_id=: of that run alone; 404 for one that is none."""
        self.job("waits", WAITS)
        self.job("other", "echo other\n")
        self.serve()
        self.refused(self.caller.get("/events?run_id=run-1"), 404, "not.found")
        run = self.accepted({"job_id": "waits"})["id"]
        with self.caller.stream(f"/events?run_id={run}") as reply:
            self.assertEqual(reply.status, 200)
            self.ended(self.accepted({"job_id": "other"})["id"])
            self.go(run)
            seen = []
            for message in messages(reply):
                seen.append(message)
                if message.get("event") == "run.finish":
                    break
        data = [json.loads(message["data"]) for message in seen if "data" in message]
        self.assertEqual({one["run_id"] for one in data}, {run})
        self.assertIn("done", [one.get("message") for one in data])

    def test_a_silent_run_keeps_its_stream_alive(self):
        """A comment after 15 seconds without an event, and then the rest."""
        self.job("waits", WAITS)
        self.serve()
        run = self.accepted({"job_id": "waits"})["id"]
        kept, kinds = False, []
        with self.caller.stream(f"/runs/{run}/events") as reply:
            for line in iter(reply.readline, b""):
                if line == b":keep-alive\n" and not kept:
                    kept = True
                    self.go(run)
                if line.startswith(b"event: "):
                    kinds.append(line.split()[1])
        self.assertTrue(kept)
        self.assertEqual(kinds[-1], b"run.finish")

    def test_the_list_of_runs_is_watched(self):
        """:runs --watch shows a run as it comes and as it ends."""
        self.job("waits", WAITS)
        self.serve()
        watching = subprocess.Popen([BINARY, ":runs", "--watch", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                    env={"PATH": os.environ["PATH"], "MUSTER_SERVER": self.node.url, "MUSTER_TOKEN": "dev-token"})
        self.addCleanup(lambda: (watching.kill(), watching.wait(PATIENCE_S), watching.stdout.close()))
        decoder, text = json.JSONDecoder(), ""

        def seen():
            """The statuses of the next list that is drawn."""
            nonlocal text
            while True:
                try:
                    document, end = decoder.raw_decode(text.lstrip())
                    text = text.lstrip()[end:]
                    return [run["status"] for run in document["rows"]]
                except json.JSONDecodeError:
                    line = watching.stdout.readline()
                    self.assertTrue(line, "it ended")
                    text += line
        self.assertEqual(seen(), [])
        run = self.accepted({"job_id": "waits"})["id"]
        while seen() != ["running"]:
            pass
        self.go(run)
        while seen() != ["completed"]:
            pass


if __name__ == "__main__":
    unittest.main()
