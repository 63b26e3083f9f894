"""Runs Python tests, two files at once, and writes what came out, test by test, with the rows each one shows.

    python3 tools/python_tests.py [--once] [--lanes N] REPORT.json [FOLDER/PATTERN...]     tests/blackbox/house_test.py

A few that failed are run again, alone: what passes then is named `unsteady` and counts as passed, for a machine that others
slow down at the wrong moment must not hold a change up. --once takes the first answer: it is for finding such tests.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ("tests/blackbox/*_test.py", "tests/crash/*_test.py")
LANES = 2  # Most tests wait most of the time.
MOST_RETRIED = 4  # More at once are no accident.
SLOWEST = ("cluster_", "crash", "partition", "power", "package", "membership")  # Begun first, so that no lane ends with one.
ROW = re.compile(r"\bS[0-9]-[0-9]{2,3}[a-z]?\b")


class Outcomes(unittest.TextTestResult):
    """Remembers every test's outcome; a test with one failed part has failed."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.outcomes = {}

    def _note(self, test, outcome):
        test = getattr(test, "test_case", test)
        entry = self.outcomes.setdefault(test.id(), {"outcome": outcome, "rows": []})
        if entry["outcome"] != "failed":
            entry["outcome"] = outcome
        entry["rows"] = sorted(set(ROW.findall(getattr(test, "_testMethodDoc", None) or "")))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failed")

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "failed")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failed")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._note(test, "failed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._note(test, "failed")


def run_here(wanted, report):
    """Runs `wanted`, a file or one test of it as FILE:CLASS.METHOD, in this process."""
    file, _, test = wanted.partition(":")
    path = ROOT / file
    sys.path.insert(0, str(path.parent))
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromName(f"{path.stem}.{test}") if test else loader.loadTestsFromName(path.stem)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Outcomes).run(suite)
    report.write_text(json.dumps(result.outcomes))
    return 0 if result.wasSuccessful() else 1


def run_apart(wanted):
    """Runs `wanted` in a process of its own and shows what it printed; (whether all is well, what came out)."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        done = subprocess.run([sys.executable, __file__, "--here", str(report), wanted], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        outcomes = json.loads(report.read_text()) if report.exists() else {}
    print(f"--- {wanted}, {time.monotonic() - began:.0f} s\n{done.stdout}", end="", flush=True)
    return done.returncode == 0 and bool(outcomes), outcomes


def try_again(failed):
    """Runs the few that failed once more, alone; True when all of them passed then."""
    if len(failed) > MOST_RETRIED:
        return False
    for file, name, entry in failed:
        good, _ = run_apart(f"{file}:{name.partition('.')[2]}")
        if good:
            entry.update(outcome="passed", unsteady=True)
    return all(entry["outcome"] != "failed" for *_, entry in failed)


def files_of(patterns):
    """The files to run, the slow ones first."""
    found = [path.relative_to(ROOT) for one in patterns for path in sorted(ROOT.glob(one))]
    return sorted(found, key=lambda path: not path.name.startswith(SLOWEST))


def main():
    parser = argparse.ArgumentParser(description="Runs Python tests.")
    parser.add_argument("--once", action="store_true", help="what failed is not run again")
    parser.add_argument("--lanes", type=int, default=LANES, help="files at once (default: %(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # One file, in this process.
    parser.add_argument("report", type=Path)
    parser.add_argument("wanted", nargs="*")
    arguments = parser.parse_args()
    if arguments.here:
        return run_here(arguments.wanted[0], arguments.report)
    files = files_of(arguments.wanted or DEFAULT)
    with ThreadPoolExecutor(arguments.lanes) as lanes:
        ran = list(zip(files, lanes.map(run_apart, map(str, files))))
    outcomes = {f"{file.parent.name}.{name}": entry for file, (_, entries) in ran for name, entry in entries.items()}
    failed = [(file, name, entry) for file, (_, entries) in ran for name, entry in entries.items() if entry["outcome"] == "failed"]
    broken = [str(file) for file, (good, entries) in ran if not good and not any(one["outcome"] == "failed" for one in entries.values())]
    if broken:
        print("could not be run: " + ", ".join(broken))
    good = not broken and (not failed or not arguments.once and try_again(failed))
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    arguments.report.write_text(json.dumps(outcomes, indent=1))
    return 0 if good and outcomes else 1


if __name__ == "__main__":
    sys.exit(main())
