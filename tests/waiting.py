"""Waiting in tests: for a condition, never for a moment. Looked at again as soon as something happened."""
import contextlib
import os
import select
import subprocess
import time

PATIENCE_S = 60  # Long, because only a test that fails waits so long.


def until(condition, what, on=(), limit_s=PATIENCE_S, look_again_s=0.02):
    """The first true value of `condition()`. In between it waits until something can be read from one of `on` (files,
    sockets; a process counts when it ends), at most `look_again_s`. A process that ends before ends the waiting."""
    deadline = time.monotonic() + limit_s
    processes = [one for one in on if isinstance(one, subprocess.Popen)]
    with contextlib.ExitStack() as watched:
        files = [one for one in on if one not in processes]
        for process in processes:
            if process.poll() is None:
                files.append(os.pidfd_open(process.pid))
                watched.callback(os.close, files[-1])
        while True:
            ended = [process for process in processes if process.poll() is not None]
            if found := condition():
                return found
            if ended:
                raise AssertionError(f"{ended[0].args[0]} ended with {ended[0].returncode} before this: {what}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {limit_s} s: {what}")
            select.select(files, [], [], look_again_s)
