"""The job server's own introduction, read as a new user would: each of its commands in order, as it is typed."""
import json
import os
import shutil
import subprocess
import unittest

from addon_test import DIGEST, FakeRuntime
from jobs_tree_test import SHIPPED
from running_node import BINARY, STOP_LIMIT_S, free_port, wait_ready
from waiting import PATIENCE_S, until

ALIASES = """aliases:
  - from: demo
    to: hello-demo
    description: Shortcut for demo job
"""
DEV = "-H 'Authorization: Bearer dev-token'"
JSON = "-H 'Content-Type: application/json'"


class Introduction(FakeRuntime):
    """A working folder with the shipped scripts, and a shell that knows the program as flwd. Only ports and folders are the test's own."""

    def setUp(self):
        super().setUp()
        self.home = self.room / "home"
        self.folder = self.home / "work"
        for folder in (self.folder, self.home / ".local" / "share", self.home / ".config" / "fish" / "completions"):
            folder.mkdir(parents=True)
        shutil.copytree(SHIPPED, self.folder / "scripts")
        (self.folder / "scripts" / "flwd.yaml").write_text(ALIASES)
        (self.room / "flwd").symlink_to(BINARY)
        self.environment = {"PATH": f"{self.room}:{os.environ['PATH']}", "HOME": str(self.home), "USERPROFILE": str(self.home)}

    def types(self, command, status=0):
        """What the command says on stdout."""
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, status, f"{command}\n{done.stdout}\n{done.stderr}")
        self.said = done.stderr
        return done.stdout


class AloneTest(Introduction):
    """No node is there."""

    def test_the_quick_start(self):
        """[S3-02] [S3-03] [S3-04] [S3-05] [S3-08] [S3-09] Jobs are listed, one is planned and run; its secret is nowhere, but its script has it."""
        self.assertRegex(self.types("flwd :jobs"), r"(?m)^demo +Greet +Says hello")
        self.assertIn("--secret_token", self.types("flwd :plan demo"))
        said = self.types("flwd demo --name alice --tags alpha --secret_token xyz")
        for line in ("Hello, alice!", "tag alpha", "a token of 3 bytes", "bye"):
            self.assertIn(line + "\n", said)
        self.assertRegex(self.said, r"(?m)^\[\d+\] run\.finish .*completed")
        self.assertNotIn("xyz", said + self.said)
        events = [json.loads(line) for line in self.types("flwd demo --name alice --secret_token xyz --json").splitlines()]
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("run.start", "run.finish"))
        self.assertIn("a token of 3 bytes", [event.get("message") for event in events])

    def test_completions(self):
        """[S3-10] [S3-11] [S3-12] [S3-13] Each shell's script is written where the introduction puts it."""
        for shell, file in (("bash", "~/.local/share/flwd.bash"), ("zsh", "~/.local/share/flwd.zsh"), ("fish", "~/.config/fish/completions/flwd.fish"),
                            ("powershell", "$USERPROFILE/flwd.ps1")):  # PowerShell writes $env:USERPROFILE.
            self.types(f"flwd completion {shell} > {file}")
            self.assertIn("__complete", self.types(f"cat {file}"))

    def test_aliases(self):
        """[S3-14] [S3-15] [S3-16] [S3-17] [S3-18] [S3-19] [S3-20] [S3-21] Listed, run as their job, completed; a bad one says why."""
        shown = json.loads(self.types("flwd :jobs --json | jq '{aliases:.aliases}'"))
        self.assertEqual([(one["name"], one["target_path"], one["description"]) for one in shown["aliases"]], [("hello-demo", "demo", "Shortcut for demo job")])
        self.assertIn("Hello, Avery!\n", self.types("flwd hello-demo --name Avery"))

        def candidates(command):
            return [one["insert"] for one in json.loads(self.types(f"{command} | jq -s"))]
        self.assertIn("hello-demo", candidates("flwd __complete 1"))
        self.assertIn("--name", candidates('flwd __complete 4 hello-demo ""'))
        self.assertEqual(candidates('flwd __complete 5 hello-demo -- --loud ""'), ["false", "true"])
        (self.folder / "scripts" / "flwd.yaml").write_text(ALIASES + "  - {from: demo, to: ':own'}\n  - {from: demo, to: demo}\n")
        invalid = json.loads(self.types("flwd :jobs --json | jq .alias_invalid"))
        self.assertEqual({name: one["code"] for name, one in invalid.items()}, {":own": "alias.reserved", "demo": "alias.name.conflict"})


