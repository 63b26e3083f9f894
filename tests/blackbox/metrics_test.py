"""What /metrics tells of jobs, and to whom."""
import re
import secrets
import unittest

from caller import Caller
from hosts import inside, ip, why_not
from jobs_http_test import WAITS, Jobs
from running_node import RunningNode
from waiting import until


def metrics_of(text):
    """{name{labels}: value}; every line is one of the exposition format."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([a-z_]+(?:\{.*\})?) (\S+)", line)
            assert match, line
            assert match[1] not in found, line
            found[match[1]] = float(match[2])
    return found


class MetricsTest(Jobs):
    def metrics(self, **headers):
        answer = Caller(self.node.port, **headers).get("/metrics")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"), answer)
        return metrics_of(answer.body.decode())

    def test_runs_are_counted(self):
        """[S3-45][S3-47][S3-48][S3-49] By outcome, with their durations; what runs and waits now; every request by its route."""
        self.job("good", "echo x\n")
        self.job("bad", "exit 3\n")
        self.job("slow", WAITS, "interpreter: bash\nconcurrency: {group: one}\n")
        self.serve(environment={"FLWD_PROFILE": "permissive"})
        for name in ("good", "good", "bad"):
            self.ended(self.accepted({"job_id": name})["id"])
        first = self.accepted({"job_id": "slow"})["id"]
        second = self.accepted({"job_id": "slow"})["id"]
        until(lambda: (self.folder / "data" / "runs" / first / "starts").exists(), "the first one runs")
        seen = self.metrics()
        self.assertEqual(seen['muster_runs_total{status="completed"}'], 2)
        self.assertEqual(seen['muster_runs_total{status="failed"}'], 1)
        self.assertEqual((seen["muster_run_seconds_count"], seen["muster_run_start_seconds_count"]), (3, 4))
        self.assertEqual((seen["muster_runs_running"], seen["muster_runs_queued"]), (1, 1))
        self.assertEqual(seen["flwd_container_runs_total"], 0)
        self.assertEqual(seen['flwd_security_profile{profile="permissive"}'], 1)
        self.assertEqual([value for name, value in seen.items() if re.fullmatch(r'flwd_build_info\{spec_version="1\.2\.0",version="[^"]+"\}', name)], [1])
        self.assertEqual(seen['http_requests_total{code="201",method="POST",route="/runs"}'], 5)
        self.assertEqual(seen['http_request_duration_seconds_count{code="201",method="POST",route="/runs"}'], 5)
        for run in (first, second):
            self.caller.post(f"/runs/{run}:cancel")

    def test_the_log_is_told(self):
        """[S3-45] Its seq, that the views have all of it, its entries by how long they took to be durable."""
        self.serve()
        before = self.metrics()
        for number in range(20):
            self.assertEqual(self.caller.post("/v1/nodes/register", {"node_id": f"n{number}"}).status, 200)

        def at_rest():
            """While nothing is written: the node says something of itself now and then."""
            head = self.caller.get("/v1/log").json["seq"]
            seen = self.metrics()
            return seen["muster_log_seq"] == head and seen["muster_view_lag"] == 0 and seen

        seen = until(at_rest, "its seq is the log's, and the views have it")
        self.assertGreaterEqual(seen["muster_log_seq"], before["muster_log_seq"] + 20)
        self.assertGreaterEqual(seen["muster_commit_seconds_count"], before["muster_commit_seconds_count"] + 20)
        self.assertEqual(seen["muster_commit_seconds_count"], seen["muster_log_entries"])
        self.assertEqual(seen['muster_commit_seconds_bucket{le="+Inf"}'], seen["muster_commit_seconds_count"])
        self.assertGreater(seen["muster_commit_seconds_sum"], before["muster_commit_seconds_sum"])
        below = [value for name, value in seen.items() if name.startswith("muster_commit_seconds_bucket")]
        self.assertEqual(below, sorted(below))
        self.assertGreater(len(below), 10)

    def test_what_the_policy_denies_is_counted(self):
        """[S3-51] By its code."""
        self.job("asks", "echo ran\n", "interpreter: bash\ncontainer: {network: host}\n")
        self.serve()
        for _ in range(2):
            self.refused(self.caller.post("/runs", {"job_id": "asks"}), 422, "policy.denied")
        until(lambda: self.metrics().get('flwd_policy_denials_total{reason="policy.denied"}') == 2, "both are counted")

    def test_streams_are_counted(self):
        """[S3-45] Those that are open, those that were resumed, and cursors that have expired."""
        self.job("good", "echo x\n")
        self.serve()
        run = self.accepted({"job_id": "good"})["id"]
        self.ended(run)
        self.stream(run)
        self.stream(run, **{"Last-Event-ID": "2"})
        self.refused(self.caller.get(f"/runs/{run}/events", **{"Last-Event-ID": "999"}), 410, "cursor.expired")
        seen = until(lambda: (now := self.metrics())['flowd_sse_active_streams{transport="sse"}'] == 0 and now, "both are closed")
        self.assertEqual((seen["flowd_sse_resume_total"], seen["flowd_sse_cursor_expired_total"]), (1, 1))

    def test_keeping_is_counted(self):
        """[S3-45] Replies under keys that are looked up, stored and forgotten; journals that are written, read and given up."""
        self.job("good", "echo x\n")
        self.job("much", "head -c 3000000 /dev/zero | tr '\\0' '\\n'\n")
        node = self.serve("--idempotency-ttl", "3s")
        key = {"Idempotency-Key": "a-key-of-twenty-letters"}

        def latency(operation, outcome):
            return self.metrics()[f'flowd_persistence_latency_ms_count{{operation="{operation}",outcome="{outcome}"}}']

        def went(kind):
            seen = self.metrics()
            return seen[f'flowd_persistence_evictions_total{{kind="{kind}"}}'], seen[f'flowd_persistence_eviction_bytes_total{{kind="{kind}"}}']

        self.assertEqual({latency("idempotency_lookup", outcome) for outcome in ("hit", "miss", "expired", "error")}, {0})
        first = self.caller.call("POST", "/runs", {"job_id": "good"}, key)
        self.assertEqual(first.status, 201, first)
        self.assertEqual(self.caller.call("POST", "/runs", {"job_id": "good"}, key).json["id"], first.json["id"])
        self.assertEqual((latency("idempotency_lookup", "miss"), latency("idempotency_lookup", "hit"), latency("idempotency_store", "ok")), (1, 1, 1))
        self.ended(first.json["id"])
        self.stream(first.json["id"])
        self.assertGreater(latency("journal_append", "ok"), 0)
        self.assertGreater(latency("journal_read", "ok"), 0)
        self.assertEqual((latency("journal_append", "quota_exceeded"), latency("journal_append", "error"), latency("journal_read", "error")), (0, 0, 0))

        def forgotten():
            """A key is given up with a later entry, once its time is over."""
            self.caller.post("/v1/nodes/register", {"node_id": f"n{secrets.token_hex(4)}"})
            return went("idempotency")[0] == 1
        until(forgotten, "the key is forgotten")
        self.assertGreater(went("idempotency")[1], 64)
        run = self.accepted({"job_id": "much"})["id"]
        self.ended(run)
        self.assertEqual(went("journal"), (0, 0))
        self.assertEqual(node.stop(), 0)
        self.serve("--max-journals", "1MiB")
        until(lambda: went("journal")[0] >= 1, "the journal is gone")
        self.assertGreater(went("journal")[1], 1 << 20)

    def test_sources_are_counted(self):
        """[S3-45] By their type."""
        (self.root / "more").mkdir()
        self.serve()
        self.assertEqual(self.caller.post("/sources", {"type": "local", "ref": "more"}).status, 201)
        until(lambda: self.metrics().get('flwd_sources_added_total{type="local"}') == 1, "it is counted")

    def test_on_loopback_they_are_open(self):
        """[S3-52] Without a token."""
        self.serve()
        self.assertIn("muster_log_seq", self.metrics())

    def test_beyond_loopback_they_want_a_token(self):
        """[S3-52] Any valid one; on a machine of its own."""
        if problem := why_not():
            self.skipTest(f"no network namespaces: {problem}")
        key = "0123456789abcdef0123456789abcdef"
        machine = f"mmet{secrets.token_hex(3)}"
        ip("netns", "add", machine)
        self.addCleanup(ip, "netns", "del", machine)
        ip("-n", machine, "link", "set", "lo", "up")
        node = RunningNode("--api-key", key)
        node._command[node._command.index("--bind") + 1] = f"0.0.0.0:{node.port}"
        node._command[:0] = ["ip", "netns", "exec", machine]
        with inside(machine):
            node.__enter__()
            self.addCleanup(node.__exit__)
            self.assertEqual(Caller(node.port).get("/metrics").status, 401)
            self.assertEqual(Caller(node.port, **{"X-API-Key": key}).get("/metrics").status, 200)

    def test_they_can_be_left_out(self):
        """[S3-53] --metrics=false"""
        self.serve("--metrics=false")
        self.refused(self.caller.get("/metrics"), 404, "not.found")


if __name__ == "__main__":
    unittest.main()
