"""The same thing asked by several callers at the same moment: it happens once, and each is told what is true for it."""
import collections
import json
import socket
import threading
import unittest

from caller import Caller
from node_case import NodeCase

KEY = "a-key"
CALLERS = 8
ROUNDS = 25


class AtOnceTest(NodeCase):
    # This test may be kept waiting between two bytes: only what is asked at once matters here.
    flags = ("--body-timeout", "120s", "--command-timeout", "60s")
    environment = {"SUPERVISOR_API_KEY": KEY}

    def setUp(self):
        self.caller = Caller(self.node.port, X_API_Key=KEY)

    def at_once(self, requests):
        """Sends one request over each of as many connections: all but the last byte first, then the last bytes together."""
        connections = [socket.create_connection(("127.0.0.1", self.node.port), 20) for _ in requests]
        texts = []
        for method, path, body, key in requests:
            content = json.dumps(body).encode()
            head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            texts.append((head + (f"Idempotency-Key: {key}\r\n" if key else "") + "Connection: close\r\n\r\n").encode() + content)
        for connection, text in zip(connections, texts):
            connection.sendall(text[:-1])
        barrier, answers = threading.Barrier(len(requests)), [None] * len(requests)

        def finish(i):
            barrier.wait()
            connections[i].sendall(texts[i][-1:])
            text = b""
            while piece := connections[i].recv(65536):
                text += piece
            connections[i].close()
            head, _, content = text.partition(b"\r\n\r\n")
            answers[i] = int(head.split(b" ")[1]), head.decode(), json.loads(content) if content else None

        threads = [threading.Thread(target=finish, args=(i,)) for i in range(len(requests))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return answers

    def events(self, kind, stream="*"):
        """Those of that kind so far."""
        seq = self.caller.get("/v1/status").json["seq"]
        lines = self.caller.get(f"/v1/events?type={kind}&stream={stream}&to={seq}&follow=true").body.splitlines()
        return [json.loads(line) for line in lines]

    def test_one_key_gives_one_token(self):
        """[S2-54] A reply that holds a secret is given to one of them; the others are told that it was given."""
        for i in range(ROUNDS):
            request = ("POST", "/v1/tokens", {"name": f"token-{i}", "scopes": ["read"]}, f"make-{i}")
            answers = self.at_once([request] * CALLERS)
            self.assertEqual(collections.Counter(status for status, _, _ in answers), {200: 1, 409: CALLERS - 1})
            told = [body for _, _, body in answers]
            self.assertEqual({body["code"] for body in told if "token" not in body}, {"idempotency.one_time"})
            token = next(body["token"] for body in told if "token" in body)
            self.assertEqual(Caller(self.node.port, Authorization=f"Bearer {token}").get("/v1/status").status, 200)
        self.assertEqual([event["data"]["name"] for event in self.events("token.created")], [f"token-{i}" for i in range(ROUNDS)])

    def test_one_key_opens_one_claim(self):
        """[S1-21] The same for claims."""
        before = len(self.events("claim.opened"))
        for i in range(ROUNDS):
            answers = self.at_once([("POST", "/api/claims/new", {}, f"open-{i}")] * CALLERS)
            self.assertEqual(collections.Counter(status for status, _, _ in answers), {200: 1, 409: CALLERS - 1})
        self.assertEqual(len(self.events("claim.opened")) - before, ROUNDS)

    def test_one_key_means_one_command(self):
        """[S0-05] A reply without a secret is given to all of them, and the thing is done once."""
        for i in range(ROUNDS):
            request = ("PUT", f"/v1/secrets/s{i}", {"value": "x"}, f"seal-{i}")
            answers = self.at_once([request] * CALLERS)
            self.assertEqual({status for status, _, _ in answers}, {200})
            self.assertEqual(len({json.dumps(body) for _, _, body in answers}), 1)
            self.assertEqual(sum("Idempotency-Replayed: true" in head for _, head, _ in answers), CALLERS - 1)
            self.assertEqual(len(self.events("secret.sealed", f"secret/s{i}")), 1)

    def test_one_key_for_two_requests_is_refused_to_one_of_them(self):
        """[S0-05] Which one came first decides."""
        for i in range(ROUNDS):
            requests = [("POST", "/v1/nodes/register", {"node_id": f"m{i}-{n}"}, f"mismatch-{i}") for n in range(2)]
            answers = self.at_once(requests)
            self.assertEqual(sorted(status for status, _, _ in answers), [200, 422])
            self.assertEqual(len(self.events("node.registered", f"node/m{i}-*")), 1)

    def test_a_claim_is_fulfilled_by_one(self):
        """[S1-25] Two at once: exactly one wins, always."""
        for i in range(ROUNDS):
            claim = self.caller.post("/api/claims/new").json
            requests = [("POST", "/api/claims/fulfill", {**claim, "node_id": f"n{n}"}, "") for n in range(CALLERS)]
            answers = self.at_once(requests)
            self.assertEqual(collections.Counter(status for status, _, _ in answers), {204: 1, 404: CALLERS - 1})
            winner = [status for status, _, _ in answers].index(204)
            fulfilled = self.events("claim.fulfilled", f"claim/{claim['id']}")
            self.assertEqual([event["data"]["node"] for event in fulfilled], [f"n{winner}"])

    def test_the_lease_is_granted_to_one(self):
        """[S2-60] [S2-52] All others are told who has it."""
        requests = [("POST", "/v1/leader/claim", {"node_id": f"n{n}", "url": f"http://n{n}:1"}, "") for n in range(CALLERS)]
        answers = self.at_once(requests)
        granted = [body for _, _, body in answers if body["granted"]]
        self.assertEqual(len(granted), 1)
        self.assertEqual({(body["leader_url"], body["epoch"]) for _, _, body in answers}, {(granted[0]["leader_url"], 1)})


if __name__ == "__main__":
    unittest.main()
