"""Clients of a cluster that write, read and claim at whoever is there, and remember when they asked and what they were told."""
import collections
import http.client
import json
import random
import secrets
import select
import threading
import time

from cluster_case import ClusterCase
from linearizable import NEVER, Operation, unexplained
from waiting import PATIENCE_S

CLIENTS = 6
REGISTERS = 4
QUIET_S = 0.02  # When nobody is told anything for so long, it is tried again all the same.
ANSWER_LIMIT_S = 3.0  # A member that sleeps accepts connections and says nothing.
SHUNNED_S = 5.0  # Who said nothing is not asked for so long.
REFUSED, DROPPED, DROPPED_KEPT = "refused", "dropped", "dropped on a kept connection"  # Beside statuses and time-outs, what a load counts.


class Client(threading.Thread):
    """One thread, one request at a time. What it sent is sent again, under the same key, until somebody says how it ended."""

    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number = load, number
        self.chance = random.Random(f"{load.seed}/{number}")
        self.connections = {}
        self.shunned = {}  # Member's name -> until when.
        self.claims_tried = 0
        self.fault = None

    def run(self):
        try:
            while not self.load.over.is_set():
                self.chance.choices((self.write, self.read, self.claim), (5, 4, 2))[0]()
        except Exception as error:  # Told by stop(), in the thread of the test.
            self.fault = error
        finally:
            for connection in self.connections.values():
                connection.close()

    def write(self):
        name, mark = f"register-{self.chance.randrange(REGISTERS)}", secrets.token_hex(8)
        called = time.monotonic()
        self.done("POST", "/v1/nodes/register", {"node_id": name, "versions": {"mark": mark}}, (200,))
        self.load.add(Operation(name, "write", mark, None, called, time.monotonic()), mark)

    def read(self):
        """One attempt: a read that failed showed nothing."""
        name = f"register-{self.chance.randrange(REGISTERS)}"
        called = time.monotonic()
        status, body = self.attempt("GET", f"/v1/nodes/{name}?consistent=true", None, {}, (200, 404))
        if status is not None:
            seen = json.loads(body)["versions"]["mark"] if status == 200 else None
            self.load.add(Operation(name, "read", None, seen, called, time.monotonic()))

    def claim(self):
        """Tries to be who fulfils the next claim that it has not tried; opens one when there is none."""
        claim = self.load.claim_to_try(self.claims_tried)
        if claim is None:
            status, body = self.attempt("POST", "/api/claims/new", None, {}, (200,))
            if status is not None:
                self.load.opened(json.loads(body))
            return
        self.claims_tried += 1
        mark, name = secrets.token_hex(8), f"claim-{claim['id']}"
        called = time.monotonic()
        # The claimant is the mark: what is in the log says who won.
        status, _ = self.done("POST", "/api/claims/fulfill", {**claim, "node_id": mark}, (204, 404))
        won = status == 204
        self.load.add(Operation(name, "swap", (None, mark), won, called, time.monotonic()), mark if won else None)

    def done(self, method, path, body, known):
        """(status, body), once somebody gave one of the `known` statuses."""
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        while True:
            status, answer = self.attempt(method, path, body, headers, known)
            if status is not None:
                return status, answer
            if self.load.given_up():
                raise AssertionError(f"{method} {path} {body} was not taken by anybody within {PATIENCE_S} s after the end")

    def attempt(self, method, path, body, headers, known):
        """(status, body) from a member by chance; (None, None) when it is to be tried again."""
        now = time.monotonic()
        member = self.chance.choice([one for one in self.load.members if self.shunned.get(one.name, 0) <= now] or self.load.members)
        kept = self.kept(member)
        try:
            answer = self.exchange(member, method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            if member.name in self.connections:
                self.connections.pop(member.name).close()
            if isinstance(error, TimeoutError):
                self.shunned[member.name] = time.monotonic() + SHUNNED_S
                return self.again(type(error).__name__)
            if isinstance(error, ConnectionRefusedError):
                return self.again(REFUSED)
            return self.again(DROPPED_KEPT if kept else DROPPED)
        status, reply_headers, text = answer
        self.load.count(status)
        if status in known:
            return status, text
        if status != 503 or "Retry-After" not in reply_headers:
            raise AssertionError(f"{member.name} said {status} to {method} {path} {body}: {text[:500]}")
        return self.again(None)

    def again(self, why):
        if why:
            self.load.count(why)
        self.load.wait_for_an_answer()
        return None, None

    def kept(self, member):
        """Whether there is a connection to it that it has not closed; half of the clients make a new one for each request."""
        connection = self.connections.get(member.name)
        if connection is None:
            return False
        closed = connection.sock is None or self.number % 2 == 0 or select.select([connection.sock], [], [], 0)[0]
        if closed:
            self.connections.pop(member.name).close()
        return not closed

    def exchange(self, member, method, path, body, headers):
        connection = self.connections.get(member.name)
        if connection is None:
            connection = self.connections[member.name] = member.connected(ANSWER_LIMIT_S)
        sent = {**member.headers, **headers, **({"Content-Type": "application/json"} if body is not None else {})}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()


class Load:
    """`with Load(members, seed) as load:` runs clients until the block ends; then every request of theirs has been answered.
    `history` is what they saw, `acknowledged` the marks of what they were told had happened, `answers` how often they got what."""

    def __init__(self, members, seed, clients=CLIENTS):
        self.members, self.seed = list(members), seed
        self.history, self.acknowledged, self.claims = [], [], []
        self.answers = collections.Counter()
        self.over = threading.Event()
        self._heard = threading.Condition()
        self._answered = 0
        self._ends = NEVER
        self._clients = [Client(self, number) for number in range(clients)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, kind, *_):
        self._ends = time.monotonic() + PATIENCE_S
        self.over.set()
        for client in self._clients:
            client.join(2 * PATIENCE_S)
        faults = [client.fault for client in self._clients if client.fault]
        if faults and kind is None:
            raise faults[0]
        assert not any(client.is_alive() for client in self._clients), "a client waits for ever"

    def given_up(self):
        return time.monotonic() > self._ends

    def add(self, operation, acknowledged=None):
        with self._heard:
            self.history.append(operation)
            if acknowledged:
                self.acknowledged.append(acknowledged)
            self._heard.notify_all()

    def count(self, what):
        with self._heard:
            self.answers[what] += 1
            if what in (200, 204, 404):
                self._answered += 1
                self._heard.notify_all()

    def wait_for_an_answer(self):
        """Until a member answered some client, or nobody did for a while."""
        with self._heard:
            before = self._answered
            self._heard.wait_for(lambda: self._answered > before, QUIET_S)

    def claim_to_try(self, tried):
        with self._heard:
            return self.claims[tried] if tried < len(self.claims) else None

    def opened(self, claim):
        with self._heard:
            self.claims.append(claim)

    def goes_on(self, count=100):
        """Waits for so many more operations to be done."""
        with self._heard:
            wanted = len(self.history) + count
            for client in self._clients:
                if client.fault:
                    raise client.fault
            if not self._heard.wait_for(lambda: len(self.history) >= wanted, PATIENCE_S):
                raise AssertionError(f"{wanted - len(self.history)} of {count} operations are missing after {PATIENCE_S} s")
        return self


class HistoryCase(ClusterCase):
    """Judges what the clients of a load saw."""

    def nothing_dropped(self, load):
        """All that was tried again had found nobody there, or was told 503: no request that a member had was left without an answer."""
        retried = {what for what in load.answers if what not in (200, 204, 404)}
        self.assertLessEqual(retried, {503, REFUSED}, dict(load.answers))

    def judge(self, cluster, load):
        """All have the same log, with each acknowledged write once; all saw one order; all views came to the same."""
        log = [json.loads(line) for line in self.same_logs(cluster)]
        marks = collections.Counter(mark for line in log for mark in self.marks(line))
        wrong = {mark: marks[mark] for mark in load.acknowledged if marks[mark] != 1}
        self.assertEqual(wrong, {}, f"acknowledged, but not once in the log; {dict(load.answers)}")
        self.assertIsNone(unexplained(load.history + self.ends(log, load.history)), dict(load.answers))
        digests = {json.dumps(member.get(f"/v1/digests?as_of={log[-1]['seq']}").json) for member in cluster.running()}
        self.assertEqual(len(digests), 1)

    def marks(self, line):
        if line["type"] in ("node.registered", "node.changed"):
            return [line["data"].get("versions", {}).get("mark")]
        return [line["data"].get("node")] if line["type"] == "claim.fulfilled" else []

    def ends(self, log, history):
        """What the log says each register and claim came to, as reads after everything."""
        last = {}
        for line in log:
            kind, _, name = line["stream"].partition("/")
            for mark in self.marks(line):
                last[name if kind == "node" else f"claim-{name}"] = mark
        after = max(one.returned for one in history) + 1
        return [Operation(key, "read", None, last.get(key), after, after) for key in {one.key for one in history}]
