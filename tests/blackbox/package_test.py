"""The .deb, from cpack to a running node in a clean Debian 12 root."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from running_node import binary_serves, free_port, wait_ready

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BASE = BUILD / "debootstrap"  # The clean root, and the packages apt fetched into it, kept from run to run.
MIRROR = os.environ.get("MUSTER_DEBIAN_MIRROR", "http://deb.debian.org/debian")
# Where shells look, and for zsh and PowerShell what their files are called.
COMPLETIONS = {"bash-completion/completions/muster": "bash", "bash-completion/completions/flwd": "bash", "fish/vendor_completions.d/muster.fish": "fish",
               "fish/vendor_completions.d/flwd.fish": "fish", "zsh/vendor-completions/_muster": "zsh", "muster/completions/muster.ps1": "powershell"}


def run(*command, **named):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **named)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def clean_root(target):
    """A minimal Debian 12 in `target`."""
    image = BASE / "bookworm.tar"
    if not image.exists():
        BASE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BASE) as fresh:
            run("debootstrap", "--variant=minbase", "bookworm", fresh, MIRROR, timeout=600)
            run("tar", "-C", fresh, "-cf", f"{image}.part", ".")
        os.rename(f"{image}.part", image)
    run("tar", "-C", target, "-xf", image)
    shutil.copy("/etc/resolv.conf", target / "etc" / "resolv.conf")
    (target / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (target / "usr/sbin/policy-rc.d").chmod(0o755)


def in_root(root, *command, **named):
    # env -i: the caller's TMPDIR and locale do not exist in there.
    return run("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
               "chroot", root, *command, **named)


@unittest.skipUnless(binary_serves(), "the release binary does not serve yet")
@unittest.skipUnless(os.geteuid() == 0, "a clean root needs root")
class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(BUILD / "package", ignore_errors=True)
        run("cpack", "--config", BUILD / "release" / "CPackConfig.cmake", "-B", BUILD / "package", cwd=ROOT, timeout=300)
        cls.deb = next((BUILD / "package").glob("*.deb"))
        cls.folder = tempfile.TemporaryDirectory(dir=BUILD)
        cls.root = Path(cls.folder.name)
        cls.addClassCleanup(cls.folder.cleanup)
        clean_root(cls.root)
        cls.root.chmod(0o755)  # It is the root folder of whoever runs inside.
        archives = BASE / "archives"
        if archives.exists():
            shutil.copytree(archives, cls.root / "var/cache/apt/archives", dirs_exist_ok=True)
        shutil.copy(cls.deb, cls.root / "muster.deb")
        in_root(cls.root, "apt-get", "update", "-q", timeout=300)
        in_root(cls.root, "apt-get", "install", "-y", "--no-install-recommends", "/muster.deb", timeout=600)
        shutil.copytree(cls.root / "var/cache/apt/archives", archives, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock", "partial"))

    def test_it_installs_and_starts_on_a_clean_root(self):
        """[S0-01][S0-07] apt installs it with its libraries, and an unprivileged user starts a node that gets ready and stops cleanly."""
        port = free_port()
        in_root(self.root, "install", "-d", "-o", "nobody", "-g", "nogroup", "-m", "0700", "/srv/muster")
        command = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "chroot", "--userspec=nobody:nogroup", self.root, "/usr/bin/muster", ":serve",
                   "--data", "/srv/muster", "--bind", f"127.0.0.1:{port}"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            try:
                wait_ready(f"http://127.0.0.1:{port}", process)
            finally:
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=15)
        except AssertionError as error:
            self.fail(f"{error}\n{output.decode(errors='replace')}")
        finally:
            process.kill()
        self.assertEqual(process.returncode, 0, output.decode(errors="replace"))

    def test_everything_is_in_its_place(self):
        """[S0-07] Binary, second name, unit, settings, plans, completions of both names and licences are installed."""
        for name in ("usr/bin/muster", "etc/muster/muster.yaml", "usr/lib/systemd/system/muster.service", "usr/share/muster/plans/server.yaml",
                     "usr/share/muster/plans/camera-proxy.yaml", "usr/share/muster/scripts/flwd.yaml", "usr/share/muster/scripts/demo/000_main.sh", "usr/share/doc/muster/LICENSE", "usr/share/doc/muster/docs/LICENSE"):
            self.assertTrue((self.root / name).is_file(), name)
        for name, kind in COMPLETIONS.items():
            self.assertEqual((self.root / "usr/share" / name).read_text(), in_root(self.root, "/usr/bin/muster", "completion", kind), name)
        self.assertEqual(os.readlink(self.root / "usr/bin/flwd"), "muster")
        for name in ("etc/muster/muster.yaml", "usr/lib/systemd/system/muster.service"):
            self.assertNotIn("@", (self.root / name).read_text().replace("@system-service", "").replace("@privileged", "").replace("@resources", ""), name)
        self.assertIn("/etc/muster/muster.yaml", run("dpkg-deb", "--info", self.deb, "conffiles"))
        self.assertRegex(run("dpkg-deb", "--field", self.deb, "Depends"), r"libcaf-core0\.17.*")

    def test_the_installed_settings_are_read(self):
        """[S0-07] The shipped muster.yaml is valid and points to what was installed."""
        shown = in_root(self.root, "/usr/bin/muster", ":config", "show")
        self.assertRegex(shown, r"/var/lib/muster")
        self.assertRegex(shown, r"/usr/share/muster/plans")

    def test_the_unit_is_valid_and_hardened(self):
        """systemd accepts the unit and rates its exposure low."""
        unit = self.root / "usr/lib/systemd/system/muster.service"
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "muster.service"
            copy.write_text(unit.read_text().replace("/usr/bin/muster", str(BUILD / "release" / "muster")))
            warnings = [line for line in run("systemd-analyze", "verify", "--man=no", copy).splitlines() if "muster.service" in line]
            self.assertEqual(warnings, [])
            rating = run("systemd-analyze", "security", "--offline=yes", "--no-pager", copy)
        exposure = float(re.search(r"Overall exposure level for muster\.service: ([0-9.]+)", rating)[1])
        self.assertLessEqual(exposure, 2.0, rating)

    def test_removing_it_keeps_the_log(self):
        """[S0-05] Purging the package leaves the state folder to its owner."""
        kept = self.root / "var/lib/muster"
        kept.mkdir(exist_ok=True)
        (kept / "witness").write_text("kept")
        in_root(self.root, "dpkg", "--purge", "muster")
        self.assertFalse((self.root / "usr/bin/muster").exists())
        self.assertFalse((self.root / "etc/muster/muster.yaml").exists())
        self.assertEqual((kept / "witness").read_text(), "kept")
        in_root(self.root, "dpkg", "--install", "/muster.deb")


if __name__ == "__main__":
    unittest.main()
