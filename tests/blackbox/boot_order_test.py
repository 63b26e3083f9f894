"""The order in which a starting node looks for its cluster, and that one which moved is found again."""
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cluster_case import ClusterCase
from running_cluster import RunningCluster, fixed_port, new_service


class BootOrderTest(ClusterCase):
    def clusters(self, cluster, count):
        """So many control planes of one node each that do not see each other; what was asked of each is kept."""
        made = []
        for _ in range(count):
            member = cluster.add()
            member.service = new_service()
            member.start().wait_ready()
            self.registered(member, f"of-{member.name}")
            made.append(member)
        return made

    def joins(self, cluster, control, service=None, *flags, **environment):
        """A node that is started so becomes a member of `control`."""
        node = cluster.add(*flags)
        node.service = service or new_service()
        node.environment |= environment
        node.start().wait_ready()
        # One that is starved of its search founds a cluster of its own first, and gives way.
        node.until(lambda: node.cluster()["identity"]["cluster"] == control.cluster()["identity"]["cluster"], "is in the same cluster")
        control.until(lambda: node.node_id in control.named(), f"knows {node.node_id}")
        return node

    def test_neighbours_come_before_urls(self):
        """[S2-02] [S2-04] [S2-05] Multicast DNS, then --join, then MUSTER_CONTROL_URL, CLOUD_CONTROL_URL, SUPERVISOR_URL."""
        with RunningCluster(0) as cluster:
            seen, joined, control, cloud, supervisor = self.clusters(cluster, 5)
            urls = {"MUSTER_CONTROL_URL": control.url, "SUPERVISOR_URL": supervisor.url}
            joined.pause()  # So that it is not let in there, however late it hears its neighbour.
            self.joins(cluster, seen, seen.service, "--join", joined.url, **urls)
            joined.resume()
            self.joins(cluster, joined, None, "--join", joined.peer, **urls)
            self.joins(cluster, control, None, **urls)
            self.joins(cluster, cloud, None, CLOUD_CONTROL_URL=cloud.url, SUPERVISOR_URL=supervisor.url)
            dead = f"http://127.0.0.1:{fixed_port()}"
            self.joins(cluster, cloud, None, MUSTER_CONTROL_URL=dead, CLOUD_CONTROL_URL=cloud.url, SUPERVISOR_URL=supervisor.url)
            self.joins(cluster, supervisor, None, SUPERVISOR_URL=supervisor.url)

    def test_whom_nobody_answers_founds_a_cluster(self):
        """[S2-06] [S2-50] It leads, and advertises itself: the next one finds it."""
        with RunningCluster(0) as cluster:
            first = cluster.add()
            first.environment["SUPERVISOR_URL"] = f"http://127.0.0.1:{fixed_port()}"
            first.start().wait_ready()
            first.until(lambda: first.get("/v1/leader").json.get("leader_url") == first.url, "it leads")
            self.joins(cluster, first, first.service)

    def test_its_own_cluster_comes_before_all_others(self):
        """[S2-03] The id is made once; a folder that belongs to a cluster goes back to that one, whoever else is there."""
        with RunningCluster(0) as cluster:
            other, = self.clusters(cluster, 1)
            own = cluster.add()
            own.names_itself = True
            own.service = new_service()
            own.start().wait_ready()
            self.registered(own, "of-its-own")
            name, identity = own.named(), own.cluster()["identity"]
            self.assertEqual((own.data / "node_id").read_text().strip(), name[0])
            own.stop()
            own.service = other.service
            own.start("--join", other.url).wait_ready()
            self.assertEqual((own.named(), own.cluster()["identity"]), (name, identity))

    def test_the_id_is_made_before_anybody_is_looked_for(self):
        """[S2-03] It is there while the node still searches."""
        with RunningCluster(0) as cluster:
            node = cluster.add()
            node.names_itself = True
            node.start("--join", f"127.0.0.1:{fixed_port()}").says("cannot join")
            self.assertTrue((node.data / "node_id").read_text().strip())
            self.assertFalse((node.data / "member.json").exists())


