"""The shipped script that tries a source from end to end."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from running_node import ROOT, RunningNode
from waiting import PATIENCE_S

SCRIPT = ROOT / "scripts" / "smoke-sources.sh"


class SmokeSourcesTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def smoke(self, node, status=0, **more):
        done = subprocess.run(["bash", SCRIPT], env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "FLWD_API": node.url, **more},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return done

    def test_a_folder(self):
        """[S3-76] [S3-79] [S3-84] Added, planned, run; provenance and the first events are printed."""
        with RunningNode("--dev", "--scripts-root", str(ROOT / "scripts")) as node:
            said = self.smoke(node).stdout
        self.assertIn('"type": "local"', said)
        self.assertIn('"job_id": "demo"', said)
        self.assertIn('"message":"Hello, smoke!"', said)
        self.assertIn(f'"resolved_ref": "{ROOT}/scripts', said)

    def test_a_repository(self):
        """[S3-76] [S3-79] [S3-83] [S3-85] SOURCE_TYPE, SOURCE_URL, GIT_REF, JOB_ID; the commit is in the provenance."""
        repository = self.folder / "repository"
        (repository / "scripts" / "gitjob" / "config.d").mkdir(parents=True)
        (repository / "scripts" / "gitjob" / "config.d" / "config.yaml").write_text("interpreter: bash\n")
        (repository / "scripts" / "gitjob" / "000_main.sh").write_text("echo from git\n")
        git = ["git", "-C", repository, "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
        for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "A job")):
            subprocess.run([*git, *words], check=True, env={"PATH": os.environ["PATH"], "HOME": str(self.folder)})
        commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        with RunningNode("--dev", "--allow-local-root", str(self.folder)) as node:
            said = self.smoke(node, SOURCE_TYPE="git", SOURCE_URL=f"file://{repository}", GIT_REF="main", JOB_ID="gitjob", JOB_ARGS="{}").stdout
        self.assertIn('"message":"from git"', said)
        self.assertGreaterEqual(said.count(commit), 2, said)

    def test_what_fails_says_why(self):
        """A job that is none: the problem is printed, and the exit status is not 0."""
        with RunningNode("--dev", "--scripts-root", str(ROOT / "scripts")) as node:
            done = self.smoke(node, status=1, JOB_ID="nosuch")
        self.assertIn("job.unknown", done.stderr)


if __name__ == "__main__":
    unittest.main()
