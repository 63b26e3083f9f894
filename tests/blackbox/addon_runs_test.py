"""Jobs that come in images are run: by a fake runtime that says what it was asked, and by real Podman from a real registry."""
import json
import subprocess
import unittest

from addon_test import DIGEST, FakeRuntime, Registry
from caller import Caller, read_on
from jobs_http_test import ENDED, events_of
from waiting import until

MANIFEST = """apiVersion: flwd.addon/v1
kind: AddOn
metadata: {id: demo-addon, name: Demo, version: 1.2.3, summary: For the test}
requires: {}
jobs:
  - id: build
    name: Build
    summary: Builds
    argspec: {args: [{name: target, type: string, required: true}, {name: loud, type: boolean}, {name: key, type: string, secret: true}]}
    requirements: {tools: [{name: make, version: ">=4"}]}
  - {id: test.all, name: Test, summary: Tests, argspec: {args: []}}
"""
BUILD = """#!/bin/sh
echo "asked for $0 $# building $ARG_TARGET loud $ARG_LOUD"
echo "$FLWD_ARGS_JSON"
wc -c </run/secrets/key 2>/dev/null
touch /root-is-writable 2>/dev/null || echo read-only
touch "$RUN_DIR/made" && echo "own folder"
[ "$ARG_TARGET" = bad ] && exit 9
trap 'exit 0' TERM
while [ "$ARG_TARGET" = long ]; do :; done
exit 0
"""


class Runs:
    """What both kinds of test ask a node for."""

    def run_job(self, caller, job, **body):
        answer = caller.post("/runs", {"job_id": job, **body})
        self.assertEqual(answer.status, 201, answer)
        run = answer.json["id"]
        seen = {}

        def over():
            seen.update(caller.get(f"/runs/{run}").json)
            return seen["status"] in ENDED and "finished_at" in seen
        until(over, f"{run} ends")
        return seen

    def said(self, caller, run):
        return [data["message"] for _, kind, data in events_of(caller.get(f"/runs/{run['id']}/events").body.decode()) if kind == "step.log"]

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.json["code"]), (status, code), answer)


