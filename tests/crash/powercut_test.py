"""Shows that the power-cut shim and rebuild.py keep what was synced and lose what was not: small programs run
under the shim, and the folder is rebuilt with many seeds."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rebuild  # noqa: E402
from node import SHIM  # noqa: E402


class PowerCut(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory()
        self.folder = os.path.join(os.path.realpath(self.room.name), "data")
        self.journal = os.path.join(self.room.name, "journal")
        self.fault = os.path.join(self.room.name, "fault")
        self.base = os.path.join(self.room.name, "base")
        os.mkdir(self.folder)
        os.mkdir(self.base)
        Path(self.fault).write_text("0")

    def tearDown(self):
        self.room.cleanup()

    def run_program(self, program):
        """Runs Python lines in the folder, under the shim. Returns what it printed."""
        env = dict(os.environ, LD_PRELOAD=SHIM, POWERCUT_DIR=self.folder, POWERCUT_JOURNAL=self.journal,
                   POWERCUT_FAULT=self.fault)
        lines = "import os, errno\nF=os.O_RDWR|os.O_CREAT\n" + program
        done = subprocess.run([sys.executable, "-S", "-c", lines], cwd=self.folder, env=env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def cuts(self, count=60, strict=False, moment=1 << 63):
        """The folder after a cut, as {name: bytes}, for many seeds."""
        found = []
        for seed in range(count):
            to = os.path.join(self.room.name, f"cut{seed}{strict}{moment}")
            for _, state in rebuild.cut_at(self.journal, self.folder, self.base, [moment], strict):
                state.cut(random.Random(seed), to)
            found.append({str(path.relative_to(to)): path.read_bytes() for path in Path(to).rglob("*") if path.is_file()})
            shutil.rmtree(to)
        return found

    def test_what_was_synced_is_there_and_what_was_not_may_be(self):
        self.run_program("f=os.open('a',F)\nos.write(f,b'x'*10000)\nos.fsync(f)\nos.write(f,b'y'*10000)")
        sizes = set()
        for state in self.cuts():
            self.assertEqual(state["a"][:10000], b"x" * 10000)
            self.assertLessEqual(set(state["a"][10000:]), set(b"y\0"))
            sizes.add(len(state["a"]))
        self.assertIn(10000, sizes)
        self.assertIn(20000, sizes)
        self.assertTrue(any(10000 < size < 20000 for size in sizes), "no write was ever torn")

    def test_an_unsynced_new_file_may_be_missing(self):
        self.run_program("f=os.open('a',F)\nos.write(f,b'x')")
        found = ["a" in state for state in self.cuts()]
        self.assertTrue(any(found) and not all(found))

    def test_a_strict_name_needs_its_folder_synced(self):
        program = "f=os.open('a',F)\nos.write(f,b'x')\nos.fsync(f)\n"
        self.run_program(program)
        self.assertTrue(all("a" in state for state in self.cuts()))
        self.assertFalse(all("a" in state for state in self.cuts(strict=True)))
        os.remove(self.journal)
        os.remove(os.path.join(self.folder, "a"))
        self.run_program(program + "d=os.open('.',os.O_RDONLY)\nos.fsync(d)")
        self.assertTrue(all("a" in state for state in self.cuts(strict=True)))

    def test_a_rename_replaces_at_once_or_not_at_all(self):
        Path(self.base, "current").write_text("old")
        Path(self.folder, "current").write_text("old")
        self.run_program("f=os.open('tmp',F)\nos.write(f,b'new')\nos.fsync(f)\nos.rename('tmp','current')")
        self.assertEqual({state["current"] for state in self.cuts()}, {b"old", b"new"})
        os.remove(self.journal)
        Path(self.folder, "current").write_text("old")
        self.run_program("f=os.open('tmp',F)\nos.write(f,b'new')\nos.fsync(f)\nos.rename('tmp','current')\n"
                         "os.fsync(os.open('.',os.O_RDONLY))")
        self.assertEqual({state["current"] for state in self.cuts()}, {b"new"})

    def test_an_unlinked_file_comes_back_whole_when_the_unlink_was_not_durable(self):
        self.run_program("f=os.open('a',F)\nos.write(f,b'x'*9000)\nos.fsync(f)\nos.fsync(os.open('.',os.O_RDONLY))\n"
                         "os.unlink('a')")
        states = {state.get("a") for state in self.cuts()}
        self.assertEqual(states, {None, b"x" * 9000})

    def test_writes_in_place_appends_truncations_and_allocations_are_replayed(self):
        self.run_program("f=os.open('a',F)\nos.write(f,b'0123456789')\nos.pwrite(f,b'AB',3)\nos.ftruncate(f,8)\n"
                         "g=os.open('a',os.O_WRONLY|os.O_APPEND)\nos.write(g,b'end')\nos.writev(g,[b'1',b'2'])\n"
                         "os.posix_fallocate(f,0,20)\nos.fdatasync(f)")
        live = Path(self.folder, "a").read_bytes()
        self.assertEqual(live, b"012AB567end12" + bytes(7))
        self.assertEqual({state["a"] for state in self.cuts()}, {live})

    def test_folders_are_made_and_moved(self):
        self.run_program("os.mkdir('one')\nf=os.open('one/a',F)\nos.write(f,b'x')\nos.fsync(f)\nos.rename('one','two')\n"
                         "g=os.open('two/b',F)\nos.write(g,b'y')\nos.fsync(g)")
        self.assertEqual([set(state) for state in self.cuts(5)], [{"two/a", "two/b"}] * 5)

    def test_a_cut_in_the_middle_knows_nothing_of_what_came_later(self):
        out = self.run_program("import time\nf=os.open('a',F)\nos.write(f,b'x')\nos.fsync(f)\n"
                               "print(time.monotonic_ns())\nos.write(f,b'y')\nos.fsync(f)")
        self.assertEqual({state["a"] for state in self.cuts(10, moment=int(out))}, {b"x"})

    def test_files_of_the_cpp_library_are_seen_and_stdio_is_refused(self):
        self.run_program("import ctypes\nc=ctypes.CDLL(None)\nc.fopen.restype=ctypes.c_void_p\n"
                         "f=ctypes.c_void_p(c.fopen(b'a',b'w'))\nc.fwrite(b'xy',1,2,f)\nc.fclose(f)")
        with self.assertRaises(rebuild.Untracked):
            self.cuts(1)

    def test_faults_are_switched_on_and_off_while_the_program_runs(self):
        out = self.run_program(
            f"f=os.open('a',F)\nw=os.open({self.fault!r},os.O_WRONLY)\n"
            "def attempt(kind,call):\n os.pwrite(w,kind,0)\n try:\n  call(); print('done')\n"
            " except OSError as e: print(errno.errorcode[e.errno])\n"
            "attempt(b'n',lambda: os.write(f,b'x'))\nattempt(b'w',lambda: os.pwrite(f,b'x',0))\n"
            "attempt(b's',lambda: os.fdatasync(f))\nattempt(b'r',lambda: os.open('b',F))\n"
            "attempt(b'0',lambda: os.write(f,b'x'))")
        self.assertEqual(out.split(), ["ENOSPC", "EIO", "EIO", "EROFS", "done"])


if __name__ == "__main__":
    unittest.main()
