"""Add-ons: jobs that come in an image, read by a fake runtime that says what it was asked, and by real Podman from a real registry."""
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from caller import Caller
from podman_case import PodmanCase
from running_node import RunningNode, free_port
from waiting import until

DIGEST = "sha256:" + "a" * 64
MANIFEST = """apiVersion: flwd.addon/v1
kind: AddOn
metadata: {id: demo-addon, name: Demo, version: 1.2.3, summary: For the test}
requires: {}
jobs:
  - {id: build, name: Build, summary: Builds, argspec: {args: [{name: target, type: string}]}}
"""


class FakeRuntime(unittest.TestCase):
    """Fake: `podman` is a script that remembers its words, and prints what the test wants."""

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = Path(room.name)
        self.asked = self.room / "asked"
        self.runtime(f"cat {self.room}/manifest")
        (self.room / "manifest").write_text(MANIFEST)

    def runtime(self, run, inspect=f"""echo '[{{"Digest":"{DIGEST}"}}]'""", others=""):
        path = self.room / "podman"
        path.write_text(f'#!/bin/sh\necho "$@" >> {self.asked}\ncase "$1 $2" in\n"run --rm") {run};;\n"image inspect") {inspect};;\n{others}\nesac\n')
        path.chmod(0o755)

    def node(self, profile, **more):
        return RunningNode("--dev", environment={"PATH": f"{self.room}:{os.environ['PATH']}", "FLWD_PROFILE": profile, **more})

    def add(self, node, **more):
        body = {"type": "oci", "ref": "registry.example/team/Addon:1".lower(), "trusted": True, **more}
        return Caller(node.port, Authorization="Bearer dev-token").post("/sources", body)

    def lines(self):
        lines = self.asked.read_text().splitlines() if self.asked.exists() else []
        self.asked.unlink(missing_ok=True)
        return lines


