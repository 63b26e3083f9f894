"""Machines on one switch, as network namespaces: nodes on them reach each other only as long as the cables are plugged in."""
import ctypes
import os
import secrets
import shutil
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


def why_not_lossy():
    """Why nothing can be lost by chance here; empty when it can."""
    if not shutil.which("nft"):
        return "there is no nft"
    return why_not()


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


class Machine:
    """A namespace with one cable to the switch."""

    def settle(self, switch, number):
        """Puts it on the switch."""
        self.switch, self.number = switch, number
        self.namespace = f"{switch}h{number}"
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

    def deaf_to(self, *others):
        """What these send does not arrive here; what is sent from here arrives there."""
        self.filter(*(f"ip saddr 10.77.0.{other.number} drop" for other in others))

    def lossy(self, percent):
        """So much of what arrives is lost by chance."""
        self.filter(f"numgen random mod 100 < {percent} drop")

    def heal(self):
        self.filter()

    def filter(self, *rules):
        """Only these from now on, for what comes in by the cable."""
        text = "\n".join(["flush ruleset", *(["table inet faults { chain input { type filter hook input priority 0;",
                                              *(f"iifname eth0 {rule}" for rule in rules), "}", "}", ""] if rules else [])])
        done = subprocess.run([*self.prefix, "nft", "-f", "-"], input=text, capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise OSError(f"nft: {done.stderr.strip()}\n{text}")


class Host(Machine, Member):
    """A node that has a machine of its own."""

    def settle(self, switch, number):
        self.port, self.bind = 8070, "0.0.0.0:8070"
        self.peer = f"10.77.0.{number}:18070"
        self.url = f"http://10.77.0.{number}:8070"
        return super().settle(switch, number)

    def call(self, *arguments, **named):
        with inside(self.namespace):
            return super().call(*arguments, **named)

    def connected(self, *arguments):
        with inside(self.namespace):
            return super().connected(*arguments)


class Hosts(RunningCluster):
    """A cluster of one cluster key, each node on its own machine."""

    kind = Host

    def __init__(self, count, *flags):
        super().__init__(count, *flags, dev=False)
        self.switch = f"m{secrets.token_hex(3)}"
        self.bystanders = []
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
        for name in (*(machine.namespace for machine in (*self.members, *self.bystanders)), self.switch):
            ip("netns", "del", name)

    def bystander(self, kind=Machine):
        """One more machine, with no node on it."""
        self.bystanders.append(kind().settle(self.switch, 200 + len(self.bystanders)))
        return self.bystanders[-1]

    def add(self, *flags, node_id=None):
        return super().add(*flags, node_id=node_id).settle(self.switch, len(self.members))
