"""The list of rows that finished work owns is no ornament: a row that no passing test shows fails the tests."""
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class RowsTest(unittest.TestCase):
    def rows(self, report):
        """(exit status, output) of the check, when these are the Python tests' outcomes and there are no others."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "python.json")
            path.write_text(json.dumps(report))
            done = subprocess.run([sys.executable, ROOT / "tools" / "rows", "--strict", "--python", path, "--unit", Path(folder, "none.xml")],
                                  capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout

    def finished(self):
        """The rows of tools/finished_rows.txt, as the check itself lists them when nothing passes."""
        status, output = self.rows({})
        self.assertEqual(status, 1)
        return re.findall(r"^(S\d-\w+)  ", output, re.MULTILINE)

    def test_every_finished_row_has_to_be_shown_by_a_test_that_passes(self):
        """All shown: good. One test fails, is skipped or is gone: not good, and the row is named."""
        rows = self.finished()
        self.assertGreater(len(rows), 50)
        good = {f"a.{row}": {"outcome": "passed", "rows": [row]} for row in rows}
        self.assertEqual(self.rows(good), (0, f"{len(rows)} of {len(rows)} finished rows have a passing test\n"))
        lost = rows[7]
        for outcome in ("failed", "skipped", None):
            report = dict(good)
            if outcome:
                report[f"a.{lost}"] = {"outcome": outcome, "rows": [lost]}
            else:
                del report[f"a.{lost}"]
            status, output = self.rows(report)
            self.assertEqual(status, 1)
            self.assertTrue(output.startswith(lost), output)
            self.assertIn(f"{len(rows) - 1} of {len(rows)}", output)

    def test_a_row_that_is_no_requirement_is_named(self):
        """A slip in a test's tag."""
        status, output = self.rows({"a.b": {"outcome": "passed", "rows": ["S1-99"]}})
        self.assertEqual(status, 1)
        self.assertIn("S1-99  is not in docs/requirements.md", output)

    def test_no_row_is_named_where_it_does_not_count(self):
        """In the name of a C++ test; nor in a file whose tests nobody looks at."""
        for path in sorted((ROOT / "tests").rglob("*.cpp")):
            text = path.read_text()
            self.assertEqual(re.findall(r'TEST_CASE\w*\([^"]*("(?:[^"\\]|\\.)*\[S\d-\d+[^"]*")\s*[,)]', text), [], path)
            if not path.name.endswith("_test.cpp"):
                self.assertNotRegex(text, r"\[S\d-\d", path)

    def test_tools_test_asks_for_every_row(self):
        """The check is strict where it counts."""
        sys.path.insert(0, str(ROOT / "tools"))
        self.addCleanup(sys.path.remove, str(ROOT / "tools"))
        import suite
        asked = []
        self.addCleanup(setattr, suite, "run", suite.run)
        suite.run = lambda command, *_: asked.append(command) or 1
        tally = suite.Tally()
        suite.rows(tally)
        self.assertIn("--strict", asked[0])
        self.assertEqual((tally.failed, tally.broken), (1, ["rows (1)"]))


if __name__ == "__main__":
    unittest.main()