class FakeRuntimeTest(Runs, FakeRuntime):
    """The contract's words, and the signature's word, each time that a job of an image is planned or run."""

    def setUp(self):
        super().setUp()
        (self.room / "manifest").write_text(MANIFEST)
        self.runtime(f"case \"$*\" in *manifest.yaml) cat {self.room}/manifest;; *) echo ran;; esac")

    def caller(self, node):
        return Caller(node.port, Authorization="Bearer dev-token")

    def cosign(self, code):
        path = self.room / "cosign"
        path.write_text(f"#!/bin/sh\necho \"cosign $@\" >> {self.asked}\nexit {code}\n")
        path.chmod(0o755)

    def test_the_pinned_image_is_told_the_jobs_id(self):
        """[S3-88] run ... IMAGE@DIGEST JOB: no script, no flags, no volume but the run's folder and its secrets; the run's log names the digest."""
        with self.node("permissive") as node:
            self.assertEqual(self.add(node).status, 201)
            self.lines()
            caller = self.caller(node)
            run = self.run_job(caller, "addon/build", args={"target": "it", "key": "canary-31"})
            self.assertEqual((run["status"], run["job_id"], run["executor"]), ("completed", "build", "container"))
            line = next(line for line in self.lines() if line.startswith("run "))
            image = f"registry.example/team/addon@{DIGEST}"
            self.assertTrue(line.endswith(f" {image} build"), line)
            self.assertTrue(line.startswith(f"run --rm --name {run['id']}-build --cap-drop=ALL --security-opt=no-new-privileges --read-only --network none"), line)
            self.assertIn("--env ARG_TARGET=it ", line)
            self.assertIn(":/run/secrets:ro", line)
            self.assertEqual(line.count("--volume"), 2)
            self.assertNotIn("canary-31", line)
            source = run["provenance"]["source"]
            self.assertEqual((source["type"], source["name"], source["digest"], source["resolved_ref"]), ("oci", "addon", DIGEST, image))
            again = self.run_job(caller, "", of=run["id"], args={"key": "canary-32"})
            self.assertEqual((again["status"], again["of"]), ("completed", run["id"]))

    def test_a_plan_tells_of_the_image(self):
        """The digest, the pull policy, the tools that nobody looked for, and the signature; jobs are listed with their source."""
        with self.node("permissive") as node:
            self.add(node)
            caller = self.caller(node)
            plan = caller.post("/plans", {"job_id": "addon/build", "args": {"target": "it"}}).json
            preview = plan["executor_preview"]
            self.assertEqual((preview["executor"], preview["resolved_digest"], preview["pull_policy"]), ("container", DIGEST, "on-add"))
            self.assertEqual(plan["requirements"], {"status": "unknown", "tools": [{"name": "make", "version": ">=4", "status": "unknown"}]})
            self.assertEqual((plan["image_trust"]["mode"], plan["image_trust"]["verified"]), ("permissive", False))
            self.assertNotIn("composition", preview)
            self.assertIn("image.signature.permissive", [one["code"] for one in plan["policy_findings"]])
            self.assertFalse([one for one in plan["policy_findings"] if one["message"].startswith("step ")])
            rows = {row["id"]: row for row in caller.get("/jobs?per_page=200").json}
            self.assertEqual(rows["addon/build"]["source"], {"name": "addon", "type": "oci"})
            self.assertEqual([arg["name"] for arg in rows["addon/build"]["args"]], ["target", "loud", "key"])
            self.refused(caller.post("/plans", {"job_id": "addon/nothing"}), 404, "job.unknown")
            self.refused(caller.post("/runs", {"job_id": "addon/build", "args": {}}), 422, "arguments.refused")

    def test_the_first_good_run_pins_an_image_that_was_not_pulled(self):
        """[S3-92] on-run: no digest, until a run succeeds; what fails, or is dry, pins nothing. The runs after it are of that digest."""
        with self.node("permissive") as node:
            self.assertNotIn("digest", self.add(node, pull_policy="on-run").json)
            caller = self.caller(node)
            source = lambda: caller.get("/sources/addon").json
            self.runtime("exit 3")
            self.assertEqual(self.run_job(caller, "addon/test.all")["status"], "failed")
            self.assertEqual(self.run_job(caller, "addon/test.all", dry_run=True)["status"], "completed")
            self.assertFalse([line for line in self.lines() if line.startswith("image inspect")])
            self.runtime("echo ran")
            run = self.run_job(caller, "addon/test.all")
            self.assertNotIn("digest", run["provenance"]["source"])
            until(lambda: "digest" in source(), "the source is pinned")
            self.assertEqual((source()["digest"], source()["resolved_ref"]), (DIGEST, f"registry.example/team/addon@{DIGEST}"))
            self.assertIn("image inspect registry.example/team/addon:1", self.lines())
            self.assertEqual(self.run_job(caller, "addon/test.all")["provenance"]["source"]["digest"], DIGEST)
            self.assertTrue(any(line.endswith(f"addon@{DIGEST} test.all") for line in self.lines()))
            pins = [json.loads(line)["data"] for line in caller.get("/v1/events?type=source.pinned").body.splitlines()]
            self.assertEqual([pin["digest"] for pin in pins], [DIGEST])

    def test_a_slow_cosign_holds_up_no_other_job(self):
        """It is waited for beside the desk, within --signature-timeout; runs of scripts go on meanwhile, and a node that stops cuts it short."""
        scripts = self.room / "scripts"
        (scripts / "says" / "config.d").mkdir(parents=True)
        (scripts / "says" / "config.d" / "config.yaml").write_text("interpreter: bash\n")
        (scripts / "says" / "000_main.sh").write_text("echo said\n")
        with self.node("permissive", MUSTER_SCRIPTS_ROOT=str(scripts), MUSTER_SIGNATURE_TIMEOUT="60s") as node:
            self.assertEqual(self.add(node).status, 201)
            (self.room / "cosign").write_text(f"#!/bin/sh\necho asked > {self.room}/looked\nexec tail -f /dev/null\n")
            (self.room / "cosign").chmod(0o755)
            asking = subprocess.Popen(["curl", "-s", "-H", "Authorization: Bearer dev-token", "--json", '{"job_id":"addon/test.all"}', f"{node.url}/plans"],
                                      stdout=subprocess.DEVNULL)
            self.addCleanup(asking.wait, 15)
            until((self.room / "looked").exists, "cosign is asked")
            self.assertEqual(self.run_job(self.caller(node), "says")["status"], "completed")
            self.assertIsNone(asking.poll())
            self.assertEqual(node.stop(), 0)

    def test_a_cosign_that_hangs_is_given_up(self):
        """The plan says so after --signature-timeout."""
        with self.node("permissive", MUSTER_SIGNATURE_TIMEOUT="300ms") as node:
            self.assertEqual(self.add(node).status, 201)
            (self.room / "cosign").write_text("#!/bin/sh\nexec tail -f /dev/null\n")
            (self.room / "cosign").chmod(0o755)
            plan = self.caller(node).post("/plans", {"job_id": "addon/test.all"}).json
            self.assertIn("took longer", plan["image_trust"]["reason"])

    def test_what_is_decided_when_a_source_is_added_is_on_record(self):
        """[S3-73] [S3-51] policy.decided in the log, policy.decision in the stream of all runs, and denials counted, source-signature-invalid at a run too."""
        self.cosign(0)
        with self.node("secure") as node:
            caller = self.caller(node)
            recorded = lambda: [json.loads(line)["data"] for line in caller.get("/v1/events?type=policy.decided").body.splitlines()]
            with caller.stream("/events") as stream:
                self.assertEqual(self.add(node, verify_signatures=True).status, 201)
                until(lambda: recorded(), "the decision is recorded")
                one, = recorded()
                self.assertEqual((one["source"], one["subject"], one["decision"], one["code"]), ("addon", "image.signature", "allowed", "image.signature.verified"))
                self.cosign(1)
                self.refused(self.add(node, name="other", verify_signatures=True), 422, "source-signature-invalid")
                until(lambda: recorded()[-1]["code"] == "image.signature.required", "the denial is recorded")
                self.assertEqual([(one["source"], one["decision"], one["code"]) for one in recorded()[1:]],
                                 [("other", "denied", "source-signature-invalid"), ("other", "denied", "image.signature.required")])
                text = read_on(stream, lambda text: text.count("policy.decision") >= 3 and text.endswith("\n\n"))
            told = [data for _, kind, data in events_of(text) if kind == "policy.decision"]
            self.assertEqual([(data["run_id"], data["source"]) for data in told], [("", "addon"), ("", "other"), ("", "other")])
            self.refused(caller.post("/runs", {"job_id": "addon/test.all"}), 422, "source-signature-invalid")
            denied = until(lambda: recorded()[3:], "the run's denial is recorded")[0]
            self.assertEqual((denied["job"], denied["decision"], denied["code"]), ("test.all", "denied", "source-signature-invalid"))
            Caller(node.port).until("/metrics", lambda answer: b'flwd_policy_denials_total{reason="source-signature-invalid"} 2' in answer.body)

    def test_under_secure_the_signature_is_looked_at_for_each_run(self):
        """cosign verify --keyless IMAGE@DIGEST; one that is not good any more denies the run, and that is on record."""
        self.cosign(0)
        with self.node("secure") as node:
            self.assertEqual(self.add(node, verify_signatures=True).status, 201)
            self.lines()
            caller = self.caller(node)
            self.assertEqual(self.run_job(caller, "addon/test.all")["status"], "completed")
            self.assertIn(f"cosign verify --keyless registry.example/team/addon@{DIGEST}", self.lines())
            self.cosign(1)
            answer = caller.post("/runs", {"job_id": "addon/test.all"})
            self.refused(answer, 422, "source-signature-invalid")
            self.assertEqual([line for line in self.lines() if line.startswith("run ")], [])
            self.add(node)
        with self.node("disabled") as node:
            self.assertEqual(self.add(node).status, 201)
            caller = self.caller(node)
            denied = caller.post("/runs", {"job_id": "addon/test.all", "requested_security_profile": "secure"})
            self.refused(denied, 422, "image.signature.required")
            self.assertIn(b'"image.signature.required"', caller.get("/v1/events?type=policy.decided").body)
            self.assertEqual(self.run_job(caller, "addon/test.all")["status"], "completed")
            self.assertEqual(len(caller.get("/runs").json), 1)

    def test_an_image_that_must_be_here_is_not_pulled(self):
        """never: --pull=never; on-run: as the runtime does it, unpinned, and a plan before the first run says so."""
        with self.node("permissive") as node:
            caller = self.caller(node)
            for pull, word in (("never", "run --rm --pull=never --name "), ("on-run", "run --rm --name ")):
                self.assertIn(self.add(node, pull_policy=pull).status, (200, 201))
                plan = caller.post("/plans", {"job_id": "addon/test.all"}).json
                self.assertIn("oci.digest.missing", [one["code"] for one in plan["policy_findings"]])
                self.lines()
                self.run_job(caller, "addon/test.all")
                self.assertTrue([line for line in self.lines() if line.startswith(word) and line.endswith(" registry.example/team/addon:1 test.all")])

    def test_a_manifest_that_somebody_changed_is_not_used(self):
        """Not the one that was recorded, or none: source.not.materialized, and nothing runs, until the image can be read again."""
        with self.node("permissive") as node:
            self.add(node)
            caller = self.caller(node)
            kept = node.folder / "data" / "oci" / "addon" / "manifest.yaml"
            self.runtime("exit 125")
            kept.write_text(MANIFEST.replace("required: true", "required: false"))
            self.refused(caller.post("/runs", {"job_id": "addon/build"}), 400, "source.not.materialized")
            kept.unlink()
            self.refused(caller.post("/runs", {"job_id": "addon/build"}), 400, "source.not.materialized")
            self.assertEqual(caller.get("/runs").json, [])
            self.runtime(f"cat {self.room}/manifest")
            until(lambda: caller.post("/plans", {"job_id": "addon/build", "args": {"target": "it"}}).status == 200, "it was read again")
            self.assertEqual(kept.read_text(), MANIFEST)


