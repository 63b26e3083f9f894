"""The examples of /openapi.json that only one of several members can be sent: each is answered as described."""
import unittest

from membership_test import init
from openapi_case import Document, OpenApiCase
from running_cluster import API_KEY, RunningCluster


class OpenApiClusterTest(OpenApiCase):
    credential = {"X-API-Key": API_KEY}

    def setUp(self):
        """Three members, of a key of their own: it can be changed."""
        super().setUp()
        self.cluster = self.enterContext(RunningCluster(0, "--discovery", "off", dev=False))
        first = self.cluster.add()
        token = init(first)
        first.start().wait_ready()
        first.until(lambda: first.get("/v1/cluster/tokens").json, "the first token counts")
        for _ in range(2):
            self.cluster.add().start("--join", first.peer, "--join-token", token).wait_ready()
            token = first.post("/v1/cluster/tokens", {}).json["token"]
        self.cluster.whole()
        self.document = Document(first.get("/openapi.json").json)

    def send(self, member, operation_id, values=None, until=None):
        """Sends each example of the operation to `member`, again until it gets that status; the last reply."""
        self.url = member.url
        path, method, operation = self.document.find(operation_id)
        for example in self.document.body(operation).get("examples", {"": {}}).values():
            def answered():
                reply = self.call(path, method, operation, values, example.get("value"))
                return reply if until in (None, reply.status) else self.check(operation, reply)
            reply = member.until(answered, f"{operation_id} is answered with {until}")
            self.check(operation, reply)
            self.assertLess(reply.status, 300, reply.body)
        return reply

    def shown(self, member):
        """What it says of the cluster, which is as described."""
        self.url = member.url
        found = self.document.find("getCluster")
        reply = self.call(*found)
        self.check(found[2], reply)
        return reply.json()

    def test_each_is_answered_as_described(self):
        """Leadership moves, the key is changed, a member is removed, and the last one goes on by itself."""
        before = self.cluster.leader()
        self.send(before, "transferLeadership")
        self.cluster.leader_but(before)
        leader = self.cluster.leader()
        to = self.send(leader, "rotateClusterKey", until=202).json()["to"]  # Who leads since just now has not heard a majority yet.
        for member in self.cluster.members:
            def changed():
                key = self.shown(member)["identity"]["key"]
                return (key["phase"], key["to"]) == ("rotated", to)
            member.until(changed, "the key is changed")
        leader = self.cluster.leader()
        removed, other = self.cluster.others(leader)
        self.send(leader, "removeMember", {"id": removed.node_id, "left": True})
        removed.ends()
        for member in (leader, other):
            member.until(lambda: len(self.shown(member)["members"]) == 2, "it is gone")
        leader.kill()
        said = self.send(other, "recoverCluster", until=200).json()
        self.assertEqual((said["member"], said["lost"], said["dry_run"]), (other.node_id, [leader.node_id], True))


if __name__ == "__main__":
    unittest.main()