class ServingTest(Introduction):
    """One that serves, by the command of the introduction. Fake: cosign says that each signature is good, and podman that it is there."""

    def setUp(self):
        super().setUp()
        cosign = self.room / "cosign"
        cosign.write_text("#!/bin/sh\n")
        cosign.chmod(0o755)
        extra = self.folder / "extra-scripts" / "hello"
        (extra / "config.d").mkdir(parents=True)
        (extra / "config.d" / "config.yaml").write_text("interpreter: bash\nargspec: {args: [{name: name, type: string}]}\n")
        (extra / "000_main.sh").write_text('echo "hello $ARG_NAME"\n')
        self.environment["FLWD_ALLOW_LOCAL_ROOTS"] = f"{self.folder}/extra-scripts,{self.home}/repos"
        self.at = f"127.0.0.1:{free_port()}"  # 8080, where the introduction has it.
        serving = subprocess.Popen(["bash", "-c", f"exec flwd :serve --bind {self.at} --profile secure --dev"], cwd=self.folder, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (serving.terminate(), serving.wait(STOP_LIMIT_S)))
        wait_ready(f"http://{self.at}", serving)

    def posts(self, path, body):
        return json.loads(self.types(f"curl -s -X POST http://{self.at}{path} {JSON} {DEV} -d '{json.dumps(body)}'"))

    def lines_of(self, run):
        """What the run printed, once it has completed."""
        until(lambda: json.loads(self.types(f"curl -s {DEV} http://{self.at}/runs/{run}")).get("finished_at"), "the run ends")
        stream = self.types(f"curl -s {DEV} http://{self.at}/runs/{run}/events")
        data = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]
        self.assertEqual(data[-1]["status"], "completed", stream)
        return [one["message"] for one in data if "message" in one]

    def test_commands_go_through_it(self):
        """[S3-54] Nobody names it, and no token: the commands of before are the node's runs now."""
        self.assertRegex(self.types("flwd :jobs"), r"(?m)^demo +Greet +Says hello")
        self.assertIn("hello-demo", self.types("flwd :jobs --json | jq -r .aliases[].name"))
        self.assertIn("--secret_token", self.types("flwd :plan demo"))
        self.assertIn("a token of 3 bytes\n", self.types("flwd demo --name alice --tags alpha --secret_token xyz"))
        run, = json.loads(self.types(f"curl -s http://{self.at}/runs"))
        self.assertEqual((run["job_id"], run["status"], run["requested_by"]), ("demo", "completed", "dev"))
        self.assertIn(run["id"], self.types("flwd :runs"))
        self.assertIn("completed", self.types(f"flwd :run show {run['id']}"))

    def test_sources(self):
        """[S3-75] [S3-76] [S3-77] [S3-79] [S3-80] [S3-83] [S3-84] [S3-85] A folder beside the tree, and a repository."""
        self.assertEqual(self.posts("/sources", {"type": "local", "name": "extras", "ref": "../extra-scripts"})["name"], "extras")
        run = self.posts("/runs", {"job_id": "hello", "args": {"name": "Alice"}, "source": {"name": "extras"}})
        self.assertEqual(run["provenance"]["source"]["name"], "extras")
        self.assertEqual(self.lines_of(run["id"]), ["hello Alice"])
        jobs = {job["id"]: job.get("source") for job in json.loads(self.types(f"curl -s {DEV} http://{self.at}/jobs"))}
        self.assertEqual((jobs["extras/hello"]["name"], jobs["demo"]), ("extras", None))
        tools = self.home / "repos" / "tools"
        shutil.copytree(self.folder / "extra-scripts" / "hello", tools / "scripts" / "gitjob")
        git = f"git -C {tools} -c user.name=Me -c user.email=me@example.org"
        self.types(f"{git} init -q -b main && {git} add . && {git} commit -qm Tools")
        commit = self.types(f"{git} rev-parse HEAD").strip()
        added = self.posts("/sources", {"type": "git", "name": "tools", "url": f"file://{tools}", "ref": "main"})
        self.assertEqual(added["resolved_commit"], commit)
        self.assertTrue((self.folder / "data" / "sources" / "tools" / "scripts").is_dir())
        self.assertEqual(self.posts("/plans", {"job_id": "tools/gitjob"})["provenance"]["source"]["resolved_commit"], commit)
        self.assertIn('"message":"Hello, smoke!"', self.types("scripts/smoke-sources.sh"))
        said = self.types(f'SOURCE_TYPE=git \\\nSOURCE_URL="file://{tools}" \\\nGIT_REF=main \\\nJOB_ID=gitjob \\\nJOB_ARGS={{}} \\\nscripts/smoke-sources.sh')
        self.assertIn(commit, said)

    def test_add_ons(self):
        """[S3-87] [S3-88] [S3-89] [S3-90] [S3-44] By curl, and by the command line, which is told neither where to ask nor a token."""
        image = "ghcr.io/example/addon:1.0.0"
        added = self.posts("/sources", {"type": "oci", "name": "addon", "ref": image, "trusted": True, "pull_policy": "on-add"})
        self.assertEqual(added["digest"], DIGEST)
        plan = self.types(f"""curl -s -X POST http://{self.at}/plans {DEV} {JSON} -d '{{"job_id":"addon/build"}}' | jq .provenance.source""")
        self.assertEqual(json.loads(plan)["digest"], DIGEST)
        self.types(f"curl -s -X DELETE http://{self.at}/sources/addon {DEV}")
        self.assertEqual(json.loads(self.types(f"curl -s {DEV} http://{self.at}/sources")), [])
        self.assertIn("added addon", self.types(f"flwd :sources add \\\n  --type oci \\\n  --name addon \\\n  --ref {image} \\\n  --pull-policy on-add \\\n  --trusted"))
        plan = json.loads(self.types("flwd :plan addon/build --json"))
        self.assertEqual((plan["job_id"], plan["provenance"]["source"]["digest"]), ("build", DIGEST))
        self.assertIn("removed addon", self.types("flwd :sources remove addon"))

    def test_metrics(self):
        """[S3-45] [S3-48] [S3-49] [S3-52] To everybody on loopback."""
        said = self.types(f"curl -s http://{self.at}/metrics")
        self.assertIn('flwd_security_profile{profile="secure"} 1', said)
        self.assertIn("flwd_build_info{", said)


if __name__ == "__main__":
    unittest.main()
