"""Completion: the candidates of a line from outside, and what bash, zsh and fish make of them in a terminal."""
import json
import os
import re
import shutil
import subprocess
import unittest

from jobs_tree_test import SHIPPED, Folder
from running_node import BINARY, ROOT
from waiting import until

CONFIG = """job: {id: demo, summary: 'Says "hello" \\ twice'}
interpreter: bash
argspec:
  args:
    - {name: name, type: string, required: true, description: Whom to greet}
    - {name: loud, type: boolean}
    - {name: tone, type: string, enum: [warm, cold]}
    - {name: token, type: string, format: secret}
"""


class CompleteTest(Folder):
    def complete(self, *words, environment=None, status=0):
        home = {"HOME": str(self.folder / "home"), **(environment or {})}
        lines = self.muster("__complete", *words, environment=home, status=status).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def inserts(self, *words, **named):
        return [candidate["insert"] for candidate in self.complete("1", *words, **named)]

    def test_jobs_and_aliases_are_words(self):
        """[S3-20] The shipped jobs, an alias with what it stands for, and folders with jobs below them."""
        root = {"MUSTER_SCRIPTS_ROOT": str(SHIPPED)}
        found = self.complete("1", "h", environment=root)
        self.assertEqual(found, [{"insert": "hello-demo", "type": "segment",
                                  "display": "hello-demo (alias -> demo, Shortcut for the demo job)"}])
        self.assertEqual(self.complete("1", "h", environment={"FLWD_SCRIPTS_ROOT": str(SHIPPED)}), found)
        self.assertEqual(self.complete("1", "--scripts-root", str(SHIPPED), "h"), found)
        self.assertEqual(self.complete("1", f"--scripts-root={SHIPPED}", "h"), found)
        self.write("scripts/a/b/c/config.yaml", "job: {id: x, summary: Deep}\ninterpreter: bash\n")
        self.assertEqual(self.inserts("a", "b", ""), ["c"])
        self.assertEqual(self.inserts("A"), ["a"])

    def test_flags_and_values_of_arguments(self):
        """[S3-21] Through an alias, behind a bare --, and as --flag=value."""
        root = {"MUSTER_SCRIPTS_ROOT": str(SHIPPED)}
        flags = self.inserts("hello-demo", "", environment=root)
        self.assertLess({"--name", "--loud", "--json", "--dry-run", "-v"}, set(flags))
        self.assertEqual(self.inserts("hello-demo", "--", "--loud", "", environment=root), ["false", "true"])
        self.write("scripts/demo/config.yaml", CONFIG)
        self.assertEqual(self.inserts("demo", "--tone", ""), ["cold", "warm"])
        self.assertEqual(self.inserts("demo", "--tone=W"), ["--tone=warm"])
        self.write("scripts/group/inner/config.yaml", "interpreter: bash\njob: {id: inner}\n")
        self.write("scripts/flwd.yaml", "aliases: [{from: demo, to: greet}, {from: demo, to: group}]\n")
        for _ in range(2):  # Read, and then kept.
            for name in ("demo", "DEMO", "greet", "group"):
                self.assertEqual(self.inserts(name, "--to"), ["--token", "--tone"], name)

    def test_verbs_come_behind_a_colon(self):
        """[S3-20] With their own flags and words, whatever is in the tree."""
        self.write("scripts/demo/config.yaml", CONFIG)
        self.assertEqual(self.inserts(":jo"), [":jobs"])
        self.assertEqual(self.inserts("jo"), [])
        self.assertEqual(self.inserts(":token", "rev"), ["revoke"])
        self.assertEqual(self.inserts(":config", "-log", "j"), ["json"])
        self.assertEqual(self.inserts("--scr"), ["--scripts-root"])
        self.assertEqual(self.inserts("--scripts-root", ""), [])

    def test_what_changed_is_seen_at_once(self):
        """[S3-20] A file that is new, other or gone counts in the next call, although what was read is kept."""
        self.write("scripts/one/config.yaml", "interpreter: bash\n")
        self.assertEqual(self.inserts("o"), ["one"])
        self.assertEqual(len(list((self.folder / "home/.cache/muster").glob("*.outline"))), 1)
        self.write("scripts/other/config.yaml", "interpreter: bash\n")
        self.assertEqual(self.inserts("o"), ["one", "other"])
        for summary in ("First", "Other"):  # Of the same size, and within one tick of the clock.
            self.write("scripts/one/config.yaml", f"interpreter: bash\njob: {{summary: {summary}}}\n")
            self.assertEqual(self.complete("1", "one")[0]["display"], summary)
        shutil.rmtree(self.folder / "scripts/one")
        self.assertEqual(self.inserts("o"), ["other"])
        self.write("scripts/flwd.yaml", "aliases: [{from: other, to: over}]\n")
        self.assertEqual(self.inserts("o"), ["other", "over"])

    def test_a_damaged_cache_costs_nothing_but_time(self):
        """Cut, changed in any part, somebody else's tree, a folder in its place or one that cannot be written."""
        self.write("scripts/demo/config.yaml", CONFIG)
        flags = self.inserts("demo", "--t")
        kept, = (self.folder / "home/.cache/muster").glob("*.outline")
        whole = kept.read_bytes()
        for damaged in (b"", whole[:20], whole[:-1], whole + b"x", b"\xff" * len(whole),
                        *(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1:] for at in range(0, len(whole), 37))):
            kept.write_bytes(damaged)
            self.assertEqual(self.inserts("demo", "--t"), flags)
            self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.assertEqual(kept.read_bytes()[:17], whole[:17])
        kept.unlink()
        kept.mkdir()
        self.assertEqual(self.inserts("demo", "--t"), flags)
        for place in ({"HOME": ""}, {"HOME": "/proc/nowhere"}, {"XDG_CACHE_HOME": "/dev/null"}):
            self.assertEqual(self.inserts("demo", "--t", environment=place), flags)
        elsewhere = self.folder / "elsewhere"
        self.assertEqual(self.inserts("demo", "--t", environment={"XDG_CACHE_HOME": str(elsewhere)}), flags)
        self.assertEqual(len(list((elsewhere / "muster").iterdir())), 1)

    def test_a_broken_tree_still_completes(self):
        """[S3-20] Files that are no YAML, an id with dots, settings and a muster.yaml that are wrong, a root that is none."""
        self.write("scripts/demo/config.yaml", CONFIG)
        self.write("scripts/broken/config.yaml", "{[\n")
        self.write("scripts/dots/config.yaml", "job: {id: a..b}\ninterpreter: bash\n")
        self.write("scripts/flwd.yaml", "aliases: {{{\n")
        self.assertEqual(self.inserts(""), ["completion", "demo"])
        self.assertEqual(self.inserts("", environment={"MUSTER_LOG": "loudly"}), ["completion", "demo"])
        self.write("muster.yaml", "nothing: here\nscripts-root: [\n")
        self.assertEqual(self.inserts("", environment={"FLWD_SCRIPTS_ROOT": "scripts"}), ["completion", "demo"])
        self.assertEqual(self.inserts("", environment={"FLWD_SCRIPTS_ROOT": "muster.yaml"}), ["completion"])
        self.assertEqual(self.inserts("", environment={"FLWD_SCRIPTS_ROOT": "nowhere"}), ["completion"])

    def test_an_index_is_needed_and_many_words_are_bearable(self):
        """[S3-20] A missing index and one that is no whole number are errors; ten thousand words are none."""
        for words in ((), ("x",), ("1x",), ("",), ("99999999999999999999",)):
            self.assertEqual(self.complete(*words, status=1), [])
        self.assertEqual(self.inserts(*["demo"] * 10_000), [])
        self.assertEqual(self.inserts("x" * 100_000), [])
        self.assertEqual(self.inserts("--scripts-root"), ["--scripts-root"])

    def test_what_cannot_be_typed_is_not_offered(self):
        """[S3-20] A name with a line feed would be two lines of a shell's; a summary does not steer the terminal."""
        self.write("scripts/two\nlines/config.yaml", "interpreter: bash\njob: {id: x}\n")
        self.write("scripts/red/config.yaml", 'interpreter: bash\njob: {summary: "\\e[31mred"}\n')
        found = self.complete("1", "")
        self.assertEqual([candidate["insert"] for candidate in found], ["completion", "red"])
        self.assertNotIn("\x1b", found[1]["display"])


SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--private", "-i"],
}
READY = {
    "bash": "unset HISTFILE; PS1='ready> '; source <(muster completion bash); bind 'set bell-style none'; clear",
    "zsh": "PROMPT='ready> '; autoload -U compinit; compinit -u -D; source <(muster completion zsh); clear",
    "fish": "function fish_prompt; echo 'ready> '; end; muster completion fish | source; clear",
}


@unittest.skipUnless(shutil.which("tmux"), "there is no tmux")
class ShellTest(Folder):
    """One terminal a test; a line is typed, and what stands on the screen afterwards is the answer."""

    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        for name in ("muster", "flwd"):
            (self.folder / "bin" / name).symlink_to(BINARY)
        self.write("scripts/demo/config.yaml", CONFIG)
        self.write("scripts/deploy/all of it/config.yaml", "interpreter: bash\njob: {id: all}\n")
        self.write("scripts/deploy/back\\slash/config.yaml", "interpreter: bash\njob: {id: back}\n")
        self.write("scripts/it's/config.yaml", "interpreter: bash\njob: {id: its}\n")
        self.write("scripts/flwd.yaml", "aliases: [{from: demo, to: greet, description: As demo}]\n")

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-S", self.folder / "tmux", "-f", "/dev/null", *words], env=self.environment, cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def shows(self, pattern):
        try:
            until(lambda: re.search(pattern, self.screen()), pattern, limit_s=20)
        except AssertionError:
            self.fail(f"{pattern!r} is not on the screen:\n{self.screen()}")

    def open(self, shell):
        if not shutil.which(shell):
            self.skipTest(f"there is no {shell}")
        self.environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(self.folder), "TERM": "screen",
                            "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"}
        self.tmux("new-session", "-d", "-x", "160", "-y", "40", *SHELLS[shell])
        self.addCleanup(self.tmux, "kill-server")
        self.shows(r"\S")
        self.type(READY[shell], "Enter")
        self.shows(r"(?m)\Aready> *\s*\Z")

    def type(self, text, *keys):
        self.tmux("send-keys", "-l", text)
        if keys:
            self.tmux("send-keys", *keys)

    def next_line(self):
        """Gives the line up, on a screen that is empty again."""
        self.tmux("send-keys", "C-c")
        self.shows(r"(?m)^ready> *\s*\Z")
        self.type("clear", "Enter")
        self.shows(r"(?m)\Aready> *\s*\Z")

    def completes(self, typed, becomes):
        """`typed` and a tab become this line."""
        self.type(typed, "Tab")
        self.shows(rf"(?m)^ready> {re.escape(becomes)} *$")
        self.next_line()

    def offers(self, typed, *patterns):
        """`typed` and tabs list these."""
        self.type(typed, "Tab", "Tab")
        for pattern in patterns:
            self.shows(pattern)
        self.next_line()

    def lines(self):
        """What every shell makes of the same lines."""
        self.completes("muster dem", "muster demo")
        self.completes("flwd gre", "flwd greet")
        self.completes("muster greet --nam", "muster greet --name")
        self.completes("muster demo --tone c", "muster demo --tone cold")
        self.completes("muster demo --tone=w", "muster demo --tone=warm")
        self.completes("muster :vers", "muster :version")
        self.completes("muster deploy a", r"muster deploy all\ of\ it")
        self.completes("muster deploy b", r"muster deploy back\\slash")
        self.completes("muster it", r"muster it\'s")
        self.completes("muster --scripts-root=scripts dem", "muster --scripts-root=scripts demo")

    def test_bash(self):
        """[S3-10] Words, flags, values; names with spaces and quotes, also behind an open quote."""
        self.open("bash")
        self.lines()
        self.completes('muster deploy "all', 'muster deploy "all of it"')
        self.completes("muster deploy 'all o", "muster deploy 'all of it'")
        self.completes(r"muster deploy all\ o", r"muster deploy all\ of\ it")
        self.completes("X=1 muster dem", "X=1 muster demo")
        self.completes("true; muster dem", "true; muster demo")
        self.offers("muster de", r"\bdemo +deploy\b|\bdeploy +demo\b")

    def test_zsh(self):
        """[S3-11] And what a candidate is for."""
        self.open("zsh")
        self.lines()
        self.completes('muster deploy "all', 'muster deploy "all of it"')
        self.offers("muster d", r'demo +-- Says "hello" \\ twice')

    def test_fish(self):
        """[S3-12] And what a candidate is for."""
        self.open("fish")
        self.lines()
        self.completes('muster deploy "all', 'muster deploy "all of it"')
        self.offers("muster de", r'demo +\(Says "hello" \\ twice\)')

    def test_a_line_without_candidates_completes_files(self):
        """[S3-10] [S3-11] [S3-12] The value of a flag that is a path."""
        self.write("report.txt")
        for shell in SHELLS:
            with self.subTest(shell=shell):
                self.open(shell)
                self.completes("muster demo --report-file rep", "muster demo --report-file report.txt")
                self.tmux("kill-server")
                (self.folder / "tmux").unlink(missing_ok=True)
                self._cleanups.pop()


if __name__ == "__main__":
    unittest.main()
