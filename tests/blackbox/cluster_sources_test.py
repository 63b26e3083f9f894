"""Sources in a cluster: every member has the files, as they were pinned, whoever fetched them first. Images are read by a fake runtime."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from addon_runs_test import MANIFEST, Runs
from addon_test import DIGEST, FakeRuntime
from cluster_case import ClusterCase
from git_server import GitDaemon, Repository
from running_cluster import RunningCluster


class ClusterSourcesTest(ClusterCase):
    @classmethod
    def setUpClass(cls):
        room = tempfile.TemporaryDirectory()
        cls.addClassCleanup(room.cleanup)
        cls.room = Path(room.name).resolve()
        cls.daemon = GitDaemon(cls.room)
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__)

    def cluster(self):
        return RunningCluster(3, "--allow-git-host", f"127.0.0.1:{self.daemon.port}", "--security-profile", "permissive")

    def repository(self, name):
        made = Repository(self.room / name)
        made.write("scripts/hello/config.d/config.yaml", "interpreter: bash\n")
        made.write("scripts/hello/000_main.sh", "echo one\n")
        return made, made.commit("one")

    def added(self, member, name):
        answer = member.post("/sources", {"type": "git", "name": "tools", "url": f"{self.daemon.url}/{name}", "ref": "main"})
        self.assertIn(answer.status, (200, 201), answer)
        return answer.json["resolved_commit"]

    def stands_at(self, member):
        """The commit of its checkout; empty when there is none."""
        done = subprocess.run(["git", "-C", member.data / "sources" / "tools", "rev-parse", "HEAD"], capture_output=True, text=True)
        return done.stdout.strip()

    def has(self, member, commit):
        member.until(lambda: self.stands_at(member) == commit, f"has {commit}")

    def printed(self, member):
        """What a run of the source's job at this member prints."""
        answer = member.post("/runs", {"job_id": "hello", "source": {"name": "tools"}})
        self.assertEqual(answer.status, 201, answer)
        run = f"/runs/{answer.json['id']}"
        member.until(lambda: member.get(run).json["status"] == "completed", "the run is completed")
        self.assertEqual(member.get(run).json["provenance"]["source"]["resolved_commit"], self.stands_at(member))
        return [line for line in member.get(f"{run}/events").body.decode().splitlines() if '"step.log"' in line or '"message"' in line]

    def test_members_fetch_what_is_recorded(self):
        """[S3-81] The commit that is on record, not what its branch is by then; who was away fetches it when it is back."""
        repository, first = self.repository("kept")
        with self.cluster() as cluster:
            cluster.whole()
            leader, away = cluster.leader(), cluster.followers()[0]
            away.kill()
            self.assertEqual(self.added(leader, "kept"), first)
            repository.write("scripts/hello/000_main.sh", "echo two\n")
            second = repository.commit("two")
            for member in cluster.running():
                self.has(member, first)
            away.start().wait_ready()
            self.has(away, first)
            leader.kill()
            cluster.leader()
            for member in cluster.running():
                self.assertTrue(any("one" in line for line in self.printed(member)))
            self.assertEqual(self.added(cluster.leader(), "kept"), second)
            for member in cluster.running():
                self.has(member, second)

    def without_files(self, member):
        """Its answer to a plan while nothing is there of what it fetched; git may still be at work, and bring it back."""
        fetched = member.data / "sources" / "tools"
        if fetched.exists():
            fetched.rename(self.room / f"taken{len(list(self.room.glob('taken*')))}")
        return member.post("/plans", {"job_id": "hello", "source": {"name": "tools"}})

    def test_a_run_has_what_is_missing_fetched(self):
        """409 while the files are not there, and then they come; an origin that is gone is said in the log."""
        _, first = self.repository("asked")
        with self.cluster() as cluster:
            cluster.whole()
            self.added(cluster.leader(), "asked")
            member = cluster.followers()[0]
            self.has(member, first)
            member.until(lambda: self.without_files(member).json.get("code") == "source.not.materialized", "misses it")
            member.until(lambda: member.post("/plans", {"job_id": "hello", "source": {"name": "tools"}}).status == 200, "it was fetched")
            (self.room / "asked").rename(self.room / "elsewhere")
            member.until(lambda: self.without_files(member).status != 200 and "source=tools not fetched code=source.unavailable" in member.said(),
                         "says that it cannot be had")


class ClusterAddonTest(Runs, FakeRuntime):
    def test_members_read_the_pinned_image(self):
        """[S3-88] Each has the manifest of the digest that is on record, and runs the image's job when its first reader is gone."""
        (self.room / "manifest").write_text(MANIFEST)
        self.runtime(f"case \"$*\" in *manifest.yaml) cat {self.room}/manifest;; *) echo ran;; esac")
        cluster = RunningCluster(3, "--security-profile", "permissive", environment={"PATH": f"{self.room}:{os.environ['PATH']}"})
        with cluster:
            cluster.whole()
            leader = cluster.leader()
            self.assertEqual(self.add(leader).status, 201)
            build = {"job_id": "addon/build", "args": {"target": "it", "key": "k"}}
            for member in cluster.followers():
                member.until(lambda: member.post("/plans", build).status == 200, "has the manifest")
            read = [line for line in self.lines() if line.endswith(" /flwd-addon/manifest.yaml")]
            self.assertEqual([line.split()[-2] for line in read],
                             ["registry.example/team/addon:1", *2 * [f"registry.example/team/addon@{DIGEST}"]])
            leader.kill()
            cluster.leader()
            for member in cluster.running():
                run = self.run_job(member, "addon/build", args=build["args"])
                self.assertEqual((run["status"], run["provenance"]["source"]["digest"]), ("completed", DIGEST))


if __name__ == "__main__":
    unittest.main()
