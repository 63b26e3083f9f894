"""The steps of tools/test: builds, runs every kind of test, counts what really passed and failed.

    tools/test           format, release build, unit and black-box tests, rows
    tools/test --only asan,lint     of what --all adds, some of it
    tools/test --all     also: sanitizers, clang-tidy, fuzzers, long crash rounds, benchmarks
"""
import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "test"

# Rows that finished work owns and no passing test shows: True makes them fail tools/test, False only lists them.
ROWS_STRICT = True

JOBS = "2"
# Far more than a quiet machine needs: a slow one is no failure.
BUILD_LIMIT_S, UNIT_LIMIT_S, PYTHON_LIMIT_S, LONG_LIMIT_S = 2400, 1200, 2400, 7200
ONE_TEST_LIMIT_S = "300"
FUZZ_S = 60
FRAMES_S = 3600  # What comes over the members' network is fuzzed for longer: --fuzz-frames.
FRAME_FUZZERS = ("peer_frame", "raft_frame")
WITHOUT_CAF = ("base", "events", "domain", "projections", "adapters", "consensus")
LONG_ROUNDS = "10"  # MUSTER_TEST_ROUNDS of tools/test --all, unless the caller sets it.


class Tally:
    """What passed, failed and was skipped, over all steps."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.broken, self.unsteady = [], []

    def add(self, step, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        if failed:
            self.broken.append(f"{step} ({failed})")


def run(command, limit_s, environment=None):
    """Runs a command with its output going through; its exit status, or 124 when it took too long."""
    shown = " ".join(map(str, command))
    print(f"+ {shown if len(shown) < 200 else shown[:200] + ' ...'}", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL)
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        print(f"stopped: it took longer than {limit_s} s", flush=True)
        return 124


def check(tally, name, command, limit_s, environment=None):
    """A step that passes or fails as a whole."""
    good = run(command, limit_s, environment) == 0
    tally.add(name, int(good), int(not good))
    return good


def sources(*endings):
    """Every source file of the tree."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in ("build", "data") and not name.startswith("."))
        for name in sorted(files):
            if name.endswith(endings):
                yield Path(folder, name).relative_to(ROOT)


def format_check(tally):
    check(tally, "format", ["clang-format-14", "--dry-run", "-Werror", *map(str, sources(".cpp", ".hpp"))], 300)


def build(tally, preset, *targets, configure=None):
    configured = run(["cmake", "--preset", configure or preset], 300) == 0
    built = configured and run(["cmake", "--build", "--preset", preset, "-j", JOBS, *(["--target", *targets] if targets else [])], BUILD_LIMIT_S) == 0
    tally.add(f"{preset} build", int(built), int(not built))
    return built


def unit(tally, preset, *options):
    """ctest, counted from its JUnit file. Without --all, a test gets a second try: tools/python_tests.py says why."""
    report = OUT / f"unit-{preset}.xml"
    report.unlink(missing_ok=True)
    status = run(["ctest", "--test-dir", f"build/{preset}", "-j", JOBS, "--timeout", ONE_TEST_LIMIT_S,
                  "--output-on-failure", "--progress", "--output-junit", str(report), *options], UNIT_LIMIT_S)
    if not report.exists():
        tally.add(f"{preset} unit tests", 0, 1)
        return
    states = [case.get("status") for case in ElementTree.parse(report).getroot().iter("testcase")]
    failed = sum(state == "fail" for state in states)
    skipped = sum(state in ("notrun", "disabled", "skipped") for state in states)
    passed = sum(state == "run" for state in states)
    if status != 0 and not failed or not states:
        failed += 1
    tally.add(f"{preset} unit tests", passed, failed, skipped)


