"""Avahi's daemon and its avahi-browse on a machine of their own: a program that knows nothing of ours looks at what is advertised."""
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from hosts import Machine
from waiting import until

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
DAEMON = """[server]
host-name=w{name}
use-ipv4=yes
use-ipv6=no
allow-interfaces=eth0
[wide-area]
enable-wide-area=no
[publish]
disable-publishing=yes
"""
# Its own /run: a daemon on this machine has its socket there, too.
START = 'mkdir -p /run/avahi-daemon && mount -t tmpfs tmpfs /run/avahi-daemon && exec avahi-daemon -f "$1" --no-drop-root --no-chroot --no-rlimits'


def why_no_avahi():
    """Why Avahi cannot look here; empty when it can."""
    missing = [name for name in ("avahi-daemon", "avahi-browse", "dbus-daemon") if not shutil.which(name)]
    return f"there is no {', '.join(missing)}" if missing else ""


class Watcher(Machine):
    """`with cluster.bystander(Watcher) as watcher:` runs the daemon until the block ends."""

    def __enter__(self):
        self._room = tempfile.TemporaryDirectory()
        room = Path(self._room.name)
        self._environment = {"PATH": os.environ["PATH"], "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={room / 'bus'}"}
        (room / "bus.conf").write_text(BUS.format(socket=room / "bus"))
        (room / "avahi.conf").write_text(DAEMON.format(name=secrets.token_hex(4)))
        self._output = open(room / "output", "wb")
        self._processes = []
        try:
            self._look(room)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _look(self, room):
        self._start("dbus-daemon", f"--config-file={room / 'bus.conf'}", "--nofork", "--nopidfile")
        until((room / "bus").exists, "the bus is there", on=self._processes)
        self._start(*self.prefix, "unshare", "-m", "sh", "-c", START, "avahi", room / "avahi.conf")
        until(lambda: self._browse("-a").returncode == 0, "Avahi answers", on=self._processes)

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.terminate()
            process.wait(30)
        self._output.close()
        self._room.cleanup()

    def _start(self, *command):
        self._processes.append(subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL, stdout=self._output,
                                                stderr=self._output))

    def _browse(self, *what):
        return subprocess.run(["avahi-browse", "--parsable", "--terminate", *what], env=self._environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)

    def services(self, kind):
        """Who advertises that kind: name -> (address, port, text)."""
        rows = [line.split(";", 9) for line in self._browse("--resolve", kind).stdout.splitlines() if line.startswith("=")]
        return {row[3]: (row[7], int(row[8]), row[9]) for row in rows}
