"""The member port against callers that were not invited: refused, told why, logged; and the node goes on."""
import base64
import json
import os
import random
import socket
import ssl
import struct
import subprocess
import time
import unittest

from cluster_case import ClusterCase
from membership_test import init
from peer_port import JOIN, JOINED, OPEN, REFUSAL, PeerPort, issue, key_of, make_certificate
from running_cluster import RunningCluster, count_of
from waiting import PATIENCE_S

ROUNDS = 300  # Of three bad calls each.
MOST_GARBAGE = 64 << 10  # Bytes of a call, at most.
MOST_GROWTH = 4 << 20  # Bytes, over all rounds: a fraction of what they send, so nothing of it may be kept.


OPENING = bytes([1, 0]) + bytes(16)  # Version, lane, the process.


class PeerPortTest(ClusterCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(RunningCluster(0, "--discovery", "off", dev=False))
        cls.member = cls.cluster.add()
        init(cls.member)
        cls.member.start().wait_ready()

    def tearDown(self):
        self.assertEqual(self.member.get("/readyz").status, 200)
        self.assertEqual(self.member.named(), ["n1"])

    def asked(self, port, **request):
        port.send(JOIN, json.dumps(request).encode())
        kind, body = port.receive()
        self.assertEqual(kind, JOINED, body)
        return json.loads(body)

    def refused(self, port, why):
        answer = port.receive()
        self.assertIsNotNone(answer, "it hung up without a word")
        self.assertEqual(answer[0], REFUSAL, answer)
        self.assertIn(why, answer[1].decode())

    def test_a_members_name_and_key_open_nothing(self):
        """Both are shown to every caller. Who claims them without a proof is not given the cluster key."""
        with PeerPort(self.member) as port:
            key = key_of(port.shown())
            self.assertEqual(key, self.member.cluster()["members"][0]["key"])
            answer = self.asked(port, node="n1", key=key, address="127.0.0.1:1", url="http://127.0.0.1:1", certified=True, proven=True)
        self.assertEqual(answer["code"], "join.refused")
        self.assertNotIn((self.member.data / "keys" / "cluster").read_text().strip(), json.dumps(answer))
        self.assertNotIn("cluster_key", answer)

    def test_strangers_are_refused_told_why_and_logged(self):
        """No certificate, one of a foreign authority, and one that is a member's by name only."""
        with PeerPort(self.member) as port:
            port.send(OPEN, OPENING)
            self.refused(port, "no certificate")
        for node in ("n1", "n2"):
            with PeerPort(self.member, make_certificate(self.cluster.room / f"foreign-{node}", node)) as port:
                self.refused(port, "another authority")
        self.member.says("of another authority")
        self.member.says("it showed no certificate")

    def test_a_certificate_that_has_ended_is_refused_told_why_and_logged(self):
        """It is of the cluster's own authority and names a member. One that is good still is refused for another reason."""
        with PeerPort(self.member, issue(self.cluster.room / "ended", self.member, "n1", days=-1)) as port:
            port.send(OPEN, OPENING)
            self.refused(port, "its certificate has expired")
        with PeerPort(self.member, issue(self.cluster.room / "good", self.member, "n1")) as port:
            port.send(OPEN, OPENING)
            self.refused(port, "this node's own id")
        self.member.says("its certificate has expired")

    def test_a_guessed_token_opens_nothing(self):
        """Nor does a request that cannot be read."""
        with PeerPort(self.member) as port:
            answer = self.asked(port, node="n9", key="1" * 64, address="127.0.0.1:1", url="http://127.0.0.1:1", secret="0" * 64)
        self.assertEqual(answer["code"], "join.refused")
        self.member.says("node=n9 code=join.refused")
        with PeerPort(self.member) as port:
            port.send(JOIN, b"{")
            self.assertEqual(json.loads(port.receive()[1])["code"], "bad.json")
        self.member.says("code=bad.json")

    def resident(self):
        with open(f"/proc/{self.member.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def send_garbage(self, rng):
        """Bytes that are no TLS."""
        with socket.create_connection(("127.0.0.1", self.member.peer_port), timeout=PATIENCE_S) as plain:
            return self.sent(plain.sendall, rng.randbytes(rng.randrange(1, MOST_GARBAGE)))

    def send_frames(self, rng):
        """Lengths that are huge, zero or not kept, in a connection that is otherwise in order."""
        with PeerPort(self.member) as port:
            size = rng.choice([0, 1, 16 << 10, 1 << 20, 1 << 31, (1 << 32) - 1])
            sent = self.sent(port.raw, struct.pack(">IB", size, rng.randrange(256)) + rng.randbytes(rng.randrange(MOST_GARBAGE)))
            if size == 0 or size > 1 << 20:
                port.receive()  # It is told at once; what may still become whole is waited for.
            return sent

    def ask_with_garbage(self, rng):
        """Joins that are read to their end: a name that nobody has, and a token that was guessed."""
        with PeerPort(self.member) as port:
            request = {"node": rng.randbytes(8).hex(), "key": rng.randbytes(32).hex(), "address": "127.0.0.1:1", "url": "http://127.0.0.1:1",
                       "secret": rng.randbytes(4096).hex()}
            body = json.dumps(request).encode()
            port.send(JOIN, body)
            port.receive()
            return len(body)

    def sent(self, send, data):
        """How much was sent: it may hang up before all was said."""
        try:
            send(data)
            return len(data)
        except OSError:
            return 0

    def bad_calls(self, rng, rounds):
        """Bytes that were sent in so many rounds."""
        return sum(call(rng) for _ in range(rounds) for call in (self.send_garbage, self.send_frames, self.ask_with_garbage))

    def test_garbage_and_huge_frames_cost_nothing(self):
        """The process lives, and holds no more after many megabytes of bad calls than before."""
        rng = random.Random(11)
        self.bad_calls(rng, ROUNDS // 4)
        before = self.resident()
        sent = self.bad_calls(rng, ROUNDS)
        self.assertGreater(sent, 3 * MOST_GROWTH)
        self.assertLess(self.resident() - before, MOST_GROWTH)

    def test_who_says_nothing_has_to_leave(self):
        """Within some seconds, and the port takes others meanwhile."""
        with PeerPort(self.member) as slow:
            slow.raw(struct.pack(">I", 100)[:3])
            with PeerPort(self.member) as other:
                other.send(OPEN, OPENING)
                self.refused(other, "no certificate")
            self.refused(slow, "in time")


class RenewalTest(ClusterCase):
    def test_a_certificate_is_renewed_before_it_ends_and_members_go_on(self):
        """[S0-07] Three members whose certificates last some seconds: past the end of the first ones every write that is handed on is
        taken, the same leader leads, and nobody was refused."""
        with RunningCluster(3, "--certificate-life", "10s") as cluster:
            cluster.whole()
            leader = cluster.leader()
            first = {member: self.shown(member) for member in cluster.members}
            before = leader.cluster()["raft"]["term"]
            end = max(expires for _, expires in first.values())
            writes = 0

            def outlived():
                nonlocal writes
                writes += 1
                self.registered(cluster.followers()[0], f"at-{writes}")
                return time.time() > end
            cluster.until(outlived, "the first certificates have ended")
            for member in cluster.members:
                der, expires = self.shown(member)
                self.assertNotEqual(der, first[member][0])
                self.assertGreater(expires, time.time())
                self.assertIn("certificate renewed", member.said())
                self.assertEqual([line for line in member.said().splitlines() if "expired" in line], [])
            self.assertEqual(leader.cluster()["raft"]["term"], before)
            self.assertGreater(writes, 1)

    def shown(self, member):
        """The certificate that a member shows, DER, and when it ends."""
        with PeerPort(member) as port:
            der = port.shown()
        text = subprocess.run(["openssl", "x509", "-inform", "DER", "-enddate", "-noout"], input=der, capture_output=True, check=True).stdout.decode()
        return der, ssl.cert_time_to_seconds(text.strip().removeprefix("notAfter="))


class ReplayedJoinTest(ClusterCase):
    def secret(self, token):
        """What a newcomer with that token says: its bytes between the fingerprint and the checksum, hex."""
        text = token.removeprefix("muster-join-")
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[32:-4].hex()

    def test_a_join_that_is_sent_again_opens_nothing(self):
        """[S0-07] The very frame that let a machine in, its name, key and token: who has heard it and sends it once more is not let
        in, is not given the cluster key, and is logged."""
        with RunningCluster(0, "--discovery", "off", dev=False) as cluster:
            member = cluster.add()
            token = init(member)
            member.start().wait_ready()
            request = {"node": "n2", "key": "2" * 64, "address": "127.0.0.1:1", "url": "http://127.0.0.1:1", "secret": self.secret(token)}
            frame = json.dumps(request).encode()
            first, second = (self.answered(member, frame) for _ in range(2))
            self.assertNotIn("code", first)
            self.assertEqual(first["cluster_key"], (member.data / "keys" / "cluster").read_text().strip())
            self.assertEqual(second["code"], "join.refused")
            self.assertNotIn(first["cluster_key"], json.dumps(second))
            member.says("node=n2 code=join.refused")
            self.assertNotIn(request["secret"], member.said())
            self.assertEqual(member.named(), ["n1", "n2"])
            self.assertEqual(count_of(member.lines(), "member.joined", "member/n2"), 1)

    def answered(self, member, frame):
        with PeerPort(member) as port:
            port.send(JOIN, frame)
            kind, body = port.receive()
        self.assertEqual(kind, JOINED, body)
        return json.loads(body)


if __name__ == "__main__":
    unittest.main()