def python_tests(tally, limit_s, environment=None, once=False):
    """The tests in Python: of the house, of the binary from outside, of crashes."""
    report = OUT / "python.json"
    report.unlink(missing_ok=True)
    status = run([sys.executable, "tools/python_tests.py", *(["--once"] if once else []), str(report)], limit_s, environment)
    found = json.loads(report.read_text()) if report.exists() else {}
    tally.unsteady += [name for name, one in found.items() if one.get("unsteady")]
    outcomes = list(found.values())
    count = {name: sum(one["outcome"] == name for one in outcomes) for name in ("passed", "failed", "skipped")}
    if status != 0 and not count["failed"]:
        count["failed"] = 1
    tally.add("python tests", count["passed"], count["failed"], count["skipped"])


def rows(tally):
    command = ["tools/rows", "--unit", str(OUT / "unit-release.xml"), "--python", str(OUT / "python.json")]
    check(tally, "rows", command + (["--strict"] if ROWS_STRICT else []), 60)


def lint(tally, _):
    check(tally, "clang-tidy", ["tools/lint"], LONG_LIMIT_S)


def fuzz(tally, frames_s):
    """Every fuzzer of tests/fuzz, with sanitizers, from its seeds: for a minute, those of frames for `frames_s`."""
    if not build(tally, "fuzz", configure="debug"):
        return
    for source in sorted((ROOT / "tests" / "fuzz").glob("*.cpp")):
        seconds = frames_s if source.stem in FRAME_FUZZERS else FUZZ_S
        check(tally, f"{source.stem} fuzzer", ["tests/fuzz/run", str(seconds), source.stem], seconds + 120)


def asan(tally, _):
    if build(tally, "debug"):
        unit(tally, "debug")


def tsan(tally, _):
    # CAF's own queues are opaque to TSan: what is not CAF is checked.
    if build(tally, "tsan", *(f"{layer}_tests" for layer in WITHOUT_CAF)):
        unit(tally, "tsan", "--tests-regex", f"^({'|'.join(WITHOUT_CAF)}):")


def bench(tally, _):
    program = ROOT / "tests" / "bench" / "run"
    if program.exists():
        check(tally, "benchmarks", [str(program)], LONG_LIMIT_S)


LONG_STEPS = {"lint": lint, "asan": asan, "tsan": tsan, "fuzz": fuzz, "bench": bench}  # What --all adds, each with how long frames are fuzzed.


def steps_of(text):
    """--only's words."""
    names = text.split(",")
    if unknown := [name for name in names if name not in LONG_STEPS]:
        raise argparse.ArgumentTypeError(f"no such step: {', '.join(unknown)}; there are {', '.join(LONG_STEPS)}")
    return names


def main():
    parser = argparse.ArgumentParser(prog="tools/test", description="Builds and runs the tests.")
    parser.add_argument("--all", action="store_true", help="also sanitizers, clang-tidy, fuzzers, long crash rounds, benchmarks")
    parser.add_argument("--fuzz-frames", type=int, default=FRAMES_S, metavar="SECONDS",
                        help="with --all: fuzz what comes over the members' network for so long (default: %(default)s)")
    parser.add_argument("--only", type=steps_of, metavar="STEP,...",
                        help="of what --all adds these steps alone, after a build: " + ", ".join(LONG_STEPS))
    arguments = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    began, tally = time.monotonic(), Tally()
    format_check(tally)
    if build(tally, "release") and not arguments.only:
        rounds = {"MUSTER_TEST_ROUNDS": os.environ.get("MUSTER_TEST_ROUNDS", LONG_ROUNDS)} if arguments.all else None
        unit(tally, "release", *([] if arguments.all else ["--repeat", "until-pass:2"]))
        python_tests(tally, LONG_LIMIT_S if arguments.all else PYTHON_LIMIT_S, rounds, arguments.all)
        rows(tally)
    for name in arguments.only or (LONG_STEPS if arguments.all else ()):
        LONG_STEPS[name](tally, arguments.fuzz_frames)
    print(f"\n{time.monotonic() - began:.0f} s")
    if tally.skipped:
        print(f"{tally.skipped} skipped")
    if tally.unsteady:
        print("passed at the second try only: " + ", ".join(tally.unsteady))
    if tally.broken:
        print("failed: " + ", ".join(tally.broken))
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
