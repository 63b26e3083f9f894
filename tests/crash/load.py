"""Clients that change nodes as fast as they can, and remember what was acknowledged and when."""
import contextlib
import http.client
import json
import os
import threading
import time
from dataclasses import dataclass

from node import PATIENCE_S, send

WRITERS = 6
LOOK_AGAIN_S = 0.02


@dataclass
class Acknowledged:
    """A registration that the node said it had committed."""
    node: str
    mark: str  # In no other registration.
    seq: int  # What the reply said; 0 when it said nothing.
    sent: int  # CLOCK_MONOTONIC, nanoseconds.
    at: int


class Load:
    """Runs writers until stop(); `acknowledged` is what replies said, `refused` what other replies said."""

    def __init__(self, node, writers=WRITERS):
        self.acknowledged = []
        self.refused = []
        self._heard = threading.Condition()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(node, n), daemon=True) for n in range(writers)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, what, count=1):
        """Waits until `what`, one of the two lists, has `count` entries more than now."""
        with self._heard:
            count += len(what)
            if not self._heard.wait_for(lambda: len(what) >= count, PATIENCE_S):
                raise AssertionError(f"{len(what)} of {count} replies within {PATIENCE_S} s")

    def _hear(self, what, reply):
        with self._heard:
            what.append(reply)
            self._heard.notify_all()

    def stop(self):
        with self._heard:
            self._stop.set()
            self._heard.notify_all()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a writer hangs: the node neither answers nor closes"
        return self

    def _write(self, node, number):
        try:
            with contextlib.closing(node.connect()) as connection:
                while not self._stop.is_set():
                    self._one(connection, f"crash-{number}")
        except (OSError, http.client.HTTPException):
            pass  # The node was killed: what is not acknowledged may or may not be there.

    def _one(self, connection, name):
        mark = os.urandom(8).hex()
        body = {"node_id": name, "host": "h", "ip": "10.0.0.1", "versions": {"mark": mark, "filler": "x" * 200}}
        sent = time.monotonic_ns()
        status, reply, headers = send(connection, "POST", "/v1/nodes/register", body)
        at = time.monotonic_ns()
        if status == 200:
            return self._hear(self.acknowledged, Acknowledged(name, mark, int(headers.get("X-Muster-Seq", 0)), sent, at))
        self._hear(self.refused, (status, json.loads(reply or b"{}").get("code", "")))
        self._wait_for_better()

    def _wait_for_better(self):
        """Until somebody is acknowledged again; looked at now and then, since nobody may be: the node has other things to do
        than to refuse."""
        with self._heard:
            before = len(self.acknowledged)
            self._heard.wait_for(lambda: self._stop.is_set() or len(self.acknowledged) > before, LOOK_AGAIN_S)
