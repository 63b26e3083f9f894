"""Jobs over HTTP: listed, planned, run on the node that is asked or on another, followed, canceled, gone on with after a kill."""
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from caller import Caller, read_on
from jobs_tree_test import SHIPPED
from running_cluster import RunningCluster
from running_node import BINARY, RunningNode
from waiting import until

TOKEN = {"Authorization": "Bearer dev-token"}
ENDED = ("completed", "failed", "canceled", "lost")
WAITS = "echo x >>$RUN_DIR/starts; echo here; until [ -e $RUN_DIR/go ] || [ ! -d $RUN_DIR ] || (( SECONDS > 120 )); do :; done; echo done\n"


def events_of(text):
    """(id, event, data) of server-sent events."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append((int(fields["id"]) if "id" in fields else None, fields["event"], json.loads(fields["data"])))
    return found


class Jobs(unittest.TestCase):
    """A node over a tree of scripts of the test's own."""

    flags = ()

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.root = self.folder / "scripts"
        self.root.mkdir()

    def job(self, name, script, config="interpreter: bash\n"):
        (self.root / name / "config.d").mkdir(parents=True)
        (self.root / name / "config.d" / "config.yaml").write_text(config)
        (self.root / name / "000_main.sh").write_text(script)

    def serve(self, *flags, environment=None):
        node = RunningNode("--dev", "--data", str(self.folder / "data"), "--scripts-root", str(self.root), *flags, environment=environment or {})
        node.__enter__()
        self.addCleanup(node.__exit__)
        self.node, self.caller = node, Caller(node.port, **TOKEN)
        return node

    def accepted(self, body, caller=None, **headers):
        answer = (caller or self.caller).call("POST", "/runs", body, {k.replace("_", "-"): v for k, v in headers.items()})
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def ended(self, run, caller=None):
        """The run as it is shown once it has ended."""
        seen = {}

        def over():
            seen.update((caller or self.caller).get(f"/runs/{run}").json)
            return seen["status"] in ENDED and "finished_at" in seen
        until(over, f"{run} ends")
        return seen

    def stream(self, run, caller=None, **headers):
        answer = (caller or self.caller).get(f"/runs/{run}/events", **headers)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/event-stream"), answer)
        return answer.body.decode()

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.json["code"]), (status, code), answer)