class RegistryTest(Runs, Registry):
    """Real: pulled from a registry on loopback, run by Podman."""

    def test_a_job_of_an_image_runs(self):
        """[S3-86] [S3-110] [S3-111] Its program gets the job's id, arguments and secrets; read-only, in its run's folder; it fails as it fails, and is canceled."""
        def make(root):
            (root / "flwd-addon" / "manifest.yaml").write_text(MANIFEST)
            (root / "bin" / "build").write_text(BUILD)
            (root / "bin" / "build").chmod(0o755)
        self.push(make)
        with self.node() as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            self.assertEqual(self.add(node).status, 201)
            run = self.run_job(caller, "addon/build", args={"target": "x --y", "loud": True, "key": "canary-5150"})
            said = self.said(caller, run)
            self.assertEqual((run["status"], run["runtime"]), ("completed", "podman"), said)
            self.assertEqual(said[0], "asked for /bin/build 0 building x --y loud true")
            self.assertEqual(json.loads(said[1]), {"target": "x --y", "loud": True, "key": "[secret]"})
            self.assertEqual(said[2:], ["11", "read-only", "own folder"])
            self.assertTrue((node.folder / "data" / "runs" / run["id"] / "made").exists())
            bad = self.run_job(caller, "addon/build", args={"target": "bad"})
            self.assertEqual((bad["status"], bad["exit_code"]), ("failed", 9))
            missing = self.run_job(caller, "addon/test.all")
            self.assertEqual(missing["status"], "failed", "the image has no program of that name")
            answer = caller.post("/runs", {"job_id": "addon/build", "args": {"target": "long"}})
            made = node.folder / "data" / "runs" / answer.json["id"] / "made"
            until(made.exists, "it runs")
            self.assertEqual(caller.post(f"/runs/{answer.json['id']}:cancel").status, 202)
            until(lambda: "finished_at" in caller.get(f"/runs/{answer.json['id']}").json, "it ends")
            self.assertEqual(caller.get(f"/runs/{answer.json['id']}").json["status"], "canceled")
        self.assertEqual(self.podman("ps", "-aq").stdout, "")


if __name__ == "__main__":
    unittest.main()
