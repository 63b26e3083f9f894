"""Sources of jobs on a real node: folders, repositories of a real git daemon, and what is refused."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from caller import Caller
from git_server import GitDaemon, Repository
from running_node import BINARY, RunningNode
from waiting import until

JOB = "job: {id: hello, summary: Says hello}\ninterpreter: /bin/sh\n"


class Sources(unittest.TestCase):
    """A node that may have repositories of a daemon, and folders of a root."""

    @classmethod
    def setUpClass(cls):
        room = tempfile.TemporaryDirectory()
        cls.addClassCleanup(room.cleanup)
        cls.room = Path(room.name).resolve()
        cls.extra = cls.room / "extra"
        (cls.extra / "tools").mkdir(parents=True)
        (cls.room / "outside").mkdir()
        cls.daemon = GitDaemon(cls.room / "git")
        (cls.room / "git").mkdir()
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.node = RunningNode("--dev", "--allow-local-root", str(cls.extra), "--allow-git-host", f"127.0.0.1:{cls.daemon.port}, git.example")
        cls.node.__enter__()
        cls.addClassCleanup(cls.node.__exit__)
        (cls.node.folder / "scripts" / "own").mkdir(parents=True)
        cls.caller = Caller(cls.node.port, Authorization="Bearer dev-token")

    def add(self, status, **body):
        answer = self.caller.post("/sources", body)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def refused(self, status, code, **body):
        answer = self.caller.post("/sources", body)
        self.assertEqual((answer.status, answer.json["code"]), (status, code), answer)
        return answer.json

    def repository(self, name):
        made = Repository(self.room / "git" / name)
        made.write("scripts/hello/config.d/config.yaml", JOB)
        made.write("scripts/flwd.yaml", "aliases: [{from: hello, to: hi, description: Short}]\n")
        return made, made.commit("one")

    def muster(self, *words, status=0):
        environment = {"PATH": os.environ["PATH"], "FLOWD_TOKEN": "dev-token", "MUSTER_REMOTE": self.node.url}
        done = subprocess.run([BINARY, ":sources", *words], cwd=self.room, env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done


class SourcesTest(Sources):
    def test_a_folder_below_a_root_is_a_source(self):
        """[S3-41] [S3-42] [S3-43] [S3-44] [S3-77] [S3-78] 201, listed, shown, replaced with 200, removed; its files stay."""
        made = self.add(201, type="local", ref="own", trust={"by": "alice"})
        self.assertEqual((made["name"], made["resolved_ref"], made["expose"], made["trust"]),
                         ("own", str(self.node.folder.resolve() / "scripts" / "own"), "read", {"by": "alice"}))
        self.assertEqual(self.caller.get("/sources/own").json, made)
        self.assertIn(made, self.caller.get("/sources").json)
        self.assertEqual(self.add(200, type="local", ref="own", expose="none")["expose"], "none")
        self.assertEqual(self.add(201, type="local", name="extra", ref=str(self.extra / "tools"))["resolved_ref"], str(self.extra / "tools"))
        self.assertEqual(self.add(200, type="local", name="extra", ref="tools")["resolved_ref"], str(self.extra / "tools"))
        for name in ("own", "extra"):
            self.assertEqual(self.caller.call("DELETE", f"/sources/{name}").status, 204)
        self.assertTrue((self.extra / "tools").is_dir())
        self.assertEqual(self.caller.get("/sources/own").status, 404)

    def test_a_folder_elsewhere_is_refused(self):
        """[S3-99] [S3-78] Outside, above, through a link, or not there; what is outside is not told to be there."""
        (self.extra / "link").symlink_to(self.room / "outside")
        self.addCleanup((self.extra / "link").unlink)
        for ref in ("/etc", "/nowhere/at/all", "../../..", str(self.extra / "link"), str(self.extra / ".." / "outside"), f"{self.extra}-not"):
            self.refused(400, "source.not.allowed", type="local", name="x", ref=ref)
        (self.extra / "file").write_text("")
        for ref in ("nowhere", str(self.extra / "nowhere"), str(self.extra / "file")):
            self.assertEqual(self.refused(400, "field.invalid", type="local", name="x", ref=ref)["errors"][0]["pointer"], "/ref")
        self.assertEqual(self.caller.get("/sources/x").status, 404)

    def test_a_repository_is_checked_out_and_pinned(self):
        """[S3-80] [S3-81] [S3-82] A branch, a tag, a commit; provenance names the checkout; its aliases are shown."""
        repository, first = self.repository("pinned")
        repository.git("tag", "v1")
        repository.write("scripts/second", "2")
        second = repository.commit("two")
        url = f"{self.daemon.url}/pinned"
        checkout = self.node.folder.resolve() / "data" / "sources" / "pinned"
        made = self.add(201, type="git", url=url, ref="main")
        self.assertEqual((made["name"], made["type"], made["url"], made["ref"]), ("pinned", "git", url, "main"))
        self.assertEqual((made["resolved_commit"], made["resolved_ref"]), (second, "refs/heads/main"))
        self.assertEqual((made["provenance"]["checkout"], made["provenance"]["tree"]), (str(checkout), str(checkout / "scripts")))
        self.assertEqual(made["aliases"], [{"from": "hello", "to": "hi", "description": "Short"}])
        self.assertTrue((checkout / "scripts" / "second").exists())
        made = self.add(200, type="git", url=url, ref="v1", expose="none")
        self.assertEqual((made["resolved_commit"], made["resolved_ref"]), (first, "refs/tags/v1"))
        self.assertNotIn("aliases", made)
        self.assertFalse((checkout / "scripts" / "second").exists())
        self.assertEqual(self.add(200, type="git", url=url, ref=second)["resolved_commit"], second)
        self.assertEqual(self.caller.call("DELETE", "/sources/pinned").status, 204)
        self.assertTrue(checkout.is_dir())

    def test_a_checkout_is_below_data_dir(self):
        """[S3-82] ${DATA_DIR}/flowd/sources/NAME, as git and the reply say."""
        repository, commit = self.repository("below")
        with RunningNode("--dev", "--allow-git-host", f"127.0.0.1:{self.daemon.port}", environment={"DATA_DIR": str(self.room / "var")}) as node:
            made = Caller(node.port, Authorization="Bearer dev-token").post("/sources", {"type": "git", "url": f"{self.daemon.url}/below", "ref": "main"})
            self.assertEqual(made.status, 201, made)
        checkout = self.room / "var" / "flowd" / "sources" / "below"
        self.assertEqual(made.json["provenance"]["checkout"], str(checkout))
        head = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        self.assertEqual(head, commit)

    def test_a_branch_that_moved_is_pinned_anew(self):
        """[S3-81] The pin stays until the source is added again, then it is the new commit; the log has both."""
        repository, first = self.repository("moving")
        body = {"type": "git", "url": f"{self.daemon.url}/moving", "ref": "main"}
        self.assertEqual(self.add(201, **body)["resolved_commit"], first)
        second = repository.commit("two")
        self.assertEqual(self.caller.get("/sources/moving").json["resolved_commit"], first)
        self.assertEqual(self.add(200, **body)["resolved_commit"], second)
        added = lambda: self.caller.get("/v1/events?type=source.added&stream=source/moving").body.splitlines()
        until(lambda: len(added()) > 1, "both are in the log")
        self.assertEqual([json.loads(line)["data"]["resolved_commit"] for line in added()], [first, second])

    def test_a_repository_below_a_root_is_a_source(self):
        """[S3-80] By its path or a file: URL."""
        repository = Repository(self.extra / "repository")
        repository.write("hello/config.d/config.yaml", JOB)
        commit = repository.commit("one")
        for status, url in ((201, str(repository.path)), (200, f"file://{repository.path}")):
            made = self.add(status, type="git", name="near", url=url, ref="main")
            self.assertEqual((made["resolved_commit"], made["url"]), (commit, url))
            self.assertEqual(made["provenance"]["tree"], made["provenance"]["checkout"])

    def test_repositories_that_are_refused(self):
        """[S3-99] Hosts and folders that are not allowed, other transports, passwords; a ref that is not there; nothing is left."""
        self.repository("there")
        Repository(self.room / "outside" / "repository").commit("one")
        for url in ("https://elsewhere.example/a.git", "git@elsewhere.example:a.git", f"git://127.0.0.1:{self.daemon.port + 1}/there",
                    f"file://{self.room}/outside/repository", str(self.room / "outside" / "repository"), "ext::sh -c id", "--upload-pack=id",
                    "https://user:secret@git.example/a.git", "ssh://-oProxyCommand=id/a"):
            problem = self.refused(400, "source.not.allowed", type="git", name="bad", url=url, ref="main")
            self.assertNotIn("secret", problem["detail"])
        url = f"{self.daemon.url}/there"
        self.assertIn("no-such", self.refused(400, "source.unavailable", type="git", url=url, ref="no-such")["detail"])
        self.refused(400, "source.unavailable", type="git", name="bad", url=f"{self.daemon.url}/nowhere", ref="main")
        self.refused(400, "field.invalid", type="git", url=url, ref="--upload-pack=id")
        for name in ("../up", "a\\b", ".git", "-x", ".."):
            self.refused(400, "field.invalid", type="git", url=url, ref="main", name=name)
        self.assertFalse((self.node.folder / "data" / "sources" / "bad").exists())
        self.assertEqual([row for row in self.caller.get("/sources").json if row["name"] in ("bad", "there")], [])

    def test_a_checkout_that_is_a_link_is_refused(self):
        """[S3-99] Nothing is written where it leads."""
        self.repository("linked")
        target = self.room / "precious"
        target.mkdir()
        (target / "file").write_text("x")
        folder = self.node.folder / "data" / "sources"
        folder.mkdir(exist_ok=True)
        (folder / "linked").symlink_to(target)
        self.refused(400, "source.not.allowed", type="git", url=f"{self.daemon.url}/linked", ref="main")
        self.assertEqual(os.listdir(target), ["file"])

    def test_a_tree_that_leads_out_or_has_broken_aliases_is_refused(self):
        """[S3-99] `scripts` as a link to /etc; flwd.yaml that is none: alias.configuration.invalid."""
        repository = Repository(self.room / "git" / "leading-out")
        (repository.path / "scripts").symlink_to("/etc")
        repository.commit("one")
        self.refused(400, "source.not.allowed", type="git", url=f"{self.daemon.url}/leading-out", ref="main")
        repository, _ = self.repository("broken")
        repository.write("scripts/flwd.yaml", "aliases: [{from: hello}]\n")
        repository.commit("two")
        self.assertIn("flwd.yaml", self.refused(400, "alias.configuration.invalid", type="git", url=f"{self.daemon.url}/broken", ref="main")["detail"])

    def test_the_same_key_is_the_same_source(self):
        """[S3-42] With Idempotency-Key a second request is answered as the first."""
        self.repository("once")
        body, key = {"type": "git", "url": f"{self.daemon.url}/once", "ref": "main"}, {"Idempotency-Key": "add-once"}
        first, again = (self.caller.post("/sources", body, key) for _ in range(2))
        self.assertEqual((first.status, again.status, first.body), (201, 201, again.body))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.assertEqual(self.caller.post("/sources", {**body, "ref": "HEAD"}, key).json["code"], "idempotency.mismatch")

    def test_images_are_judged_before_anything_is_pulled(self):
        """[S3-97] [S3-100] Not trusted; not signed under the profile secure."""
        self.refused(400, "source.trust.required", type="oci", ref="registry.example/addon:1")
        self.refused(422, "image.signature.required", type="oci", ref="registry.example/addon:1", trusted=True)
        self.refused(422, "source-signature-invalid", type="oci", ref="registry.example/addon:1", trusted=True, verify_signatures=True)

    def test_the_command_line_lists_adds_and_removes(self):
        """[S3-89] [S3-90] [S3-97] [S3-100] :sources; an image without --trusted is refused before anybody is asked."""
        _, commit = self.repository("by-hand")
        added = self.muster("add", "--type", "git", "--url", f"{self.daemon.url}/by-hand", "--ref", "main")
        self.assertEqual(added.stdout, f"added by-hand at {commit[:12]}\n")
        shown = json.loads(self.muster("add", "--type", "local", "--name", "near", "--ref", "tools", "--expose", "none", "--json").stdout)
        self.assertEqual((shown["name"], shown["expose"]), ("near", "none"))
        self.assertIn("by-hand", self.muster().stdout)
        rows = {row["name"]: row for row in json.loads(self.muster("list", "--json").stdout)["rows"]}
        self.assertEqual(rows["by-hand"]["resolved_commit"], commit)
        self.assertEqual(self.muster("remove", "near").stdout, "removed near\n")
        self.assertIn("not.found", self.muster("remove", "near", status=4).stderr)
        self.assertIn("source.trust.required", self.muster("add", "--ref", "a/b", "--server", "http://127.0.0.1:1", status=3).stderr)
        self.assertIn("image.signature.required", self.muster("add", "--ref", "a/b", "--trusted", "--pull-policy", "on-run", status=3).stderr)
        self.muster("add", "--type", "svn", status=2)

    def test_sources_are_there_again_after_a_restart(self):
        """[S3-41] [S3-77] What is in the log is not only in memory."""
        with RunningNode("--dev") as node:
            (node.folder / "scripts" / "own").mkdir(parents=True)
            caller = Caller(node.port, Authorization="Bearer dev-token")
            made = caller.post("/sources", {"type": "local", "ref": "own"})
            self.assertEqual(made.status, 201, made)
            self.assertEqual(node.stop(), 0)
            node.__enter__()
            self.assertEqual(caller.get("/sources").json, [made.json])


class HostileRepositoryTest(Sources):
    """A repository and a machine whose git would start programs or fetch from elsewhere, if it were let."""

    def test_hooks_and_submodules_do_nothing(self):
        """Hooks of the origin, of the machine's templates and of its hooks path, a watcher, and a submodule: nothing is started or fetched, twice."""
        mark = self.room / "pwned"
        hook = f"#!/bin/sh\ntouch {mark}\n"
        home = self.room / "home"
        for folder in (home / "hooks", home / "template" / "hooks"):
            folder.mkdir(parents=True)
            for name in ("post-checkout", "post-merge", "reference-transaction", "fsmonitor-watchman"):
                (folder / name).write_text(hook)
                (folder / name).chmod(0o755)
        (home / ".gitconfig").write_text(f'[core]\n hooksPath = {home}/hooks\n fsmonitor = touch {mark}\n[init]\n templateDir = {home}/template\n'
                                         '[submodule]\n recurse = true\n')
        inner = Repository(self.room / "git" / "inner")
        inner.write("config.d/config.yaml", JOB)
        inner.commit("inside")
        repository, _ = self.repository("hostile")
        (repository.path / ".git" / "hooks").mkdir(exist_ok=True)
        for name in ("post-checkout", "post-update", "pre-auto-gc"):
            (repository.path / ".git" / "hooks" / name).write_text(hook)
            (repository.path / ".git" / "hooks" / name).chmod(0o755)
        repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "scripts/inner")
        repository.write(".gitmodules", f'[submodule "scripts/inner"]\n path = scripts/inner\n url = {self.daemon.url}/inner\n update = !touch {mark}\n')
        commit = repository.commit("hostile")
        with RunningNode("--dev", "--allow-git-host", f"127.0.0.1:{self.daemon.port}", environment={"HOME": str(home)}) as node:
            caller = Caller(node.port, Authorization="Bearer dev-token")
            for status in (201, 200):
                made = caller.post("/sources", {"type": "git", "url": f"{self.daemon.url}/hostile", "ref": "main"})
                self.assertEqual((made.status, made.json.get("resolved_commit")), (status, commit), made)
            checkout = node.folder / "data" / "sources" / "hostile"
            self.assertTrue((checkout / "scripts" / "hello").is_dir())
            self.assertEqual(list((checkout / "scripts" / "inner").iterdir()), [])
            self.assertEqual([row["id"] for row in caller.get("/jobs?per_page=200").json if row.get("source", {}).get("type") == "git"], ["hostile/hello"])
        self.assertFalse(mark.exists())