class FakeRuntimeTest(FakeRuntime):
    def test_each_profile_has_its_command_line(self):
        """[S3-50] [S3-86] [S3-87] [S3-91] [S3-94] [S3-95] Pulled and pinned; the contract's words; the manifest is kept."""
        image = "registry.example/team/addon:1"
        end = f"--entrypoint cat {image} /flwd-addon/manifest.yaml"
        for profile, network in (("permissive", "--network none --read-only"), ("disabled", "--network bridge")):
            with self.node(profile) as node:
                answer = self.add(node)
                self.assertEqual(answer.status, 201, answer)
                self.assertEqual(self.lines(), [f"run --rm --pull=always --cap-drop=ALL --security-opt=no-new-privileges {network} {end}",
                                                f"image inspect {image}"])
                made = answer.json
                self.assertEqual((made["name"], made["digest"], made["pull_policy"]), ("addon", DIGEST, "on-add"))
                self.assertEqual(made["resolved_ref"], f"registry.example/team/addon@{DIGEST}")
                self.assertEqual(made["metadata"], {"id": "demo-addon", "name": "Demo", "version": "1.2.3", "summary": "For the test"})
                self.assertEqual(made["provenance"]["image_trust"]["mode"], profile)
                self.assertEqual((node.folder / "data" / "oci" / "addon" / "manifest.yaml").read_text(), MANIFEST)
                metrics = Caller(node.port).get("/metrics").body.decode()
                self.assertIn("\nflwd_container_pulls_total 1\n", metrics)
                self.assertIn("\nflwd_container_pull_seconds_count 1\n", metrics)

    def test_a_signed_image_is_read_under_secure(self):
        """[S3-93] Fake: cosign says that the signature is good; network none and a read-only root."""
        cosign = self.room / "cosign"
        cosign.write_text(f'#!/bin/sh\necho "cosign $@" >> {self.asked}\n')
        cosign.chmod(0o755)
        with self.node("secure") as node:
            answer = self.add(node, verify_signatures=True)
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual((answer.json["verify_signatures"], answer.json["provenance"]["image_trust"]["verified"]), (True, True))
            lines = self.lines()
            self.assertEqual(lines[0], "cosign verify --keyless registry.example/team/addon:1")
            self.assertIn("--pull=always --cap-drop=ALL --security-opt=no-new-privileges --network none --read-only --entrypoint cat", lines[1])

    def test_a_deferred_pull_reads_what_is_here(self):
        """[S3-92] on-run: --pull=never and no digest; never is the same; synonyms are shown by their names."""
        with self.node("permissive") as node:
            for asked, shown in (("on-run", "on-run"), ("if_not_present", "on-run"), ("never", "never")):
                made = self.add(node, pull_policy=asked).json
                self.assertEqual(made["pull_policy"], shown)
                self.assertNotIn("digest", made)
                lines = self.lines()
                self.assertEqual(len(lines), 1)
                self.assertIn("run --rm --pull=never ", lines[0])

    def test_what_is_wrong_with_an_image_is_said(self):
        """[S3-101] [S3-102] No manifest, one with faults, one that is too large, no image, no digest, a signature that must be there."""
        with self.node("disabled") as node:
            refused = lambda **more: (answer := self.add(node, **more)).status and (answer.status, answer.json["code"], answer.json["detail"])
            self.runtime("echo 'cat: /flwd-addon/manifest.yaml: No such file or directory' >&2; exit 1")
            self.assertEqual(refused()[:2], (400, "E_ADDON_MANIFEST"))
            self.runtime("echo 'Error: registry.example/team/addon:1: image not found' >&2; exit 125")
            status, code, detail = refused()
            self.assertEqual((status, code), (400, "E_OCI"))
            self.assertIn("image not found", detail)
            self.runtime("echo 'kind: Other'")
            status, code, detail = refused()
            self.assertEqual((status, code), (400, "E_ADDON_MANIFEST"))
            self.assertIn("; ", detail)
            self.runtime("head -c 10485760 /dev/zero", others=f"""ps*) echo "c1 cat /flwd-addon/manifest.yaml"; echo "c2 sh";;""")
            self.lines()
            status, code, detail = refused()
            self.assertEqual((status, code), (400, "E_ADDON_MANIFEST"))
            self.assertIn("524288 bytes", detail)
            self.assertEqual([line for line in self.lines() if line.startswith("rm ")], ["rm --force --ignore c1"])
            self.runtime(f"cat {self.room}/manifest", inspect="echo '[{}]'")
            self.assertEqual(refused()[:2], (400, "E_OCI"))
            self.assertEqual(refused(verify_signatures=True)[:2], (422, "source-signature-invalid"))
            self.assertEqual(Caller(node.port, Authorization="Bearer dev-token").get("/sources").json, [])
            self.assertFalse((node.folder / "data" / "oci").exists())

    def test_a_registry_that_is_not_listed_is_not_asked(self):
        """[S3-98] Under every profile, also where no signature is looked at."""
        bundle = self.room / "bundle.yaml"
        bundle.write_text("allowed_registries: [other.example]\n")
        with self.node("disabled", FLWD_POLICY_FILE=str(bundle)) as node:
            answer = self.add(node, verify_signatures=True)
            self.assertEqual((answer.status, answer.json["code"]), (422, "image.registry.not.allowed"), answer)
            self.assertEqual(self.lines(), [])

    def test_without_a_runtime_there_is_no_image(self):
        """[S3-103] container.runtime.unavailable."""
        tools = self.room / "tools"
        tools.mkdir()
        with RunningNode("--dev", environment={"PATH": str(tools), "FLWD_PROFILE": "disabled"}) as node:
            answer = self.add(node)
            self.assertEqual((answer.status, answer.json["code"]), (422, "container.runtime.unavailable"), answer)

    def test_a_node_that_stops_does_not_wait_for_the_runtime(self):
        """What is fetched is cut short."""
        self.runtime("exec tail -f /dev/null")
        with self.node("disabled") as node:
            asking = subprocess.Popen(["curl", "-s", "-H", "Authorization: Bearer dev-token", "-H", "Content-Type: application/json", "-d",
                                       '{"type":"oci","ref":"registry.example/a:1","trusted":true}', f"{node.url}/sources"], stdout=subprocess.DEVNULL)
            node.until(self.asked.exists, "the runtime is asked")
            self.assertEqual(node.stop(), 0)
            asking.wait(15)


@unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not there")
class Registry(PodmanCase):
    """Real: Podman and a registry on loopback, in folders of their own."""

    def setUp(self):
        super().setUp()
        self.port = free_port()
        (self.folder / "registry").mkdir()
        (self.folder / "registries.conf").write_text(f'unqualified-search-registries = []\n[[registry]]\nlocation = "127.0.0.1:{self.port}"\ninsecure = true\n')
        self.serve_registry()
        self.ref = f"127.0.0.1:{self.port}/team/addon:1"

    def serve_registry(self):
        (self.folder / "registry.yml").write_text(
            f"version: 0.1\nlog: {{ level: warn }}\nstorage: {{ filesystem: {{ rootdirectory: {self.folder}/registry }} }}\n"
            f"http: {{ addr: 127.0.0.1:{self.port} }}\n")
        process = subprocess.Popen(["docker-registry", "serve", self.folder / "registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait, 15)
        self.addCleanup(process.terminate)

        def answers():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        until(answers, "the registry answers", on=[process])

    def push(self, make):
        """An image of busybox and what `make(root)` adds; it is in the registry alone then."""
        def also(root):
            (root / "flwd-addon").mkdir()
            make(root)
        self.make_image(self.ref, also)
        pushed = self.podman("push", self.ref)
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        self.podman("rmi", "--force", self.ref)

    def node(self, *flags):
        return RunningNode("--dev", *flags, environment={**self.environment, "FLWD_PROFILE": "permissive"})

    def add(self, node, **more):
        return Caller(node.port, Authorization="Bearer dev-token").post("/sources", {"type": "oci", "ref": self.ref, "trusted": True, **more})


class RegistryTest(Registry):
    def test_an_add_on_is_pulled_and_pinned(self):
        """[S3-86] [S3-87] [S3-91] [S3-92] Pulled from a registry, its digest known; on-run before that has no image, after it no digest."""
        self.push(lambda root: (root / "flwd-addon" / "manifest.yaml").write_text(MANIFEST))
        with self.node() as node:
            early = self.add(node, pull_policy="on-run")
            self.assertEqual((early.status, early.json["code"]), (400, "E_OCI"), early)
            made = self.add(node)
            self.assertEqual(made.status, 201, made)
            self.assertRegex(made.json["digest"], "^sha256:[0-9a-f]{64}$")
            self.assertEqual(made.json["resolved_ref"], f"127.0.0.1:{self.port}/team/addon@{made.json['digest']}")
            self.assertEqual(made.json["metadata"]["version"], "1.2.3")
            self.assertNotIn("digest", self.add(node, pull_policy="on-run").json)
        self.assertEqual(self.podman("ps", "-aq").stdout, "")

    def test_a_manifest_that_is_a_link_leads_nowhere_on_the_host(self):
        """It is followed in the image alone; what is there is no manifest, and is not kept."""
        secret = self.folder / "secret"
        secret.write_text(MANIFEST)
        self.push(lambda root: (root / "flwd-addon" / "manifest.yaml").symlink_to(secret))
        with self.node() as node:
            answer = self.add(node)
            self.assertEqual((answer.status, answer.json["code"]), (400, "E_ADDON_MANIFEST"), answer)

    def test_an_image_that_never_ends_is_given_up_and_removed(self):
        """[S3-102] Its own cat hangs: after --source-timeout nothing of it runs."""
        def hang(root):
            (root / "bin" / "cat").unlink()
            (root / "bin" / "cat").write_text("#!/bin/sh\n[ \"$1\" != /dev/null ] || exit 0\nread line < /never\nwhile :; do :; done\n")
            (root / "bin" / "cat").chmod(0o755)
        self.push(hang)
        with self.node("--source-timeout", "4s") as node:
            answer = self.add(node)
            self.assertEqual((answer.status, answer.json["code"]), (400, "E_OCI"), answer)
            self.assertIn("took longer than 4 s", answer.json["detail"])
        self.assertEqual(self.podman("ps", "-aq").stdout, "")


if __name__ == "__main__":
    unittest.main()
