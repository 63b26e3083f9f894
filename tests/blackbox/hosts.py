"""Machines on one switch, as network namespaces: nodes on them reach each other only as long as the cables are plugged in."""
import ctypes
import os
import secrets
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

from running_cluster import Member, RunningCluster

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def why_not():
    """Why there can be no namespaces here; empty when there can."""
    name = f"mtry{secrets.token_hex(3)}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
    except OSError as error:
        return str(error)
    return ""


@contextmanager
def inside(namespace):
    """This thread's new sockets are of that namespace."""
    with open(f"/proc/self/task/{threading.get_native_id()}/ns/net", "rb") as before, open(f"/run/netns/{namespace}", "rb") as there:
        enter(there)
        try:
            yield
        finally:
            enter(before)


def enter(namespace):
    if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Host(Member):
    """A node that has a machine of its own."""

    def settle(self, switch, number):
        """Puts it on the switch."""
        self.switch, self.number = switch, number
        self.namespace = f"{switch}h{number}"
        self.port, self.bind = 8070, "0.0.0.0:8070"
        self.peer = f"10.77.0.{number}:18070"
        self.url = f"http://10.77.0.{number}:8070"
        self.prefix = ("ip", "netns", "exec", self.namespace)
        ip("netns", "add", self.namespace)
        ip("-n", self.namespace, "link", "set", "lo", "up")
        ip("-n", self.namespace, "link", "add", "eth0", "type", "veth", "peer", "name", f"p{number}", "netns", switch)
        ip("-n", switch, "link", "set", f"p{number}", "master", "br0")
        ip("-n", self.namespace, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
        self.plug()
        ip("-n", self.namespace, "link", "set", "eth0", "up")
        ip("-n", self.namespace, "route", "add", "224.0.0.0/4", "dev", "eth0")
        return self

    def plug(self):
        ip("-n", self.switch, "link", "set", f"p{self.number}", "up")

    def unplug(self):
        ip("-n", self.switch, "link", "set", f"p{self.number}", "down")

    def call(self, *arguments, **named):
        with inside(self.namespace):
            return super().call(*arguments, **named)


class Hosts(RunningCluster):
    """A cluster of one cluster key, each node on its own machine."""

    kind = Host

    def __init__(self, count, *flags):
        super().__init__(count, *flags, dev=False)
        self.switch = f"m{secrets.token_hex(3)}"
        key = Path(self.room) / "cluster.key"
        key.write_text(secrets.token_hex(32) + "\n")
        key.chmod(0o600)
        self._flags += ("--cluster-key-file", str(key))

    def __enter__(self):
        ip("netns", "add", self.switch)
        try:
            ip("-n", self.switch, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            ip("-n", self.switch, "link", "set", "br0", "up")
        except BaseException:
            ip("netns", "del", self.switch)
            raise
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        for name in (*(host.namespace for host in self.members), self.switch):
            ip("netns", "del", name)

    def add(self, *flags, node_id=None):
        return super().add(*flags, node_id=node_id).settle(self.switch, len(self.members))
