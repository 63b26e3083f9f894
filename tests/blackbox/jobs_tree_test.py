"""Folders of scripts from outside: listing, checking and starting jobs, and the examples that are shipped."""
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from running_node import BINARY, ROOT

SHIPPED = ROOT / "scripts"


class Folder(unittest.TestCase):
    """Each test has a working folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name, text=""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def muster(self, *arguments, environment=None, status=0):
        done = subprocess.run([BINARY, *arguments], env={"PATH": os.environ["PATH"], **(environment or {})}, cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}\n{done.stderr}")
        return done

    def listed(self, *arguments, environment=None):
        return json.loads(self.muster(":jobs", "--json", *arguments, environment=environment).stdout)


class JobsTest(Folder):
    def test_jobs_are_found_and_listed(self):
        """[S3-02] Every config.yaml in a config.d below scripts, with its id, name, summary and folder."""
        self.write("scripts/a/config.d/config.yaml", "job: {id: demo.a, name: A, summary: First}\n")
        self.write("scripts/b/c/config.d/Config.Yaml")
        self.write("scripts/plain/config.yaml", "interpreter: bash\n")
        self.assertEqual(self.listed(), {"jobs": [
            {"id": "demo.a", "name": "A", "summary": "First", "path": "scripts/a/config.d"},
            {"id": "b.c", "name": "b.c", "path": "scripts/b/c/config.d"},
            {"id": "plain", "name": "plain", "path": "scripts/plain"}]})
        table = self.muster(":jobs").stdout
        self.assertRegex(table, r"^ID +NAME +SUMMARY\n")
        self.assertRegex(table, r"\ndemo\.a +A +First\n")
        self.assertRegex(table, r"\nb\.c +b\.c +\(no summary\)\n")
        self.assertNotIn("ALIASES", table)

    def test_the_root_is_a_flag_or_a_variable(self):
        """[S3-02] --scripts-root, MUSTER_SCRIPTS_ROOT and FLWD_SCRIPTS_ROOT name another folder; a folder that is not there has no jobs."""
        self.write("other/x/config.d/config.yaml")
        self.assertEqual(self.listed(), {"jobs": []})
        for arguments, environment in ((["--scripts-root", "other"], {}), ([], {"MUSTER_SCRIPTS_ROOT": "other"}), ([], {"FLWD_SCRIPTS_ROOT": "other"})):
            self.assertEqual([job["id"] for job in self.listed(*arguments, environment=environment)["jobs"]], ["x"])
        self.write("file")
        refused = self.muster(":jobs", "--scripts-root", "file", status=2)
        self.assertIn("is not a folder", refused.stderr)

    def test_what_is_broken_is_told_and_the_rest_is_listed(self):
        """[S3-02] A broken file, a taken id and a link out of the tree are errors, with the path and the line."""
        self.write("scripts/a/config.d/config.yaml", "job: {id: same}\n")
        self.write("scripts/b/config.d/config.yaml", "job: {id: SAME}\n")
        self.write("scripts/c/config.d/config.yaml", "job: {id: c}\ntimeout: soon\n")
        self.write("secret.yaml", "job: {id: stolen}\n")
        (self.folder / "scripts/d/config.d").mkdir(parents=True)
        (self.folder / "scripts/d/config.d/config.yaml").symlink_to("../../../secret.yaml")
        listed = self.listed()
        self.assertEqual([job["id"] for job in listed["jobs"]], ["same"])
        errors = {error["path"]: error["error"] for error in listed["errors"]}
        self.assertIn("job.id.conflict", errors["scripts/b/config.d/config.yaml"])
        self.assertIn("/timeout line 2", errors["scripts/c/config.d/config.yaml"])
        self.assertIn("link out of", errors["scripts/d/config.d/config.yaml"])
        warnings = self.muster(":jobs").stderr.splitlines()
        self.assertEqual(len(warnings), 3)
        self.assertTrue(warnings[1].startswith("[warn] scripts/c/config.d/config.yaml: /timeout line 2: "), warnings)

    def test_names_do_not_steer_the_terminal(self):
        self.write("scripts/a/config.d/config.yaml", 'job: {summary: "\\e[2J\\e[31mred"}\n')
        self.assertNotIn("\x1b", self.muster(":jobs").stdout)

    def test_aliases_are_listed_with_what_is_wrong_with_others(self):
        """[S3-14][S3-15][S3-17][S3-18][S3-19] flwd.yaml gives jobs further names; those that cannot be have a code."""
        for name in ("demo", "build"):
            self.write(f"scripts/{name}/config.d/config.yaml")
        self.write("scripts/flwd.yaml", "aliases:\n"
                   "  - {from: demo, to: hello-demo, description: Shortcut for demo job}\n"
                   "  - {from: demo, to: ':jobs'}\n"
                   "  - {from: demo, to: BUILD}\n"
                   "  - {from: dmo, to: typo}\n"
                   "  - {from: demo, to: both}\n"
                   "  - {from: build, to: Both}\n"
                   "  - {from: demo, to: a/b}\n")
        listed = self.listed()
        self.assertIn({"name": "hello-demo", "target_path": "demo", "target_id": "demo", "description": "Shortcut for demo job"}, listed["aliases"])
        self.assertEqual({name: invalid["code"] for name, invalid in listed["alias_invalid"].items()},
                         {":jobs": "alias.reserved", "build": "alias.name.conflict", "typo": "alias.target.invalid"})
        self.assertEqual([alias["target_id"] for alias in listed["alias_collisions"]["both"]], ["build", "demo"])
        self.assertEqual([error["path"] for error in listed["errors"]], ["scripts/flwd.yaml"])
        shown = self.muster(":jobs")
        self.assertRegex(shown.stdout, r"\nALIASES\nNAME +TARGET +DESCRIPTION\n")
        self.assertRegex(shown.stdout, r"\nhello-demo +demo +Shortcut for demo job\n")
        for code in ("alias.reserved", "alias.name.conflict", "alias.target.invalid", "alias.collision"):
            self.assertIn(code, shown.stderr)

    def test_aliases_that_cannot_be_read_are_one_error(self):
        """[S3-17] One entry without a name fails the whole file, and the jobs are still there."""
        self.write("scripts/demo/config.d/config.yaml")
        self.write("scripts/flwd.yaml", "aliases:\n  - {from: demo, to: a}\n  - {to: b}\n")
        listed = self.listed()
        self.assertEqual(len(listed["jobs"]), 1)
        self.assertNotIn("aliases", listed)
        self.assertEqual(listed["errors"], [{"path": "scripts/flwd.yaml", "error": "alias.configuration.invalid: /aliases/1/from line 3: is required"}])


class ValidateTest(Folder):
    def test_a_good_tree_is_good(self):
        self.assertEqual(self.muster(":validate", SHIPPED).stdout.splitlines()[-1].split(", ")[1], "0 faults")
        self.assertEqual(self.muster(":validate").stdout, "0 jobs, 0 faults\n")

    def test_every_fault_is_told_and_the_exit_status_is_1(self):
        """[S3-17] Faults of files, of what they name, and of aliases."""
        self.write("scripts/a/config.d/config.yaml", "timeout: x\npriority: y\n")
        self.write("scripts/b/config.d/config.yaml")
        self.write("scripts/c/config.d/config.yaml", "interpreter: bash\nexecutor: proc\ncomposition: steps\nsteps: [{script: gone.sh, needs: [nobody]}]\n")
        self.write("scripts/d/config.d/config.yaml", "interpreter: bash\n")
        self.write("outside.sh")
        (self.folder / "scripts/d/000_main.sh").symlink_to("../../outside.sh")
        self.write("scripts/flwd.yaml", "aliases: [{from: nobody, to: x}]\n")
        report = json.loads(self.muster(":validate", "--json", status=1).stdout)
        self.assertEqual((report["ok"], report["jobs"]), (False, 3))
        told = "\n".join(f"{error['path']}: {error['error']}" for error in report["errors"])
        for wanted in ("a/config.d/config.yaml: /timeout line 1", "; /priority line 2", "b/config.d/config.yaml: /interpreter is required",
                       '"gone.sh" does not exist', "/steps/0 ", '"000_main.sh" is a link out of its tree', "alias.target.invalid"):
            self.assertIn(wanted, told)
        self.assertRegex(self.muster(":validate", "scripts", status=1).stdout, r"\n3 jobs, 6 faults\n$")
        self.assertIn("there is no folder", self.muster(":validate", "nowhere", status=4).stderr)


class InitTest(Folder):
    def test_a_first_job_runs_as_it_stands(self):
        """The scaffold validates, and its script runs with its variables and functions before it."""
        created = json.loads(self.muster(":init", "bash", "ops/hello", "--json").stdout)
        self.assertEqual(created["id"], "ops.hello")
        self.assertEqual(sorted(created["created"]), [f"scripts/ops/hello/{name}" for name in (
            "000_main.sh", "config.d/config.yaml", "config.d/libs/common.sh", "config.d/vars/example.sh")])
        self.muster(":validate")
        self.assertEqual([job["id"] for job in self.listed()["jobs"]], ["ops.hello"])
        done = subprocess.run(["bash", "-c", "for file in config.d/vars/*.sh config.d/libs/*.sh 000_main.sh; do source $file; done"],
                              cwd=self.folder / "scripts/ops/hello", env={"PATH": os.environ["PATH"], "ARG_NAME": "Ana"},
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.stdout, "Hello, Ana!\n", done.stderr)
        self.assertTrue(os.access(self.folder / "scripts/ops/hello/000_main.sh", os.X_OK))

    def test_powershell_has_the_same_files(self):
        self.muster(":init", "ps", "hello", "--scripts-root", "jobs")
        self.assertTrue((self.folder / "jobs/hello/000_main.ps1").is_file())
        self.assertIn("pwsh", (self.folder / "jobs/hello/config.d/config.yaml").read_text())
        self.muster(":validate", "jobs")

    def test_nothing_is_ever_replaced(self):
        self.muster(":init", "bash", "a")
        before = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        self.assertIn("is a job already", self.muster(":init", "bash", "a", status=4).stderr)
        self.assertIn("has no commands below it", self.muster(":init", "bash", "a/b", status=4).stderr)
        self.write("scripts/c/000_main.sh", "mine")
        self.assertIn("exists", self.muster(":init", "bash", "c", status=4).stderr)
        self.assertEqual(sorted(path.name for path in (self.folder / "scripts/c").iterdir()), ["000_main.sh"])
        self.assertEqual({path: path.read_bytes() for path in before}, before)

    def test_paths_that_lead_elsewhere_are_refused(self):
        for path in ("../x", "/etc/x", "a//b", "a/../b", ".hidden", "a b", "x;y", "config.d", "a/config.d/b", ""):
            with self.subTest(path=path):
                self.muster(":init", "bash", path, status=2)
        self.assertIn("bash or ps", self.muster(":init", status=2).stderr)
        self.assertIn("has no 'zsh'", self.muster(":init", "zsh", "x", status=2).stderr)
        self.assertEqual(list(self.folder.iterdir()), [])


class ShippedTest(Folder):
    def test_the_examples_are_there(self):
        """[S3-117] demo, demo-container and the others are jobs, with an alias for demo."""
        listed = self.listed("--scripts-root", SHIPPED)
        self.assertNotIn("errors", listed)
        self.assertLessEqual({"demo", "demo-container", "demo-container-steps", "demo-steps", "demo-retry", "demo-python", "demo-powershell"},
                             {job["id"] for job in listed["jobs"]})
        self.assertIn(("hello-demo", "demo"), [(alias["name"], alias["target_id"]) for alias in listed["aliases"]])
        script = SHIPPED / "demo-container/000_main.sh"
        self.assertTrue(os.access(script, os.X_OK))
        self.assertTrue(script.read_text().startswith("#!/bin/sh\n"))
        self.assertIn("executor: container", (SHIPPED / "demo-container/config.d/config.yaml").read_text())

    def test_every_field_of_a_config_is_in_one_of_them(self):
        """A step's own executor is the exception: mixed executors are refused."""
        text = "\n".join(path.read_text() for path in SHIPPED.rglob("config.yaml"))
        for field in ("version job jobs id name summary interpreter executor env timeout error_handling policy retries retry_backoff env_inheritance "
                      "composition steps script needs container image resources cpu memory network rootfs_writable capabilities extra_args entrypoint "
                      "argspec args type format secret required default description enum items_type items_enum value_type arguments choices aliases from to "
                      "concurrency group placement role labels priority").split():
            self.assertRegex(text, rf"(^|[\s{{]){field}:", field)

    def test_their_scripts_run_by_hand(self):
        """Each example does without anything but its interpreter."""
        def run(*command, status=0, **environment):
            done = subprocess.run([str(word) for word in command], cwd=self.folder, env={"PATH": os.environ["PATH"], **environment},
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, status, done.stderr)
            return done.stdout
        self.assertEqual(run("bash", SHIPPED / "demo/000_main.sh", ARG_NAME="ana", ARG_LOUD="true", ARG_TIMES="2"), "HELLO, ANA!\nHELLO, ANA!\n")
        self.write("secrets/secret_token", "xyz")
        self.assertEqual(run("bash", SHIPPED / "demo/100_details.sh"), "a token of 3 bytes\n")
        self.assertEqual(run("bash", SHIPPED / "demo/999_end.sh"), "bye\n")
        self.assertIn("Hello, ana!\n", run("sh", SHIPPED / "demo-container/000_main.sh", ARG_NAME="ana"))
        for step in ("numbers", "sum", "count"):
            run("bash", SHIPPED / f"demo-steps/{step}.sh", ARG_UPTO="9")
        self.assertEqual(run("bash", SHIPPED / "demo-steps/report.sh"), "the mean of 9 numbers is 5\n")
        for attempt, status in ((1, 1), (2, 1), (3, 0)):
            self.assertEqual(run("bash", SHIPPED / "demo-retry/000_main.sh", status=status), f"attempt {attempt}\n")
        self.assertEqual(run("python3", SHIPPED / "demo-python/000_main.py", FLWD_ARGS_JSON='{"words":["b","a","b"]}'), "a: 1\nb: 2\n")
        self.assertRegex(run("bash", SHIPPED / "demo-fleet/000_main.sh", ARG_UNIT="days"), r"^\S+: up \d+ days, load [\d. ]+\n$")
        run("sh", SHIPPED / "demo-container-steps/write.sh")
        self.assertEqual(run("sh", SHIPPED / "demo-container-steps/check.sh"), "found: written inside a container\n")

    def test_every_script_says_what_it_is_for(self):
        for path in SHIPPED.rglob("*"):
            if path.is_file():
                lines = [line for line in path.read_text().splitlines() if not line.startswith("#!")]
                self.assertRegex(lines[0], r'^(# |""")\S.{9,}', path)


if __name__ == "__main__":
    unittest.main()