class ShippedTest(Jobs):
    """The examples that are shipped."""

    def setUp(self):
        super().setUp()
        self.root = SHIPPED
        self.serve("--extension", "export")

    def test_jobs_are_listed(self):
        """[S3-31] By id, with their arguments, and how many files could not be read; aliases for who may see them."""
        answer = self.caller.get("/jobs?per_page=200")
        rows = answer.json
        self.assertEqual(answer.headers["X-Flowd-Discovery-Errors"], "0")
        self.assertEqual([row["id"] for row in rows], sorted(row["id"] for row in rows))
        demo = next(row for row in rows if row["id"] == "demo")
        self.assertEqual((demo["name"], demo["args"][0]["name"]), ("Greet", "name"))
        self.assertTrue(any(row.get("alias_of") for row in rows))
        self.assertEqual(self.caller.get("/jobs?page=99").json, [])
        token = self.caller.post("/v1/tokens", {"name": "reader", "scopes": ["jobs:read"]}).json["token"]
        self.assertFalse(any(row.get("alias_of") for row in Caller(self.node.port, Authorization=f"Bearer {token}").get("/jobs").json))

    def test_a_plan_shows_what_a_run_would_be(self):
        """[S3-08] [S3-32] Bound arguments, the secret redacted, and nothing recorded."""
        plan = self.caller.post("/plans", {"job_id": "demo", "args": {"name": "Ana", "secret_token": "canary-5521"}}).json
        self.assertEqual(plan["resolved_args"]["secret_token"], "[secret]")
        self.assertEqual((plan["job_id"], plan["security_profile"], plan["resolved_args"]["name"]), ("demo", "secure", "Ana"))
        self.assertEqual(plan["provenance"], {"canonical_id": "demo", "canonical_path": "demo"})
        self.assertEqual(self.caller.get("/runs").json, [])

    def test_a_run_is_accepted_runs_and_is_followed(self):
        """[S3-07] [S3-09] [S3-33] [S3-35] [S3-36] 201 with queued, then its stream from the first entry to the last, and again from where a reader was."""
        run = self.accepted({"job_id": "demo", "args": {"name": "Ana", "secret_token": "canary-5521"}})
        self.assertEqual((run["status"], run["job_id"]), ("queued", "demo"))
        text = self.stream(run["id"])
        self.assertTrue(text.startswith("retry: 2000\n:connected\n\n"))
        self.assertNotIn("canary-5521", text)
        told = events_of(text)
        self.assertEqual([number for number, _, _ in told], list(range(1, len(told) + 1)))
        self.assertEqual((told[0][1], told[-1][1], told[-1][2]["status"]), ("run.start", "run.finish", "completed"))
        self.assertTrue(any(kind == "step.log" and "Ana" in data["message"] for _, kind, data in told))
        half = told[len(told) // 2][0]
        self.assertEqual(events_of(self.stream(run["id"], Last_Event_ID=str(half))), told[half:])
        self.assertEqual(events_of(self.caller.get(f"/runs/{run['id']}/events?last_event_id={half}").body.decode()), told[half:])
        lines = [json.loads(line) for line in self.caller.get(f"/runs/{run['id']}/events.ndjson").body.splitlines()]
        self.assertEqual([(line["sequence"], line["event"], line["data"]) for line in lines], told)
        shown = self.ended(run["id"])
        self.assertEqual((shown["status"], shown["output"]["last"]), ("completed", told[-1][0]))
        for path in (self.folder / "data").rglob("*"):
            if path.is_file():
                self.assertNotIn(b"canary-5521", path.read_bytes(), path)

    def test_following_needs_both_scopes(self):
        """[S3-46] runs:read and events:read."""
        run = self.accepted({"job_id": "demo", "args": {"name": "Ana"}})["id"]
        for scopes, status in ((["runs:read"], 403), (["events:read"], 403), (["runs:read", "events:read"], 200)):
            token = self.caller.post("/v1/tokens", {"name": f"t{len(scopes)}{scopes[0][:1]}", "scopes": scopes}).json["token"]
            self.assertEqual(Caller(self.node.port, Authorization=f"Bearer {token}").get(f"/runs/{run}/events").status, status, scopes)

    def test_cursors_that_lead_nowhere_are_refused(self):
        """[S3-36] 400 for one that is no number, 410 for one after the end."""
        run = self.accepted({"job_id": "demo", "args": {"name": "Ana"}})["id"]
        self.ended(run)
        self.refused(self.caller.get(f"/runs/{run}/events", Last_Event_ID="x"), 400, "cursor.invalid")
        self.refused(self.caller.get(f"/runs/{run}/events", Last_Event_ID="100000"), 410, "cursor.expired")
        self.refused(self.caller.get("/runs/nobody/events"), 404, "not.found")

    def test_one_key_is_one_run(self):
        """[S3-33] The first reply again; another body under the key, a malformed key and a wrong digest are refused."""
        body, key = {"job_id": "demo", "args": {"name": "Ana"}}, "k" * 24
        first = self.accepted(body, Idempotency_Key=key)
        self.ended(first["id"])
        again = self.caller.call("POST", "/runs", body, {"Idempotency-Key": key})
        self.assertEqual((again.status, again.headers["Idempotent-Replay"], again.json["id"], again.json["status"]), (201, "true", first["id"], "queued"))
        spaced = self.caller.call("POST", "/runs", json.dumps(body, sort_keys=True, indent=2), {"Idempotency-Key": key})
        self.assertEqual((spaced.status, spaced.json["id"]), (201, first["id"]))
        other = {"job_id": "demo", "args": {"name": "Bo"}}
        clash = self.caller.call("POST", "/runs", other, {"Idempotency-Key": key})
        self.refused(clash, 409, "idempotency.conflict")
        self.assertEqual(clash.json["incoming_sha256"], hashlib.sha256(json.dumps(other, sort_keys=True, separators=(",", ":")).encode()).hexdigest())
        self.refused(self.caller.call("POST", "/runs", body, {"Idempotency-Key": "short"}), 400, "field.invalid")
        digest = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        self.accepted(body, Idempotency_SHA256=digest)
        clash = self.caller.call("POST", "/runs", body, {"Idempotency-SHA256": "0" * 64})
        self.refused(clash, 409, "idempotency.conflict")
        self.assertEqual((clash.json["incoming_sha256"], clash.json["computed_sha256"]), ("0" * 64, digest))
        self.assertEqual(len(self.caller.get("/runs").json), 2)

    def test_wrong_arguments_are_named(self):
        """[S3-33] [S3-105] 422 with the argument and what is wrong with it; nothing is recorded."""
        answer = self.caller.post("/runs", {"job_id": "demo", "args": {"tone": "cold"}})
        self.refused(answer, 422, "arguments.refused")
        self.assertIn(("name", "required"), [(one["arg"], one["message"]) for one in answer.json["errors"]])
        self.assertEqual(self.caller.get("/runs").json, [])

    def test_two_posts_of_one_key_at_once_are_one_run(self):
        """[S3-33] Whoever comes second gets the first one's reply."""
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.caller.call("POST", "/runs", {"job_id": "demo", "args": {"name": "Ana"}}, {"Idempotency-Key": "q" * 20})))
                   for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({(answer.status, answer.json["id"]) for answer in answers}, {(201, answers[0].json["id"])})
        self.assertEqual(len(self.caller.get("/runs").json), 1)

    def test_all_runs_are_followed_at_once(self):
        """GET /events: opens with :connected, then what happens, with the run's id."""
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/events", headers=TOKEN)
        reply = connection.getresponse()
        first = self.accepted({"job_id": "demo", "args": {"name": "Ana"}})["id"]
        second = self.accepted({"job_id": "demo", "args": {"name": "Bo"}})["id"]
        text = read_on(reply, lambda text: text.count("event: run.finish") == 2 and text.endswith("\n\n"))
        self.assertTrue(text.startswith(":connected\n\n"))
        self.assertEqual({data["run_id"] for _, kind, data in events_of(text) if kind == "run.finish"}, {first, second})


