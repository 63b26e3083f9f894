"""A machine that cannot do what the profile asks for refuses, and names what is missing. Real: user namespaces are forbidden."""
import os
import shutil
import subprocess
import unittest

from jobs_tree_test import Folder
from running_node import BINARY

# In it nobody may make a user namespace, as where a sysctl or a security module forbids them.
FORBIDDEN = ["bwrap", "--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--"]


@unittest.skipUnless(shutil.which("bwrap"), "bubblewrap is not there")
class CapabilityTest(Folder):
    def run_job(self, *before, **environment):
        self.write("scripts/says/000_main.sh", "echo it ran\n")
        self.write("scripts/says/config.d/config.yaml", "interpreter: bash\n")
        return subprocess.run([*before, BINARY, "--data", str(self.folder / "data"), "says"], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], **environment}, timeout=60)

    def test_where_user_namespaces_are_forbidden_a_sandbox_is_refused(self):
        """[S3-55] capability.missing before anything is accepted, with bubblewrap's own words; without a sandbox it runs."""
        if subprocess.run([*FORBIDDEN, "/bin/true"], capture_output=True).returncode != 0:
            self.skipTest("bubblewrap cannot forbid them here")
        done = self.run_job(*FORBIDDEN)
        self.assertNotIn("it ran", done.stdout)
        self.assertIn("capability.missing", done.stderr, done)
        self.assertIn("user namespaces", done.stderr)
        self.assertEqual(self.run_job(*FORBIDDEN, FLWD_PROFILE="disabled").returncode, 0)
        self.assertEqual(self.run_job().returncode, 0)

    def test_what_bubblewrap_cannot_do_is_told_in_its_words(self):
        """Fake: a bubblewrap that knows an option less."""
        fake = self.write("bin/bwrap", "#!/bin/sh\necho 'bwrap: Unknown option --disable-userns' >&2\nexit 1\n")
        fake.chmod(0o755)
        done = self.run_job(PATH=f"{fake.parent}:{os.environ['PATH']}")
        self.assertIn("capability.missing", done.stderr, done)
        self.assertIn("Unknown option --disable-userns", done.stderr)


if __name__ == "__main__":
    unittest.main()
