"""Runs Python tests and writes what came out, test by test, with the rows each one shows.

    python3 tools/python_tests.py [--once] REPORT.json [FOLDER/PATTERN...]     tests/blackbox/house_test.py

A few that failed are run again, alone: what passes then is named `unsteady` and counts as passed, for a machine that others
slow down at the wrong moment must not hold a change up. --once takes the first answer: it is for finding such tests.
"""
import argparse
import json
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ("tests/blackbox/*_test.py", "tests/crash/*_test.py")
MOST_RETRIED = 4  # More at once are no accident.
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


def run(suite):
    return unittest.TextTestRunner(verbosity=2, resultclass=Outcomes).run(suite)


def try_again(outcomes):
    """Runs the few that failed once more; True when all of them passed then."""
    failed = [name for name, entry in outcomes.items() if entry["outcome"] == "failed"]
    if len(failed) > MOST_RETRIED:
        return False
    for name in failed:
        print(f"--- again, alone: {name}", flush=True)
        try:
            again = run(unittest.defaultTestLoader.loadTestsFromName(name))
        except (ImportError, AttributeError):
            continue
        if again.wasSuccessful() and again.testsRun == 1:
            outcomes[name].update(outcome="passed", unsteady=True)
    return all(entry["outcome"] != "failed" for entry in outcomes.values())


def main():
    parser = argparse.ArgumentParser(description="Runs Python tests.")
    parser.add_argument("--once", action="store_true", help="what failed is not run again")
    parser.add_argument("report", type=Path)
    parser.add_argument("wanted", nargs="*")
    arguments = parser.parse_args()
    report, wanted = arguments.report, arguments.wanted or DEFAULT
    outcomes, good = {}, True
    for folder, pattern in ((ROOT / Path(one).parent, Path(one).name) for one in wanted):
        if not any(folder.glob(pattern)):
            continue
        print(f"--- {folder.relative_to(ROOT)}/{pattern}", flush=True)
        suite = unittest.TestLoader().discover(str(folder), pattern, top_level_dir=str(folder))
        result = run(suite)
        good = good and (result.wasSuccessful() or not arguments.once and bool(result.outcomes) and try_again(result.outcomes))
        outcomes.update({f"{folder.name}.{name}": entry for name, entry in result.outcomes.items()})
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(outcomes, indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
