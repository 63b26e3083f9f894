"""The rows that measure the command line: completing a word, finding jobs, running one without a server."""
import os
import time

from figure import Figure
from servers import BINARY, ROOT, program

JOBS, MANY_JOBS, CALLS, RUNS = 500, 10_000, 1_000, 20
EMBEDDED_MS = 60  # What a run may take beside its script.
CONFIG = """job: {{id: team{team:02}.job{n:05}, name: Job {n}, summary: Does the thing number {n}}}
interpreter: "/usr/bin/env bash"
timeout: 300
argspec:
  args:
    - {{name: name, type: string, required: true, description: Whom to greet}}
    - {{name: loud, type: boolean, default: false}}
    - {{name: tone, type: string, enum: [warm, cold]}}
"""


def make_tree(root, jobs):
    """So many jobs in twenty folders, old enough for what is known of them to be trusted."""
    for n in range(jobs):
        folder = root / f"team{n % 20:02}" / f"job{n:05}" / "config.d"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIG.format(team=n % 20, n=n))
    return root


def timed(command, environment, folder):
    """Milliseconds from starting a process to its end."""
    out = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    os.chdir(folder)
    began = time.monotonic()
    pid = os.posix_spawnp(command[0], [str(word) for word in command], environment, file_actions=out)
    status = os.waitpid(pid, 0)[1]
    took = (time.monotonic() - began) * 1e3
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {os.waitstatus_to_exitcode(status)}")
    return took


def completion(bench):
    """A tab, the whole process: words, flags and values in turn, in a tree of 500 jobs."""
    root = make_tree(bench.fresh("tree"), JOBS)
    environment = {**os.environ, "MUSTER_SCRIPTS_ROOT": str(root), "XDG_CACHE_HOME": str(bench.fresh("cache"))}
    last = f"job{JOBS - 1:05}"
    lines = ([""], ["team19", ""], ["team19", last, "--"], ["team19", last, "--tone", ""])
    first = timed([BINARY, "__complete", "1", ""], environment, ROOT)
    timed([BINARY, "__complete", "1", ""], environment, ROOT)
    took = sorted(timed([BINARY, "__complete", "1", *lines[n % len(lines)]], environment, ROOT) for n in range(bench.times(CALLS)))
    for share, limit in ((50, 12), (95, 20), (99, 35)):
        yield Figure(f"a tab among {JOBS} jobs, p{share}", took[len(took) * share // 100], "ms", limit)
    yield Figure("a tab among verbs, p50", sorted(timed([BINARY, "__complete", "1", ":"], environment, ROOT) for _ in took)[len(took) // 2], "ms")
    yield Figure("the first tab, nothing kept yet", first, "ms")


def discovery(bench):
    """Jobs of a tree: read for the first time, and looked at again when nothing changed."""
    jobs = bench.times(MANY_JOBS)
    got = program("discovery", root=make_tree(bench.fresh("many"), jobs))
    yield Figure("jobs that were not found", jobs - got["jobs"], "requests", 0)
    yield Figure(f"discovery of {jobs:,} jobs, cold", got["cold_ms"], "ms", 1000)
    yield Figure(f"discovery of {jobs:,} jobs, unchanged", got["again_ms"], "ms", 100)


def embedded(bench):
    """`muster demo` without a server, the whole process with its three scripts, beside bash running them by themselves."""
    scripts = sorted((ROOT / "scripts" / "demo").glob("[019]*.sh"))
    environment = {**os.environ, "MUSTER_SCRIPTS_ROOT": str(ROOT / "scripts"), "MUSTER_DATA": str(bench.fresh("embedded")),
                   "ARG_NAME": "ana", "ARG_TIMES": "1"}
    command = [BINARY, "demo", "--name", "ana", "-q"]
    timed(command, environment, ROOT)  # Founds the log.
    runs = range(bench.times(RUNS))
    took = sorted(timed(command, environment, ROOT) for _ in runs)
    alone = sorted(sum(timed(["bash", script], environment, bench.folder) for script in scripts) for _ in runs)
    yield Figure("muster demo, embedded, p50", took[len(took) // 2], "ms", 1.5, reference=alone[len(alone) // 2] + EMBEDDED_MS,
                 against=f"bash by itself and {EMBEDDED_MS} ms")


JOB_ROWS = {row.__name__: row for row in (completion, discovery, embedded)}
