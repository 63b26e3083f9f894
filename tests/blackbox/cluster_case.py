"""What the tests of a cluster ask and check again and again."""
import io
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from verify_log import verify  # noqa: E402


class ClusterCase(unittest.TestCase):
    def register(self, member, name, key=None):
        """The answer to a registration of `name` at `member`."""
        return member.post("/v1/nodes/register", {"node_id": name}, {"Idempotency-Key": key} if key else None)

    def registered(self, member, name, key=None):
        answer = self.register(member, name, key)
        self.assertEqual(answer.status, 200, answer)
        return answer.seq

    def same_logs(self, cluster):
        """Until all have the same log, which verifies; its lines."""
        logs = cluster.level()
        for log in logs[1:]:
            self.assertEqual(log, logs[0])
        verdict = verify(io.BytesIO(b"".join(logs[0])))
        self.assertIsNone(verdict.bad, verdict)
        return logs[0]