class FakeEntry(ThreadingHTTPServer):
    """Fakes the edge of a member: it says of itself what it likes, and nobody listens at the member port it names."""

    def __init__(self, entry):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(entry).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class LaterTest(ClusterCase):
    def test_a_control_plane_that_comes_later_is_joined(self):
        """[S2-51] The search at the URLs goes on while nobody would miss what the node holds, however young the other is."""
        with RunningCluster(0) as cluster:
            control = cluster.add()
            control.service = new_service()
            node = cluster.add()
            node.service = new_service()
            node.environment["MUSTER_CONTROL_URL"] = control.url
            node.start().wait_ready()
            control.start().wait_ready()
            identity = control.cluster()["identity"]
            node.until(lambda: node.ready() and node.cluster()["identity"] == identity, "joined whom it was pointed at")
            control.until(lambda: node.node_id in control.named(), f"knows {node.node_id}")

    def test_two_that_point_at_each_other_become_one(self):
        """[S2-51] The younger goes to the older."""
        with RunningCluster(0) as cluster:
            pair = [cluster.add(), cluster.add()]
            for member, other in (pair, pair[::-1]):
                member.service = new_service()
                member.environment["SUPERVISOR_URL"] = other.url
                member.start().wait_ready()
            first, second = pair
            second.until(lambda: second.ready() and second.cluster()["identity"] == first.cluster()["identity"], "are one")

    def test_one_that_holds_something_stays(self):
        """[S2-51] What somebody asked of it would be lost."""
        with RunningCluster(0) as cluster:
            control, node, bare = (cluster.add() for _ in range(3))
            for member in (control, node, bare):
                member.service = new_service()
            for member in (node, bare):
                member.environment["MUSTER_CONTROL_URL"] = control.url
                member.start().wait_ready()
            identity = node.cluster()["identity"]
            self.registered(node, "kept")
            control.start().wait_ready()
            # Another one, which began to ask there later, has found it: so would this one have.
            bare.until(lambda: bare.ready() and bare.cluster()["identity"] == control.cluster()["identity"], "joined whom it was pointed at")
            self.registered(node, "kept-too")
            self.assertEqual(node.cluster()["identity"], identity)

    def test_nothing_is_given_up_for_one_that_cannot_prove_itself(self):
        """[S2-51] It names the right authority, an older cluster with a history, and a port where nobody has its key."""
        with RunningCluster(0) as cluster:
            real = cluster.add()
            real.service = new_service()
            real.start().wait_ready()
            entry = real.get("/v1/cluster/entry").json
            with FakeEntry(entry | {"cluster": "0" * 32, "node": "forged", "address": f"127.0.0.1:{fixed_port()}",
                                    "created_at": "2020-01-01T00:00:00Z", "bare": False, "seeks": False}) as fake:
                node = cluster.add()
                node.service = new_service()
                node.start().wait_ready()
                identity = node.cluster()["identity"]
                node.stop()
                node.environment["SUPERVISOR_URL"] = f"http://127.0.0.1:{fake.server_port}"
                node.start().wait_ready()
                node.says("proves_itself=false")
                self.registered(node, "goes-on")
                self.assertEqual(node.cluster()["identity"], identity)


class MovedTest(ClusterCase):
    def move(self, member):
        """To other ports."""
        member.port, member.peer_port = fixed_port(), fixed_port()
        member.peer = f"127.0.0.1:{member.peer_port}"
        member.bind = f"127.0.0.1:{member.port}"
        member.url = f"http://{member.bind}"

    def test_a_control_plane_that_moved_is_found_again(self):
        """[S2-51] Its only voter comes back elsewhere: the other one finds it, and its URL is the leader's."""
        with RunningCluster(2) as cluster:
            cluster.wait_voters(1).wait_ready()
            control = cluster.leader()
            other, = cluster.others(control)
            control.kill()
            self.move(control)
            control.start().wait_ready()
            other.until(lambda: other.get("/v1/leader").json.get("leader_url") == control.url, "it is told where it is")
            seq = self.registered(other, "after-the-move")
            self.assertEqual(control.get(f"/v1/nodes/after-the-move?after={seq}").status, 200)

    def test_all_at_once_may_move(self):
        """[S2-51] Nobody is where the log says: they find each other by their adverts, as their certificates prove."""
        with RunningCluster(3) as cluster:
            cluster.whole()
            self.registered(cluster[0], "before")
            for member in cluster.members:
                member.kill()
            for member in cluster.members:
                self.move(member)
                member.start()
            leader = cluster.leader()
            cluster.until(lambda: self.register(leader, "after", "after").status == 200, "it goes on")
            cluster.until(lambda: sorted(row["url"] for row in leader.cluster()["members"]) == sorted(m.url for m in cluster.members),
                          "the log says where they are")
            self.same_logs(cluster)


if __name__ == "__main__":
    unittest.main()
