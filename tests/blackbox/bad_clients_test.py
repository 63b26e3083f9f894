"""Clients that behave badly, or are simply many: the node stays there for the others."""
import contextlib
import json
import resource
import select
import socket
import time
import unittest

from caller import Caller
from node_case import NodeCase
from running_node import RunningNode

OPEN = {"POLICY_ALLOW_ANONYMOUS_PROXY": "true"}
LIMIT_S = 30


def more_files(count):
    """Lets this process, and the nodes that it starts, open that many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY in (soft, hard):
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), max(hard, count)))  # Raising the second needs root.


def metric(caller, name):
    for line in caller.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")


class SlowLorisTest(NodeCase):
    flags = ("--header-timeout", "700ms", "--body-timeout", "700ms", "--max-connections", "300")
    environment = OPEN

    def trickle(self, connection, text, until):
        """Sends a byte now and then, until the node has enough of it; what it said, and when."""
        began = time.monotonic()
        for byte in text:
            if time.monotonic() > until:
                break
            with contextlib.suppress(ConnectionError):
                connection.sendall(bytes([byte]))
            if select.select([connection], [], [], 0.05)[0]:
                return connection.recv(65536), time.monotonic() - began
        raise AssertionError("the node listened to the end")

    def connect(self):
        return self.enterContext(contextlib.closing(socket.create_connection(("127.0.0.1", self.node.port), LIMIT_S)))

    def test_headers_that_trickle_are_cut_off(self):
        """[S2-53] 408, counted from the first byte: each further one buys no time."""
        text = b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(200))
        reply, took = self.trickle(self.connect(), text, time.monotonic() + LIMIT_S)
        self.assertTrue(reply.startswith(b"HTTP/1.1 408 "), reply)
        self.assertIn(b'"code":"request.timeout"', reply)
        self.assertGreater(took, 0.6)
        self.assertLess(took, LIMIT_S)  # All of it takes longer.

    def test_a_body_that_trickles_is_cut_off(self):
        """[S2-53] 408, too."""
        connection = self.connect()
        connection.sendall(b"POST /v1/nodes/register HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n")
        reply, took = self.trickle(connection, b'{"node_id":"' + b"x" * 880, time.monotonic() + LIMIT_S)
        self.assertTrue(reply.startswith(b"HTTP/1.1 408 "), reply)
        self.assertLess(took, LIMIT_S)  # All of it takes longer.

    def test_many_of_them_do_not_keep_others_out(self):
        """[S2-53] They hold every connection there is; who comes is told to come again, and soon is served."""
        lorises = [self.connect() for _ in range(300)]
        for loris in lorises:
            loris.sendall(b"GET /v1/nodes HTTP/1.1\r\nX-Slow: ")
        answer = self.caller.get("/health")
        if answer.status != 200:  # Unless the first of them were cut off already.
            self.refused(answer, 429, "connections.exhausted")
            self.assertIn("Retry-After", answer.headers)
        self.caller.until("/health", lambda answer: answer.status == 200)
        for loris in lorises:
            self.assertTrue(loris.recv(4096).startswith(b"HTTP/1.1 408 "))


class IdleStreamsTest(NodeCase):
    environment = OPEN
    streams = 2000

    @classmethod
    def setUpClass(cls):
        more_files(2 * cls.streams + 500)
        super().setUpClass()

    def test_two_thousand_idle_streams_cost_little_and_hear_what_comes(self):
        """[S0-10] Half as NDJSON, half as SSE; commands and reads go on beside them; each hears one event, whole."""
        head = self.caller.get("/v1/status").json["seq"]
        before = metric(self.caller, "process_resident_memory_bytes")
        tails = [self.enterContext(contextlib.closing(socket.create_connection(("127.0.0.1", self.node.port), LIMIT_S)))
                 for _ in range(self.streams)]
        for i, tail in enumerate(tails):
            accept = b"text/event-stream" if i % 2 else b"application/x-ndjson"
            tail.sendall(b"GET /v1/events?follow=true&type=node.registered&from=%d HTTP/1.1\r\nHost: h\r\nAccept: %s\r\n\r\n" % (head + 1, accept))
        for tail in tails:
            self.assertTrue(tail.recv(4096).startswith(b"HTTP/1.1 200 OK"))
        self.assertEqual(metric(self.caller, "muster_tails"), self.streams)
        each = (metric(self.caller, "process_resident_memory_bytes") - before) / self.streams
        self.assertLess(each, 8 << 10, "bytes of memory for each stream")

        began = time.monotonic()
        answer = self.caller.post("/v1/nodes/register", {"node_id": "heard-by-all"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.caller.get(f"/v1/nodes/heard-by-all?after={answer.seq}").status, 200)
        self.assertLess(time.monotonic() - began, LIMIT_S / 2)
        line = self.caller.get(f"/v1/events?from={answer.seq}&to={answer.seq}").body
        for tail in tails:
            heard = b""
            while line.strip() not in heard:
                piece = tail.recv(4096)
                self.assertTrue(piece, f"the stream ended: {heard}")
                heard += piece
        for tail in tails:
            tail.close()
        self.node.until(lambda: metric(self.caller, "muster_tails") == 0, "streams whose readers left are closed")


class TooManyTest(NodeCase):
    flags = ("--max-tails", "3")
    environment = OPEN

    def test_a_tail_too_many_is_told_so(self):
        """[S0-10] And when another one ends there is room again."""
        with contextlib.ExitStack() as three:
            for _ in range(3):
                self.assertEqual(three.enter_context(self.caller.stream("/v1/events?follow=true")).status, 200)
            answer = self.caller.get("/v1/events?follow=true")
            self.refused(answer, 429, "rate.limited")
            self.assertIn("max-tails", answer.json["detail"])
        self.caller.until("/v1/events?limit=1", lambda answer: answer.status == 200)


class DeafTailTest(unittest.TestCase):
    def test_a_tail_that_never_reads_is_dropped_and_slows_nobody(self):
        """[S0-10] It is told its last seq, and goes on from there; what is held for it has a bound."""
        node = self.enterContext(RunningNode("--stall-timeout", "500ms", environment=OPEN))
        caller = Caller(node.port)
        deaf = self.enterContext(contextlib.closing(socket.socket()))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", node.port))
        deaf.sendall(b"GET /v1/events?follow=true&from=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        with caller.stream("/v1/events?follow=true&from=1") as good:
            sent = self.fill_until_dropped(caller, good)
            last, heard = self.rest_of(deaf)
            self.assertGreater(heard, 0)
            self.assertLess(heard, sent)
            again = json.loads(caller.get(f"/v1/events?from={last + 1}&limit=1").body)
            self.assertEqual(again["seq"], last + 1)

    def fill_until_dropped(self, caller, good):
        """Registers large nodes, a hundred at once, and reads each from the good tail, until the deaf one is dropped."""
        sent, slowest, deadline = 0, 0, time.monotonic() + 2 * LIMIT_S
        began = metric(caller, "process_resident_memory_bytes")
        while metric(caller, "muster_http_streams_dropped") == 0:
            self.assertLess(time.monotonic(), deadline, "the tail that does not read was never dropped")
            commands = [{"method": "POST", "path": "/v1/nodes/register",
                         "body": {"node_id": f"n{i}", "meta": {"filler": f"{sent}-" + "x" * 4000}}} for i in range(100)]
            asked = time.monotonic()
            answer = caller.post("/v1/batch", {"commands": commands})
            self.assertEqual({result["status"] for result in answer.json["results"]}, {200})
            while json.loads(good.readline())["seq"] < answer.seq:
                pass
            slowest = max(slowest, time.monotonic() - asked)
            sent = answer.seq
        self.assertEqual(metric(caller, "muster_http_streams_dropped"), 1)
        self.assertLess(slowest, 5, "commands or the other tail waited for the deaf one")
        self.assertLess(metric(caller, "process_resident_memory_bytes") - began, 96 << 20)
        return sent

    def rest_of(self, deaf):
        """What the kernel still held for it: the seq that the farewell names, and how many lines came before."""
        deaf.settimeout(LIMIT_S)
        text = b""
        while piece := deaf.recv(65536):
            text += piece
        body, rest = b"", text.split(b"\r\n\r\n", 1)[1]
        while (size := int(rest.split(b"\r\n", 1)[0], 16)) > 0:
            rest = rest.split(b"\r\n", 1)[1]
            body, rest = body + rest[:size], rest[size + 2:]
        lines = body.splitlines()
        seqs = [json.loads(line)["seq"] for line in lines[:-1]]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        last = json.loads(lines[-1])["dropped"]["last"]
        self.assertEqual(last, len(seqs))
        return last, len(seqs)


if __name__ == "__main__":
    unittest.main()
