"""Voters sign each other's checkpoints, each what it came to by itself; signatures are checked by two programs."""
import hashlib
import io
import json
import re
import unittest

from cluster_case import ClusterCase
from ed25519 import verifies
from running_cluster import RunningCluster
from verify_log import verify

# RFC 8032, 7.1, test 2.
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")


def chained(lines):
    """The lines with their hashes made anew: what somebody writes who can rewrite the whole log."""
    before, out = None, []
    for line in lines:
        if before is not None:
            line = re.sub(rb'"prev":"[0-9a-f]{64}"', b'"prev":"%s"' % hashlib.sha256(before).hexdigest().encode(), line, count=1)
        before = line.rstrip(b"\n")
        out.append(before + b"\n")
    return out


class CosignTest(ClusterCase):
    def test_signatures_by_hand(self):
        """A known one is good, and no other."""
        self.assertTrue(verifies(PUBLIC, b"\x72", SIGNATURE))
        self.assertFalse(verifies(PUBLIC, b"\x73", SIGNATURE))
        self.assertFalse(verifies(PUBLIC, b"\x72", SIGNATURE[:32] + bytes(32)))
        self.assertFalse(verifies(bytes(32), b"\x72", SIGNATURE))

    def test_all_voters_stand_behind_a_checkpoint(self):
        """[S0-08] Three signatures on one digest; a changed one is found, also when the chain is made anew around it."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            leader = cluster.leader()
            for i in range(5):
                seq = self.registered(leader, f"node-{i}")
            self.assertEqual(leader.post("/v1/checkpoints").status, 202)

            def signers(member):
                made = [one for one in member.cluster()["checkpoints"] if one["at"] >= seq]
                return made and set(made[-1]["signatures"]) == {"n1", "n2", "n3"}
            for member in cluster.members:
                member.until(lambda: signers(member), "three have signed")
            lines = self.same_logs(cluster)
        self.assertEqual(sum(b'"type":"log.signed"' in line for line in lines), 2)
        (log := cluster.room.parent / f"{cluster.room.name}.log").write_bytes(b"".join(lines))
        self.addCleanup(log.unlink)
        self.both_say(leader, log, "is signed by 3 of 3 members: n1, n2, n3")
        at = next(i for i, line in enumerate(lines) if b'"type":"log.signed"' in line)
        signature = json.loads(lines[at])["data"]["signature"].encode()
        changed = [*lines]
        changed[at] = lines[at].replace(signature, signature[:-1] + (b"0" if signature[-1:] != b"0" else b"1"))
        log.write_bytes(b"".join(chained(changed)))
        self.both_say(leader, log, f"bad: seq {json.loads(lines[at])['seq']}: the checkpoint's signature of")

    def both_say(self, member, log, words):
        done = member.verb(":audit", "verify", str(log))
        self.assertIn(words, done.stdout, done.stderr)
        verdict = verify(io.BytesIO(log.read_bytes()))
        self.assertIn(words, f"{verdict} {verdict.signed}")


if __name__ == "__main__":
    unittest.main()