class PolicyTest(unittest.TestCase):
    """Fake: cosign is a script."""

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = Path(room.name)
        self.bundle = self.room / "policy.yaml"
        self.bundle.write_text("allowed_registries: [registry.example]\n")
        self.environment = {"FLWD_POLICY_FILE": str(self.bundle)}

    def cosign(self, script):
        path = self.room / "cosign"
        path.write_text(f"#!/bin/sh\necho \"$@\" >> {self.room}/asked\n{script}\n")
        path.chmod(0o755)
        self.environment["PATH"] = f"{self.room}:{os.environ['PATH']}"

    def serve_fails(self, *flags):
        command = [BINARY, ":serve", "--dev", "--alone", "--data", self.room / "data", "--bind", "127.0.0.1:0", *flags]
        done = subprocess.run(command, env={"PATH": os.environ["PATH"], **self.environment}, cwd=self.room, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 3, done.stderr)
        return done.stderr

    def test_an_unsigned_bundle_keeps_a_secure_node_from_serving(self):
        """[S3-61] [S3-98] Without cosign it says so; with it, its answer counts: cosign verify --keyless FILE."""
        self.assertIn("cosign is not in PATH", self.serve_fails())
        self.cosign("echo no signatures found >&2; exit 1")
        self.assertIn("no signatures found", self.serve_fails())
        self.assertEqual((self.room / "asked").read_text(), f"verify --keyless {self.bundle}\n")
        self.cosign("exit 0")
        with RunningNode("--dev", environment=self.environment) as node:
            refused = Caller(node.port, Authorization="Bearer dev-token").post("/sources", {"type": "oci", "ref": "other.example/a:1", "trusted": True})
            self.assertEqual((refused.status, refused.json["code"]), (422, "image.registry.not.allowed"), refused)

    def test_a_bundle_signed_by_a_key_needs_no_cosign(self):
        """[S3-61] --policy-key and FILE.sig, as `cosign sign-blob` and openssl make it."""
        key, sig = self.room / "key.pem", self.room / "policy.yaml.sig"
        subprocess.run(f"openssl ecparam -name prime256v1 -genkey -noout -out {key} && openssl ec -in {key} -pubout -out {key}.pub && "
                       f"openssl dgst -sha256 -sign {key} {self.bundle} | base64 -w0 > {sig}", shell=True, check=True, capture_output=True)
        with RunningNode("--dev", "--policy-key", f"{key}.pub", environment=self.environment):
            pass
        self.bundle.write_text("allowed_registries: [elsewhere.example]\n")
        self.assertIn("another key or other bytes", self.serve_fails("--policy-key", f"{key}.pub"))
        with RunningNode("--dev", environment={**self.environment, "FLWD_PROFILE": "permissive"}):
            pass


if __name__ == "__main__":
    unittest.main()