class RunsTest(Jobs):
    def test_a_run_is_canceled(self):
        """[S3-37] [S3-39] 202 at once, 200 the second time; the script is asked to end, and the stream tells of it."""
        self.job("long", "trap 'echo goodbye; exit 0' TERM; echo here; while :; do tail -f /dev/null & wait; done\n")
        self.serve()
        run = self.accepted({"job_id": "long"})["id"]
        until(lambda: self.caller.get(f"/runs/{run}").json["steps"][0]["status"] == "running", "it runs")
        self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 202)
        self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 200)
        told = events_of(self.stream(run))
        self.assertIn(("canceled", "canceled by request"), [(data["status"], data["reason"]) for _, kind, data in told if kind == "run.canceled"])
        self.assertEqual((told[-1][1], told[-1][2]["status"]), ("run.finish", "canceled"))
        self.assertEqual(self.ended(run)["status"], "canceled")

    def test_one_that_waits_is_canceled_before_it_starts(self):
        """[S3-37] [S3-39] Of a group one runs; the other has a place and a reason, and never starts."""
        self.job("one", WAITS, "interpreter: bash\nconcurrency: {group: g, policy: queue}\n")
        self.serve()
        first = self.accepted({"job_id": "one"})["id"]
        second = self.accepted({"job_id": "one"})
        shown = self.caller.get(f"/runs/{second['id']}").json
        self.assertEqual((shown["status"], shown["queue"]["position"]), ("queued", 1))
        self.assertEqual(self.caller.post(f"/runs/{second['id']}:cancel").status, 202)
        self.assertEqual(self.ended(second["id"])["status"], "canceled")
        told = [(kind, data["status"]) for _, kind, data in events_of(self.stream(second["id"]))]
        self.assertEqual(told, [("run.canceled", "canceled"), ("run.finish", "canceled")])
        until(lambda: (self.folder / "data" / "runs" / first / "starts").exists(), "the first one runs")
        (self.folder / "data" / "runs" / first / "go").touch()
        self.assertEqual(self.ended(first)["status"], "completed")

    def test_a_run_survives_the_node_that_started_it(self):
        """Killed while a script runs, started again: the script goes on, its output too, and it was started once."""
        self.job("slow", WAITS)
        node = self.serve()
        run = self.accepted({"job_id": "slow"})["id"]
        folder = self.folder / "data" / "runs" / run
        until(lambda: (folder / "starts").exists(), "the script runs")
        os.kill(node._process.pid, signal.SIGKILL)
        node._process.wait()
        self.serve()
        (folder / "go").touch()
        self.assertEqual(self.ended(run)["status"], "completed")
        said = [data["message"] for _, kind, data in events_of(self.stream(run)) if kind == "step.log"]
        self.assertEqual(said, ["here", "done"])
        self.assertEqual((folder / "starts").read_text(), "x\n")

    def test_how_the_storage_is(self):
        """GET /health/storage: what the log and the journals take, and may."""
        self.job("good", "echo x\n")
        self.serve("--max-journals", "2MiB")
        self.ended(self.accepted({"job_id": "good"})["id"])
        seen = self.caller.get("/health/storage")
        self.assertEqual(seen.status, 200, seen)
        self.assertEqual((seen.json["driver"], seen.json["ok"], seen.json["journal_max_bytes"], seen.json["eviction_active"]),
                         ("rocksdb", True, 2 << 20, False))
        self.assertGreater(seen.json["bytes_used"], 0)
        self.assertGreater(seen.json["max_bytes"], seen.json["bytes_used"])
        self.assertEqual(Caller(self.node.port, Host="elsewhere.example").get("/health/storage").status, 401)

    def test_what_the_policy_denies_is_refused_and_on_record(self):
        """[S3-40] [S3-73] 422 policy.denied, and policy.decided in the log, without a run."""
        self.job("asks", "echo ran\n", "interpreter: bash\ncontainer: {network: host}\n")
        self.serve()
        self.refused(self.caller.post("/runs", {"job_id": "asks"}), 422, "policy.denied")
        self.refused(self.caller.post("/plans", {"job_id": "asks"}), 422, "policy.denied")
        self.assertEqual(self.caller.get("/runs").json, [])
        self.assertIn(b'"decision":"denied"', self.caller.get("/v1/events?type=policy.decided").body)
        allowed = self.accepted({"job_id": "asks", "requested_security_profile": "disabled"})["id"]
        kinds = [kind for _, kind, _ in events_of(self.stream(allowed))]
        self.assertEqual(kinds[0], "policy.decision")
        self.assertEqual(self.ended(allowed)["status"], "completed")

    def test_an_alias_that_is_declared_twice_names_all_that_it_may_mean(self):
        """409 alias.collision with the contenders, for plans and runs; one that leads nowhere is named, too."""
        for name in ("build", "test"):
            self.job(name, "echo x\n")
        (self.root / "flwd.yaml").write_text("aliases: [{from: build, to: x}, {from: test, to: X}, {from: gone, to: x}, {from: gone, to: lost}]\n")
        self.serve()
        for route in ("/plans", "/runs"):
            answer = self.caller.post(route, {"job_id": "x"})
            self.refused(answer, 409, "alias.collision")
            self.assertEqual(answer.json["alias"], "x")
            self.assertEqual({(one["target_path"], one.get("target_id")) for one in answer.json["contenders"]}, {("build", "build"), ("test", "test"), ("gone", None)})
            for target in ("build", "test", "gone"):
                self.assertIn(target, answer.json["detail"])
            self.refused(self.caller.post(route, {"job_id": "lost"}), 400, "alias.target.invalid")

    def test_a_failed_run_is_run_again_or_gone_on_with(self):
        """`of` takes the same inputs; `resume` begins at the step that failed."""
        self.job("steps", "", "interpreter: bash\nexecutor: proc\ncomposition: steps\n"
                 "argspec: {args: [{name: word, type: string, required: true}, {name: key, type: string, format: secret}]}\n"
                 "steps: [{id: one, script: one.sh}, {id: two, script: two.sh, needs: [one]}]\n")
        (self.root / "steps" / "one.sh").write_text("echo first $ARG_WORD\n")
        (self.root / "steps" / "two.sh").write_text("exit 3\n")
        self.serve()
        failed = self.accepted({"job_id": "steps", "args": {"word": "owl"}})["id"]
        self.assertEqual(self.ended(failed)["status"], "failed")
        (self.root / "steps" / "two.sh").write_text("echo second $ARG_WORD\n")
        again = self.accepted({"of": failed, "resume": True})
        shown = self.ended(again["id"])
        self.assertEqual((shown["status"], shown["of"], shown["from_step"]), ("completed", failed, "two"))
        said = [data["message"] for _, kind, data in events_of(self.stream(again["id"])) if kind == "step.log"]
        self.assertEqual(said, ["second owl"])
        whole = self.accepted({"of": failed})["id"]
        self.ended(whole)
        said = [data["message"] for _, kind, data in events_of(self.stream(whole)) if kind == "step.log"]
        self.assertEqual(said, ["first owl", "second owl"])
        secret = self.accepted({"job_id": "steps", "args": {"word": "owl", "key": "canary-9"}})["id"]
        self.ended(secret)
        answer = self.caller.post("/runs", {"of": secret})
        self.refused(answer, 422, "arguments.refused")
        self.assertIn("give it again", answer.json["detail"])

    def test_a_slow_reader_misses_nothing(self):
        """[S3-36] A script that prints much is not held up, and whoever reads later gets every line."""
        self.job("much", "seq 200000\n")
        self.serve()
        run = self.accepted({"job_id": "much"})["id"]
        self.assertEqual(self.ended(run)["output"]["lines"], 200000)
        said = [data["message"] for _, kind, data in events_of(self.stream(run)) if kind == "step.log"]
        self.assertEqual(said, [str(i) for i in range(1, 200001)])

    def test_extensions_are_off_until_they_are_asked_for(self):
        """[S3-07] 404 extension.unsupported for lines of JSON."""
        self.job("one", "echo x\n")
        self.serve()
        run = self.accepted({"job_id": "one"})["id"]
        off = self.caller.get(f"/runs/{run}/events.ndjson")
        self.refused(off, 404, "extension.unsupported")
        self.assertEqual((off.json["type"], off.json["extension"]), ("about:blank#extension-unsupported", "export"))


