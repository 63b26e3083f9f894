"""What a job would do, before it does it: its arguments, its steps, and what the policy says."""
import json
import unittest

from jobs_tree_test import SHIPPED, Folder


class PlanTest(Folder):
    def plan(self, *words, status=0, environment=None):
        done = self.muster(":plan", *words, "--json", environment={"MUSTER_SCRIPTS_ROOT": str(SHIPPED), **(environment or {})}, status=status)
        return json.loads(done.stdout or done.stderr)

    def asking(self, container):
        """A job that asks for something."""
        self.write("scripts/asks/000_main.sh", "#!/bin/sh\n")
        self.write("scripts/asks/config.d/config.yaml", f"interpreter: container:registry.test/tool:1\ncontainer: {{{container}}}\n")
        return {"MUSTER_SCRIPTS_ROOT": "scripts"}

    def test_a_plan_shows_arguments_and_steps(self):
        """[S3-03] What the job takes, how it is run, and each of its scripts; under `secure` nothing is granted."""
        plan = self.plan("demo")
        self.assertEqual(plan["job_id"], "demo")
        self.assertEqual(plan["security_profile"], "secure")
        self.assertEqual(plan["executor_preview"], {"interpreter": "/usr/bin/env bash", "executor": "shell"})
        self.assertEqual(plan["provenance"], {"canonical_id": "demo", "canonical_path": "demo"})
        args = {arg["name"]: arg for arg in plan["effective_argspec"]["args"]}
        self.assertEqual(args["name"]["required"], True)
        self.assertEqual(args["tags"]["items_enum"], ["alpha", "beta"])
        self.assertEqual(args["secret_token"]["format"], "secret")
        self.assertEqual([step["id"] for step in plan["steps"]], ["000_main.sh", "100_details.sh", "999_end.sh"])
        self.assertEqual({step["network"] for step in plan["steps"]}, {"none"})

    def test_a_plan_names_what_each_step_needs(self):
        """[S3-03] A step job's steps are listed as they are written, with what they wait for."""
        plan = self.plan("demo-steps")
        self.assertEqual(plan["executor_preview"]["composition"], "steps")
        self.assertEqual(plan["steps"][0]["needs"], ["sum", "count"])

    def test_an_alias_is_planned_as_its_job(self):
        """[S3-16] The plan is the job's, and says by which name it was asked for."""
        plan = self.plan("hello-demo")
        self.assertEqual(plan["job_id"], "demo")
        self.assertEqual(plan["provenance"]["invoked_path"], "hello-demo")
        self.assertEqual(plan["provenance"]["alias"]["target_path"], "demo")

    def test_people_get_tables(self):
        """[S3-03] Without --json, the same for people."""
        shown = self.muster(":plan", "demo", environment={"MUSTER_SCRIPTS_ROOT": str(SHIPPED)}).stdout
        for expected in ("ARGUMENTS", "--secret_token", "string, secret", "STEPS", "000_main.sh", "profile secure"):
            self.assertIn(expected, shown)

    def test_what_the_profile_denies_is_said(self):
        """[S3-70] A network under `secure`: the plan is shown, with the denial, and the exit status is 3."""
        environment = self.asking("network: bridge")
        plan = self.plan("asks", environment=environment, status=3)
        self.assertEqual(plan["denied"]["code"], "policy.denied")
        self.assertEqual(self.plan("asks", environment={**environment, "FLWD_PROFILE": "disabled"})["steps"][0]["network"], "bridge")

    def test_a_plan_without_a_node_tells_of_the_image(self):
        """Its signature, at the step and, as there is one, at the plan, as a node's plan does."""
        environment = {**self.asking(""), "PATH": f"{self.folder}:/usr/bin:/bin", "FLWD_PROFILE": "permissive"}
        self.write("cosign", "#!/bin/sh\necho no signatures found >&2\nexit 1\n").chmod(0o755)
        plan = self.plan("asks", environment=environment)
        trust = plan["image_trust"]
        self.assertEqual((trust["image"], trust["mode"], trust["verified"]), ("registry.test/tool:1", "permissive", False))
        self.assertIn("no signatures found", trust["reason"])
        self.assertEqual(plan["steps"][0]["image_trust"], trust)

    def test_the_request_goes_before_the_environment(self):
        """[S3-58] [S3-59] --profile wins over FLWD_PROFILE, and both over `secure`."""
        self.assertEqual(self.plan("demo", environment={"FLWD_PROFILE": "permissive"})["security_profile"], "permissive")
        both = self.plan("demo", "--profile", "disabled", environment={"FLWD_PROFILE": "permissive"})
        self.assertEqual(both["security_profile"], "disabled")
        wrong = self.plan("demo", environment={"FLWD_PROFILE": "secur"}, status=3)
        self.assertEqual(wrong["code"], "E_POLICY")
        self.assertIn("secure", wrong["detail"])

    def test_the_configured_profile_counts_without_a_node(self):
        """[S3-59] security-profile of muster.yaml or its variable, behind the request and FLWD_PROFILE, for :plan and for a run."""
        self.assertEqual(self.plan("demo", environment={"MUSTER_SECURITY_PROFILE": "permissive"})["security_profile"], "permissive")
        self.assertEqual(self.plan("demo", environment={"MUSTER_SECURITY_PROFILE": "permissive", "FLWD_PROFILE": "disabled"})["security_profile"], "disabled")
        self.write("scripts/free/000_main.sh", "echo it ran on $(hostname)\n")
        self.write("scripts/free/config.d/config.yaml", "interpreter: bash\nenv_inheritance: true\n")
        self.muster("free", environment={"MUSTER_DATA": str(self.folder / "data")}, status=3)
        self.write("muster.yaml", "security-profile: disabled\n")
        self.muster("free", environment={"MUSTER_DATA": str(self.folder / "data"), "MUSTER_CONFIG": str(self.folder / "muster.yaml")})

    def test_an_unsigned_bundle_is_not_used_under_secure(self):
        """[S3-61] Neither by :plan nor by a run without a node; under permissive it is."""
        self.write("flwd.policy.yaml", "{}\n")
        self.assertEqual(self.plan("demo", status=3)["code"], "policy.unsigned")
        self.assertEqual(self.plan("demo", "--profile", "permissive")["security_profile"], "permissive")
        refused = self.muster("demo", "--name", "Ana", environment={"MUSTER_SCRIPTS_ROOT": str(SHIPPED), "MUSTER_DATA": str(self.folder / "data")}, status=3)
        self.assertIn("policy.unsigned", refused.stderr)

    def test_the_bundle_says_what_permissive_grants(self):
        """[S3-60] [S3-63] FLWD_POLICY_FILE, or ./flwd.policy.yaml: what is listed is granted, with a finding; registries hold under every profile."""
        environment = {**self.asking("network: bridge"), "FLWD_PROFILE": "permissive"}
        self.plan("asks", environment=environment, status=3)
        self.write("flwd.policy.yaml", "overrides: {network: [bridge]}\n")
        self.assertEqual(self.plan("asks", environment=environment)["policy_findings"][0]["code"], "policy.override.allowed")
        other = self.write("other.yaml", "allowed_registries: [elsewhere.test]\noverrides: {network: [bridge]}\n")
        denied = self.plan("asks", environment={**environment, "FLWD_POLICY_FILE": str(other)}, status=3)
        self.assertEqual(denied["denied"]["code"], "image.registry.not.allowed")
        gone = self.plan("asks", environment={**environment, "FLWD_POLICY_FILE": "/nowhere.yaml"}, status=3)
        self.assertEqual(gone["code"], "E_POLICY")

    def test_a_job_that_is_not_there_is_refused(self):
        """By name, with what was probably meant."""
        self.assertIn("demo", self.plan("dmeo", status=4)["detail"])
        self.assertEqual(self.plan("../etc", status=4)["code"], "job.unknown")


if __name__ == "__main__":
    unittest.main()
