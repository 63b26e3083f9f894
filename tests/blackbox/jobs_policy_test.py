"""What a node's policy decides about jobs: told to who follows, kept in the log, and the same until a restart."""
import http.client
import json
import unittest

from caller import read_on
from jobs_http_test import TOKEN, WAITS, Jobs, events_of

ASKS = "interpreter: bash\ncontainer: {network: host}\n"
DECIDED = ("subject", "decision", "code", "reason")


class PolicyTest(Jobs):
    def setUp(self):
        super().setUp()
        self.job("asks", "echo ran\n", ASKS)
        self.bundle = self.folder / "policy.yaml"

    def recorded(self):
        """The decisions in the log."""
        return [json.loads(line)["data"] for line in self.caller.get("/v1/events?type=policy.decided").body.splitlines()]

    def test_every_decision_is_told_and_recorded(self):
        """[S3-72] [S3-73] One that allows, in the run's own stream; one that denies, in that of all runs, as there is no run."""
        self.serve()
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/events", headers=TOKEN)
        reply = connection.getresponse()
        self.refused(self.caller.post("/runs", {"job_id": "asks"}), 422, "policy.denied")
        text = read_on(reply, lambda text: "policy.decision" in text and text.endswith("\n\n"))
        denied = next(data for _, kind, data in events_of(text) if kind == "policy.decision")
        self.assertEqual((denied["run_id"], denied["job_id"], denied["security_profile"]), ("", "asks", "secure"))
        self.assertEqual([denied[name] for name in DECIDED[:3]], ["container.network", "denied", "policy.denied"])
        self.assertTrue(denied["reason"])
        run = self.accepted({"job_id": "asks", "requested_security_profile": "disabled"})["id"]
        self.ended(run)
        allowed = [data for _, kind, data in events_of(self.stream(run)) if kind == "policy.decision"]
        self.assertEqual({data["run_id"] for data in allowed}, {run})
        network = next(data for data in allowed if data["subject"] == "container.network")
        self.assertEqual([network[name] for name in DECIDED[1:3]], ["allowed", "policy.override.allowed"])
        told = [(data["run_id"], *(data.get(name, "") for name in DECIDED)) for data in (denied, *allowed)]
        self.assertEqual([(data.get("run", ""), *(data.get(name, "") for name in DECIDED)) for data in self.recorded()], told)

    def test_a_denied_step_refuses_the_run_whatever_the_steps_are_called(self):
        """[S3-73] Steps that are called as their scripts, and only the last one asks for what is denied."""
        steps = [f"- {{id: {name}.sh, script: {name}.sh, container: {{image: alpine{more}}}}}" for name, more in (("build", ""), ("push", ", network: host"))]
        self.job("steps", "", "executor: container\ncomposition: steps\nsteps:\n" + "\n".join(steps) + "\n")
        for name in ("build.sh", "push.sh"):
            (self.root / "steps" / name).write_text("#!/bin/sh\n")
        self.serve()
        self.refused(self.caller.post("/runs", {"job_id": "steps", "requested_security_profile": "permissive"}), 422, "policy.denied")
        self.assertIn("denied", [one["decision"] for one in self.recorded()])

    def test_a_changed_bundle_counts_from_the_next_start_on(self):
        """[S3-71] [S3-74] Under permissive what is listed is granted; a file that changes meanwhile changes nothing."""
        self.bundle.write_text("overrides: {network: [host]}\n")
        environment = {"FLWD_PROFILE": "permissive", "FLWD_POLICY_FILE": str(self.bundle)}
        self.serve(environment=environment)
        self.assertEqual(self.caller.post("/plans", {"job_id": "asks"}).status, 200)
        self.bundle.write_text("{}\n")
        self.assertEqual(self.caller.post("/plans", {"job_id": "asks"}).status, 200)
        self.assertEqual(self.ended(self.accepted({"job_id": "asks"})["id"])["status"], "completed")
        self.node.stop()
        self.serve(environment=environment)
        self.refused(self.caller.post("/plans", {"job_id": "asks"}), 422, "policy.denied")
        self.refused(self.caller.post("/runs", {"job_id": "asks"}), 422, "policy.denied")

    def test_what_is_asked_for_goes_before_the_node_s_profile(self):
        """[S3-28] [S3-55] [S3-56] [S3-57] [S3-58] [S3-59] requested_security_profile, then FLWD_PROFILE, then --security-profile, then secure."""
        def profile(**body):
            return self.caller.post("/plans", {"job_id": "plain", **body}).json["security_profile"]
        self.job("plain", "echo x\n")
        self.serve()
        self.assertEqual(profile(), "secure")
        self.node.stop()
        self.serve("--security-profile", "permissive")
        self.assertEqual(profile(), "permissive")
        self.node.stop()
        self.serve("--profile", "disabled")
        self.assertEqual(profile(), "disabled")
        self.node.stop()
        self.serve("--security-profile", "permissive", environment={"FLWD_PROFILE": "disabled"})
        self.assertEqual(profile(), "disabled")
        self.assertEqual(profile(requested_security_profile="secure"), "secure")
        self.refused(self.caller.post("/plans", {"job_id": "plain", "requested_security_profile": "lax"}), 422, "E_POLICY")

    def test_a_script_under_secure_has_a_time_limit_of_its_own(self):
        """[S3-55] --secure-timeout, where its job names none; on record with the run."""
        self.job("waits", WAITS)
        self.job("quick", "echo x\n", "interpreter: bash\ntimeout: 50\n")
        self.serve("--secure-timeout", "1s")
        run = self.ended(self.accepted({"job_id": "waits"})["id"])
        self.assertEqual((run["status"], run["exit_code"], run["error"]), ("failed", 124, "timeout"))
        self.ended(self.accepted({"job_id": "quick"})["id"])
        self.ended(self.accepted({"job_id": "quick", "requested_security_profile": "disabled"})["id"])
        limits = [json.loads(line)["data"].get("timeout_s", 0) for line in self.caller.get("/v1/events?type=run.accepted").body.splitlines()]
        self.assertEqual(limits, [1, 50, 50])


if __name__ == "__main__":
    unittest.main()
