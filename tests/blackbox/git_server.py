"""A git repository, and a real `git daemon` that serves it on loopback."""
import os
import socket
import subprocess
from pathlib import Path

from running_node import free_port
from waiting import until

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
               "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_NOSYSTEM": "1"}


class Repository:
    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *words):
        done = subprocess.run(["git", *words], cwd=self.path, env=ENVIRONMENT, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message="next"):
        """All that is there; the commit's hash."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


class GitDaemon:
    """`with GitDaemon(folder) as daemon:` serves every repository below the folder at daemon.url."""

    def __init__(self, folder):
        self.folder, self.port = Path(folder), free_port()
        self.url = f"git://127.0.0.1:{self.port}"
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={self.port}", f"--base-path={self.folder}",
                                          str(self.folder)], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

        def answers():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        until(answers, "the git daemon answers", on=[self._process])
        return self

    def __exit__(self, *_):
        os.killpg(self._process.pid, 15)
        self._process.wait(15)
