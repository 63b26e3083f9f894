"""Which jobs of which trees callers see and may name: aliases, and the jobs of configured sources."""
import unittest

from caller import Caller
from git_server import Repository
from jobs_http_test import Jobs

SAYS = "interpreter: bash\nargspec: {args: [{name: word, type: string}]}\n"


class AliasesTest(Jobs):
    def setUp(self):
        super().setUp()
        self.job("build", "echo built\n")
        (self.root / "flwd.yaml").write_text("aliases: [{from: build, to: make}]\n")

    def sees(self, *scopes):
        """The rows of GET /jobs for somebody who may do just that."""
        made = self.caller.post("/v1/tokens", {"name": "-".join(scopes).replace(":", "."), "scopes": scopes})
        self.assertEqual(made.status, 200, made)
        answer = Caller(self.node.port, Authorization=f"Bearer {made.json['token']}").get("/jobs")
        self.assertEqual(answer.status, 200, answer)
        return [row["id"] for row in answer.json]

    def test_aliases_are_for_who_may_change_jobs(self):
        """[S3-25] A token with sources:write; who may only read sees jobs alone, and may name an alias still."""
        self.serve()
        self.assertEqual(self.sees("jobs:read", "sources:write"), ["build", "make"])
        self.assertEqual(self.caller.post("/plans", {"job_id": "make"}).json["job_id"], "build")
        self.assertEqual(self.sees("jobs:read"), ["build"])

    def test_a_flag_shows_them_to_everybody(self):
        """[S3-24] :serve --aliases-public."""
        self.serve("--aliases-public")
        self.assertEqual(self.sees("jobs:read"), ["build", "make"])

    def test_a_variable_shows_them_to_everybody(self):
        """[S3-23] FLWD_ALIASES_PUBLIC=true, and the flag goes before it."""
        self.serve(environment={"FLWD_ALIASES_PUBLIC": "true"})
        self.assertEqual(self.sees("jobs:read"), ["build", "make"])
        self.node.stop()
        self.serve("--aliases-public=false", environment={"FLWD_ALIASES_PUBLIC": "true"})
        self.assertEqual(self.sees("jobs:read", "runs:read"), ["build"])


class SourcesTest(Jobs):
    """Two trees have a job of the same name: the node's own, and that of a repository."""

    def setUp(self):
        super().setUp()
        self.job("say", "echo own $ARG_WORD\n", SAYS)
        self.repository = repository = Repository(self.folder / "repository")
        repository.write("scripts/say/config.d/config.yaml", SAYS)
        repository.write("scripts/say/000_main.sh", "echo theirs $ARG_WORD\n")
        self.commit = repository.commit("one")
        self.serve("--allow-local-root", str(self.folder))
        made = self.caller.post("/sources", {"type": "git", "name": "tools", "url": str(repository.path), "ref": "main"})
        self.assertEqual(made.status, 201, made)
        self.caller.get(f"/sources?after={made.seq}")

    def said(self, run):
        self.assertEqual(self.ended(run)["status"], "completed")
        return self.caller.get(f"/runs/{run}/events").body.decode()

    def test_jobs_say_which_source_they_are_of(self):
        """[S3-75] [S3-83] Those of the node's own tree say none; a source's name is before its jobs' ids."""
        rows = {row["id"]: row.get("source") for row in self.caller.get("/jobs").json}
        self.assertEqual(rows, {"say": None, "tools/say": {"name": "tools", "type": "git"}})

    def test_plans_and_runs_are_of_the_source_that_is_named(self):
        """[S3-76] [S3-83] By `source`, or in the job's id; without either the node's own tree counts."""
        for body, word in (({"job_id": "say"}, "own"), ({"job_id": "say", "source": {"name": "tools"}}, "theirs"), ({"job_id": "tools/say"}, "theirs")):
            with self.subTest(body=body):
                body = {**body, "args": {"word": "owl"}}
                self.assertEqual(self.caller.post("/plans", body).json["resolved_args"], {"word": "owl"})
                self.assertIn(f"{word} owl", self.said(self.accepted(body)["id"]))
        for path in ("/plans", "/runs"):
            self.refused(self.caller.post(path, {"job_id": "say", "source": {"name": "nobody"}}), 404, "not.found")

    def test_plans_and_runs_tell_where_their_job_is_from(self):
        """[S3-79] Type, name, URL, ref, the commit that it was pinned to, and the checkout."""
        body = {"job_id": "say", "source": {"name": "tools"}}
        checkout = self.folder.resolve() / "data" / "sources" / "tools" / "scripts"
        runs = [self.accepted(body), self.accepted({"job_id": "say"})]
        for shown in (self.caller.post("/plans", body).json, runs[0]):
            self.assertEqual(shown["provenance"]["source"], {
                "type": "git", "name": "tools", "url": str(self.folder / "repository"), "ref": "main", "resolved_ref": "refs/heads/main",
                "resolved_commit": self.commit, "checkout": str(checkout)})
        self.assertEqual(runs[1]["provenance"]["source"], {"type": "local", "name": "say", "ref": "say", "resolved_ref": str(self.root.resolve() / "say")})
        for run in runs:
            self.ended(run["id"])  # So that no script outlives the test.

    def test_a_source_has_aliases_of_its_own(self):
        """Rows below its name, unless it is exposed to nobody; a plan says whose alias it was."""
        self.repository.write("scripts/flwd.yaml", "aliases: [{from: say, to: speak}]\n")
        self.repository.commit("two")
        for expose, seen in (("none", []), ("read", [{"id": "tools/speak", "name": "speak", "alias_of": "say", "source": {"name": "tools", "type": "alias"}}])):
            made = self.caller.post("/sources", {"type": "git", "name": "tools", "url": str(self.repository.path), "ref": "main", "expose": expose})
            self.assertEqual(made.status, 200, made)
            rows = [row for row in self.caller.get(f"/jobs?after={made.seq}").json if "alias_of" in row]
            self.assertEqual([{name: row[name] for name in ("id", "name", "alias_of", "source")} for row in rows], seen)
        for body in ({"job_id": "speak", "source": {"name": "tools"}}, {"job_id": "tools/speak"}):
            self.assertEqual(self.caller.post("/plans", body).json["provenance"]["alias"], {"target_path": "say", "source": "tools"})

    def test_what_a_source_does_not_have_is_looked_for_in_the_nodes_own_tree(self):
        """And only then there is no such job."""
        self.job("mine", "echo mine\n")
        body = {"job_id": "mine", "source": {"name": "tools"}}
        self.assertEqual(self.caller.post("/plans", body).json["job_id"], "mine")
        run = self.accepted(body)
        self.assertEqual(run["provenance"]["source"]["type"], "local")
        self.assertIn("mine", self.said(run["id"]))
        self.refused(self.caller.post("/plans", {"job_id": "nosuch", "source": {"name": "tools"}}), 404, "job.unknown")


if __name__ == "__main__":
    unittest.main()
