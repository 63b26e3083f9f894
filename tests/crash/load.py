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
KEYED_ONE_IN = 2
LOOK_AGAIN_S = 0.02


@dataclass
class Registration:
    """One command, and what was heard of it."""
    node: str
    mark: str  # In no other registration.
    key: str  # Its Idempotency-Key; empty: it has none.
    sent: int  # CLOCK_MONOTONIC, nanoseconds.
    at: int = 0  # When the node said that it was committed; 0: it has not.
    seq: int = 0  # What the reply said.

    def send(self, connection):
        """Asks for it, once more when it was asked for before; (status, body bytes, headers)."""
        versions = {"mark": self.mark, "filler": "x" * 200}
        body = {"node_id": self.node, "host": "h", "ip": "10.0.0.1", "versions": versions}
        return send(connection, "POST", "/v1/nodes/register", body, key=self.key or None)


class Load:
    """Runs writers until stop(); `acknowledged` is what replies said, `refused` what other replies said, `unanswered` what
    nothing was heard of."""

    def __init__(self, node, writers=WRITERS):
        self.acknowledged = []
        self.unanswered = []
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
        one = Registration(name, mark, f"key-{mark}" if int(mark, 16) % KEYED_ONE_IN == 0 else "", time.monotonic_ns())
        try:
            status, reply, headers = one.send(connection)
        except (OSError, http.client.HTTPException):
            self._hear(self.unanswered, one)
            raise
        if status == 200:
            one.at, one.seq = time.monotonic_ns(), int(headers["X-Muster-Seq"])
            return self._hear(self.acknowledged, one)
        self._hear(self.refused, (status, json.loads(reply or b"{}").get("code", "")))
        self._wait_for_better()

    def _wait_for_better(self):
        """Until somebody is acknowledged again; looked at now and then, since nobody may be: the node has other things to do
        than to refuse."""
        with self._heard:
            before = len(self.acknowledged)
            self._heard.wait_for(lambda: self._stop.is_set() or len(self.acknowledged) > before, LOOK_AGAIN_S)