class CommandLineTest(Jobs):
    def muster(self, *words, status=0, text=""):
        environment = {"MUSTER_REMOTE": self.node.url, "SUPERVISOR_TOKEN": "dev-token", "PATH": os.environ["PATH"]}
        done = subprocess.run([BINARY, *words], env=environment, cwd=self.folder, input=text, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_runs_are_listed_followed_canceled_and_run_again(self):
        """[S3-34] [S3-35] [S3-37] :runs, and :run with show, logs, cancel, retry and resume; a secret that is gone is asked for."""
        self.job("say", "echo $ARG_WORD; echo oops >&2; exit ${ARG_CODE:-0}\n",
                 "interpreter: bash\nargspec: {args: [{name: word, type: string}, {name: code, type: integer}, {name: key, type: string, secret: true}]}\n")
        self.job("long", WAITS)
        self.serve()
        self.assertIn("there are no runs", self.muster(":runs").stdout)
        good = self.accepted({"job_id": "say", "args": {"word": "owl"}})["id"]
        told = self.muster(":run", "logs", good)
        self.assertEqual((told.stdout, told.stderr), ("owl\n", "oops\n"))
        self.ended(good)
        bad = self.accepted({"job_id": "say", "args": {"word": "cat", "code": 3, "key": "canary-77"}})["id"]
        self.assertEqual(self.muster(":run", "logs", bad, status=1).stdout, "cat\n")
        self.ended(bad)
        listed = self.muster(":runs").stdout
        for expected in (good, bad, "completed", "failed", "say"):
            self.assertIn(expected, listed)
        self.assertEqual([run["id"] for run in json.loads(self.muster(":runs", "--json").stdout)["rows"]], [bad, good])
        self.assertIn("cat", self.muster(":run", "show", bad).stdout)
        self.assertIn("give it again", self.muster(":run", "retry", bad, status=2).stderr)
        again = json.loads(self.muster(":run", "retry", bad, "--args", "-", "--json", text='{"key": "canary-78", "code": 0}').stdout)["id"]
        self.assertEqual(self.ended(again)["status"], "completed")
        self.assertIn("JSON object", self.muster(":run", "retry", bad, "--args", "[1]", status=2).stderr)
        waits = self.accepted({"job_id": "long"})["id"]
        self.assertEqual(self.muster(":run", "cancel", waits).stdout, f"{waits} canceled\n")
        self.assertEqual(self.muster(":run", "cancel", good).stdout, f"{good} had ended before: completed\n")
        self.assertEqual(self.ended(waits)["status"], "canceled")
        self.muster(":run", "show", "nobody", status=4)
        self.muster(":run", "cancel", status=2)


class ClusterTest(Jobs):
    def test_a_run_goes_to_the_node_that_is_named_and_is_followed_from_any(self):
        """[S3-35] [S3-36] Asked at one node, run on another, followed at a third; each secret stays in memory there."""
        self.job("where", "echo on $(cat $RUN_DIR/../../node-id 2>/dev/null || echo $RUN_DIR); cat $RUN_DIR/secrets/* 2>/dev/null | wc -c\n")
        with RunningCluster(3, "--scripts-root", str(self.root)) as cluster:
            cluster.whole()
            asked, other, third = cluster.members
            until(lambda: len(asked.get("/v1/nodes").json) == 3, "all nodes are registered")
            for target in (other, asked, third):
                run = self.accepted({"job_id": "where", "node": target.node_id}, asked)
                self.assertEqual(run["node_id"], target.node_id)
                shown = self.ended(run["id"], third)
                self.assertEqual(shown["status"], "completed", shown)
                for reader in cluster.members:
                    told = events_of(self.stream(run["id"], reader))
                    self.assertEqual((told[0][1], told[-1][1]), ("run.start", "run.finish"))
            self.refused(asked.post("/runs", {"job_id": "where", "node": "nobody"}), 503, "unreachable")


if __name__ == "__main__":
    unittest.main()
