"""The verifier of exported logs against thousands of seeded damages [S0-08]: none missed, the right seq, no false alarm."""
import io
import os
import random
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests"))

from mutate_log import ZEROS, make_log, mutate  # noqa: E402
from verify_log import verify  # noqa: E402

MUTATIONS = int(os.environ.get("MUSTER_TEST_ROUNDS", "1")) * 2000
MUTATIONS = min(MUTATIONS, 10_000)
BINARY = os.environ.get("MUSTER", os.path.join(ROOT, "build", "release", "muster"))


def some_log(seed):
    rng = random.Random(f"size {seed}")
    count = rng.choice((4, 5, 7, 12, 30, 60))
    return make_log(seed, count, rng.choice((1, 1, 1, 2, 9, 10, 100, 12_345)))


def check(content, head=None, start=None):
    return verify(io.BytesIO(content), head, start)


def run_script(*arguments, stdin=None):
    script = os.path.join(ROOT, "tests", "verify_log.py")
    return subprocess.run([sys.executable, script, *arguments], input=stdin, capture_output=True, timeout=60)


class VerifyLogTest(unittest.TestCase):
    def test_good_logs_raise_no_alarm(self):
        """[S0-08] Good logs, whole, compacted and cut, are good."""
        for seed in range(300):
            log = some_log(seed)
            content = log.bytes()
            self.assertIsNone(check(content).bad, f"seed {seed}: {check(content)}")
            self.assertIsNone(check(content, log.head()).bad, f"seed {seed}")
            cut = len(log.lines) // 2
            rest = b"".join(line + b"\n" for line in log.lines[cut:])
            self.assertIsNone(check(rest, log.head(), log.seq(cut)).bad, f"seed {seed}")

    def test_every_damage_is_caught_at_the_right_seq(self):
        """[S0-08] Flips, deletions, swaps, insertions, truncations, edits with mended hashes."""
        for seed in range(MUTATIONS):
            log = some_log(seed % 500)
            damage = mutate(log, seed)
            with self.subTest(seed=seed, damage=damage.name, first=log.first, lines=len(log.lines)):
                self.assertEqual(check(damage.content, log.head()).bad, damage.bad)
                if not damage.needs_head:
                    self.assertEqual(check(damage.content).bad, damage.bad, "without a head")

    def test_malformed_lines_are_refused(self):
        """[S0-08] What is JSON but not a line of the log, and what is nearly JSON."""
        good = make_log(1, 1).lines[0]
        self.assertIsNone(check(good + b"\n").bad)
        tail = b'"data":{"x":%s}}\n'
        base = good[:good.index(b'"data":')]
        self.assertIsNone(check(base + tail % b"[1,-0,1e300]").bad)
        for value in (b"NaN", b"Infinity", b"1e400", b"01", b"1.", b".5", b"+1", b"'a'", b'"\\ud800"', b'"\t"', b'"\\x"', b" 1",
                      b"1 ", b"[1,]", b'"\xff"', b'"\xed\xa0\x80"', b"[" * 200 + b"]" * 200, b'1},"seq":{"y":2',
                      b'1},"extra":{"y":2', b"9" * 400):
            with self.subTest(value=value):
                self.assertEqual(check(base + tail % value).bad, 1)
        for old, new in ((b'"seq":1,', b'"seq":01,'), (b'"seq":1,', b'"seq":1.0,'), (b'"seq":', b'"s\\u0065q":'),
                         (b"T", b" "), (b"Z\",", b"z\","), (b'"epoch":', b'"epoch":-'), (b'"2026-01', b'"2026-13'),
                         (b'"2026', b'"1969'), (b'{"seq"', b' {"seq"'), (b'{"seq"', b'\xef\xbb\xbf{"seq"')):
            with self.subTest(old=old, new=new):
                self.assertEqual(check(good.replace(old, new, 1) + b"\n").bad, 1)
        self.assertEqual(check(good + b"\r\n").bad, 1)
        self.assertEqual(check(good).bad, 1)

    def test_an_empty_file_is_an_empty_log(self):
        """[S0-08] Nothing is missing from an empty log unless a head was expected."""
        self.assertIsNone(check(b"").bad)
        self.assertIsNone(check(b"", (0, ZEROS)).bad)
        self.assertEqual(check(b"", (5, ZEROS)).bad, 1)

    def test_a_file_cut_from_the_middle_needs_to_be_called_one(self):
        """[S0-08] Dropping the first lines is a damage unless the reader says where the file starts."""
        log = make_log(3, 20)
        rest = b"".join(line + b"\n" for line in log.lines[5:])
        self.assertEqual(check(rest).bad, 1)
        self.assertIsNone(check(rest, start=6).bad)
        self.assertEqual(check(rest, start=5).bad, 5)

    def test_the_command_prints_and_exits_as_documented(self):
        """[S0-08] ok is 0, bad is 1, a usage error is 2; - reads standard input."""
        log = make_log(4, 10)
        seq, digest = log.head()
        done = run_script("-", "--expect-head", f"{seq}:{digest}", stdin=log.bytes())
        self.assertEqual((done.returncode, done.stdout.decode()), (0, f"ok: 10 lines, head {seq}:{digest}\n"))
        done = run_script("-", stdin=log.bytes().replace(b'"seq":4,', b'"seq":5,'))
        self.assertEqual((done.returncode, done.stdout.decode()), (1, "bad: seq 4: seq is 5\n"))
        self.assertEqual(run_script("-", "--expect-head", "nonsense", stdin=b"").returncode, 2)
        self.assertEqual(run_script("/nowhere/at/all").returncode, 2)


def binary_verifies():
    """Whether the node's binary is built and has the verb."""
    if not os.path.exists(BINARY):
        return False
    done = subprocess.run([BINARY, ":audit", "verify", "--help"], capture_output=True, timeout=30)
    return done.returncode == 0 and b"--expect-head" in done.stdout


@unittest.skipUnless(binary_verifies(), "the binary has no :audit verify yet")
class BinaryAgreesTest(unittest.TestCase):
    def binary(self, path, head, start=None):
        command = [BINARY, ":audit", "verify", path, "--expect-head", f"{head[0]}:{head[1]}"]
        if start:
            command += ["--from", str(start)]
        done = subprocess.run(command, capture_output=True, timeout=60)
        return done.returncode, done.stdout.decode().split(":")[:2] + [done.stderr.decode()]

    def test_both_verifiers_agree_on_every_file(self):
        """[S0-08] The node's verifier and this one say the same of good and broken files."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log.ndjson")
            for seed in range(MUTATIONS // 10):
                log = some_log(seed)
                content = log.bytes() if seed % 10 == 0 else mutate(log, seed).content
                with open(path, "wb") as file:
                    file.write(content)
                verdict = check(content, log.head())
                code, printed = self.binary(path, log.head())
                with self.subTest(seed=seed, first=log.first, said=printed):
                    self.assertEqual(code, 0 if verdict.bad is None else 1)
                    expected = ["ok", f" {verdict.lines} lines, head {log.head()[0]}"]
                    if verdict.bad is not None:
                        expected = ["bad", f" seq {verdict.bad}"]
                    self.assertEqual(printed[:2], expected)


if __name__ == "__main__":
    unittest.main()
