"""Jobs that mean harm, over HTTP on a served node: their files, their names, their arguments, and policies that change."""
import json
import os
import threading
import unittest

from jobs_http_test import Jobs, WAITS, events_of
from waiting import until

WORDS = ["--help", "-rf", "a\nb", "\n--injected", "it's \"quoted\"", "$(touch $RUN_DIR/pwned)", "`id`", "; exit 3", "\\", "é\u202e", " ", "--word=x", "*", "\x1b[2J\r"]
ECHOES = ('printf %s "$ARG_WORD" >"$RUN_DIR/variable"; printf %s "$FLWD_ARGS_JSON" >"$RUN_DIR/json"; printf %s "$word" >"$RUN_DIR/own"\n'
          'printf "%s\\0" "$@" >"$RUN_DIR/flags"\n')
TAKES_WORD = "interpreter: bash\nargspec: {args: [{name: word, type: string, required: true}, {name: key, type: string, secret: true}]}\n"


class FilesTest(Jobs):
    """What is wrong with one job is no other's business."""

    def setUp(self):
        super().setUp()
        self.job("good", "echo fine\n")

    def good_still_runs(self):
        self.assertEqual(self.ended(self.accepted({"job_id": "good"})["id"])["status"], "completed")

    def test_a_yaml_bomb_is_one_fault(self):
        """Aliases of aliases, a hundred levels, a megabyte: each file is one fault of the listing, nothing swells, the others are there."""
        bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for before, name in zip("abcdefgh", "bcdefghi"):
            bomb += f"{name}: &{name} [" + ", ".join([f"*{before}"] * 9) + "]\n"
        for name, text in (("bomb", bomb), ("deep", "- " * 2000), ("large", "#" * (1 << 20)), ("itself", "&a a: [*a]\n"), ("flow", "[" * 5000)):
            self.job(name, "echo ran\n", text)
        node = self.serve()
        listed = self.caller.get("/jobs")
        self.assertEqual(([row["id"] for row in listed.json], listed.headers["X-Flowd-Discovery-Errors"]), (["good"], "5"))
        for name in ("bomb", "deep", "large", "itself", "flow"):
            self.refused(self.caller.post("/runs", {"job_id": name}), 404, "job.unknown")
        with open(f"/proc/{node._process.pid}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        self.assertLess(peak, 400_000, "kB at its largest")
        self.good_still_runs()

    def steps(self, name, steps):
        self.job(name, "", "interpreter: bash\nexecutor: proc\ncomposition: steps\nsteps:\n" + steps)

    def test_steps_that_cannot_be_are_refused(self):
        """A cycle, a step of its own need, one that is not there, a missing script, one outside: 422 for plans and runs, nothing is recorded."""
        self.steps("cycle", "- {id: a, script: x.sh, needs: [b]}\n- {id: b, script: x.sh, needs: [a]}\n")
        self.steps("own", "- {id: a, script: x.sh, needs: [a]}\n")
        self.steps("nobody", "- {id: a, script: x.sh, needs: [z]}\n")
        self.steps("missing", "- {id: a, script: gone.sh}\n")
        self.steps("above", "- {id: a, script: ../../outside.sh}\n")
        self.steps("absolute", "- {id: a, script: /etc/passwd}\n")
        self.serve()
        for name, said in (("cycle", "cycle"), ("own", "cycle"), ("nobody", "z"), ("missing", "gone.sh"), ("above", ".."), ("absolute", "/etc/passwd")):
            for route in ("/plans", "/runs"):
                with self.subTest(name, route=route):
                    answer = self.caller.post(route, {"job_id": name})
                    self.refused(answer, 422, "E_CONFIG")
                    self.assertIn(said, answer.json["detail"])
        self.assertEqual(self.caller.get("/runs").json, [])

    def test_a_script_that_is_a_link_out_of_its_tree_is_refused(self):
        """Refused when it is asked for, also when it became one after the job was listed; a link within the tree runs."""
        outside = self.folder / "outside.sh"
        outside.write_text(f"touch {self.folder}/ran; touch $RUN_DIR/ran\n")
        self.job("out", "")
        self.job("within", "")
        (self.root / "within" / "000_main.sh").unlink()
        (self.root / "within" / "000_main.sh").symlink_to("../good/000_main.sh")
        self.serve()
        self.assertIn("out", [row["id"] for row in self.caller.get("/jobs").json])
        (self.root / "out" / "000_main.sh").unlink()
        (self.root / "out" / "000_main.sh").symlink_to(outside)
        for route in ("/plans", "/runs"):
            self.refused(self.caller.post(route, {"job_id": "out"}), 422, "E_CONFIG")
        self.assertEqual(self.ended(self.accepted({"job_id": "within"})["id"])["status"], "completed")
        self.assertEqual(list(self.folder.rglob("ran")), [])

    def test_an_id_is_no_path(self):
        """Dots, slashes, NULs, ten thousand characters, another type: unknown or invalid, and nothing outside is read."""
        self.serve()
        for job in ("..", "../good", "good/..", "good/../good", "/etc", "./good", "good\0", "\0", "a" * 10_000, "%2e%2e", "good\n", "--help", "-"):
            for body in ({"job_id": job}, {"job_id": "good", "source": {"name": job}}, {"of": job}):
                answer = self.caller.post("/runs", body)
                self.assertIn((answer.status, answer.json["code"]), ((404, "job.unknown"), (404, "not.found"), (400, "field.invalid")), (body, answer))
        for path in ("/runs/..%2f..%2fetc/events", "/runs/%2e%2e/events", "/runs/a%00b", "/runs/..%2f..:cancel"):
            self.assertIn(self.caller.get(path).status, (400, 404, 405), path)
        self.assertEqual(self.caller.get("/runs").json, [])
        self.good_still_runs()


class ArgumentsTest(Jobs):
    def test_words_arrive_as_they_are(self):
        """What looks like a flag, line ends, quotes, $(...): byte for byte in the variable, the JSON, the flag and the shell's own; nothing is executed."""
        self.job("echoes", ECHOES, TAKES_WORD)
        self.serve()
        for word in WORDS:
            with self.subTest(word):
                run = self.accepted({"job_id": "echoes", "args": {"word": word}})
                self.assertEqual(run["result"]["resolved_args"], {"word": word})
                self.assertEqual(self.ended(run["id"])["status"], "completed")
                folder = self.folder / "data" / "runs" / run["id"]
                self.assertEqual((folder / "variable").read_bytes(), word.encode())
                self.assertEqual((folder / "own").read_bytes(), word.encode())
                self.assertEqual(json.loads((folder / "json").read_text()), {"word": word})
                self.assertEqual((folder / "flags").read_bytes(), f"--word={word}".encode() + b"\0")
                self.assertEqual(list(self.folder.rglob("pwned")), [])

    def test_what_no_program_can_be_given_is_refused(self):
        """A NUL in a value or a secret, an argument that nobody knows, a value that is too long: named, and no run."""
        self.job("echoes", ECHOES, TAKES_WORD)
        self.serve()
        for args in ({"word": "a\0b"}, {"word": "x", "key": "a\0b"}, {"word": "x", "$(id)": "y"}, {"word": ["x"]}, {"word": {"a": "b"}}, {"word": "x" * (1 << 18)}):
            answer = self.caller.post("/runs", {"job_id": "echoes", "args": args})
            self.assertIn(answer.status, (400, 422), (list(args), answer))
            self.assertNotIn("/000_main.sh", answer.json["detail"])
        self.assertEqual(self.caller.get("/runs").json, [])


class PolicyTest(Jobs):
    def policy(self, text):
        (self.folder / "flwd.policy.yaml").write_text(text)

    def serve(self):
        return super().serve(environment={"FLWD_POLICY_FILE": str(self.folder / "flwd.policy.yaml"), "FLWD_PROFILE": "permissive"})

    def test_a_policy_that_changes_after_the_start_changes_nothing(self):
        """What was read at the start counts until the next one: a grant that is written later is none, and one that is taken away stays."""
        self.job("asks", "echo ran\n", "interpreter: bash\ncontainer: {network: host}\n")
        self.policy("verify_signatures: disabled\n")
        node = self.serve()
        self.refused(self.caller.post("/runs", {"job_id": "asks"}), 422, "policy.denied")
        self.policy("verify_signatures: disabled\noverrides: {network: [host]}\n")
        self.refused(self.caller.post("/runs", {"job_id": "asks"}), 422, "policy.denied")
        self.assertEqual(node.stop(), 0)
        node = self.serve()
        self.assertEqual(self.ended(self.accepted({"job_id": "asks"})["id"])["status"], "completed")
        self.policy("this is no policy: [")
        self.assertEqual(self.ended(self.accepted({"job_id": "asks"})["id"])["status"], "completed")
        (self.folder / "flwd.policy.yaml").unlink()
        self.assertEqual(self.ended(self.accepted({"job_id": "asks"})["id"])["status"], "completed")

    def test_an_image_of_a_registry_that_is_not_listed_never_runs(self):
        """422 image.registry.not.allowed for a plan and a run, on record; a name that is built to look listed is not."""
        names = ("other.example/a:1", "registry.example.evil.example/a:1", "registry.example:5000/a:1", "localhost/a:1", "alpine:3.20", "registry.exampl/e/a:1")
        for at, name in enumerate(names):
            self.job(f"image{at}", "#!/bin/sh\n", f"interpreter: container:{name}\nexecutor: container\n")
        self.policy("verify_signatures: disabled\nallowed_registries: [registry.example]\n")
        self.serve()
        for at in range(len(names)):
            for route in ("/plans", "/runs"):
                self.refused(self.caller.post(route, {"job_id": f"image{at}"}), 422, "image.registry.not.allowed")
        self.assertEqual(self.caller.get("/runs").json, [])
        self.assertEqual(self.caller.get("/v1/events?type=policy.decided").body.count(b'"image.registry.not.allowed"'), len(names))


class CancelTest(Jobs):
    def test_two_cancels_at_once_are_one(self):
        """Of many at the same moment one is told 202, the others 200; the log has one cancellation, the script is asked once."""
        self.job("long", "trap 'echo asked >>$RUN_DIR/asked; exit 0' TERM; " + WAITS)
        self.serve()
        run = self.accepted({"job_id": "long"})["id"]
        until(lambda: (self.folder / "data" / "runs" / run / "starts").exists(), "it runs")
        answers, together = [], threading.Barrier(8)

        def cancel():
            together.wait()
            answers.append(self.caller.post(f"/runs/{run}:cancel").status)
        threads = [threading.Thread(target=cancel) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answers), [200] * 7 + [202])
        self.assertEqual(self.ended(run)["status"], "canceled")
        self.assertEqual(self.caller.get("/v1/events?type=run.canceled").body.count(b"\n"), 1)
        self.assertEqual([kind for _, kind, _ in events_of(self.stream(run))].count("run.canceled"), 1)
        self.assertEqual((self.folder / "data" / "runs" / run / "asked").read_text(), "asked\n")
        self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 200)

    def test_one_that_is_canceled_before_its_start_never_starts(self):
        """Canceled in the moment in which it was accepted, again and again: it ends as canceled, or had begun, and begins at most once."""
        self.job("quick", "echo x >>$RUN_DIR/starts; trap 'exit 0' TERM; until [ ! -d $RUN_DIR ]; do :; done\n")
        self.serve()
        for _ in range(10):
            run = self.accepted({"job_id": "quick"})["id"]
            self.assertEqual(self.caller.post(f"/runs/{run}:cancel").status, 202)
            self.assertEqual(self.ended(run)["status"], "canceled")
            starts = self.folder / "data" / "runs" / run / "starts"
            self.assertIn(starts.read_text() if starts.exists() else "", ("", "x\n"))
        self.assertEqual(os.listdir(self.root), ["quick"])


class LargeTest(Jobs):
    def test_what_can_be_planned_can_run(self):
        """Names, steps and arguments as long and as many as a plan takes; with a byte more there is no plan either."""
        steps = "".join(f"- {{id: {'s' * 500}{i}, script: 000_main.sh}}\n" for i in range(256))
        self.job("large", "echo x\n", f"job: {{name: {'n' * 512}}}\ninterpreter: bash\nexecutor: proc\ncomposition: steps\n"
                 f"argspec: {{args: [{{name: text, type: string}}]}}\nsteps:\n{steps}")
        self.serve()
        most = 120 * 1024 - len('{"text":""},')
        for size, planned, accepted in ((most, 200, 201), (most + 1, 422, 422)):
            asked = {"job_id": "large", "args": {"text": "a" * size}}
            self.assertEqual(self.caller.post("/plans", asked).status, planned)
            answer = self.caller.post("/runs", {**asked, "dry_run": True})
            self.assertEqual(answer.status, accepted, answer)
        self.assertEqual(self.ended(self.caller.get("/runs").json[0]["id"])["status"], "completed")


if __name__ == "__main__":
    unittest.main()
