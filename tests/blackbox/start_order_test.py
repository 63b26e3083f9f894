"""Services start after what they need was made, and do not wait for long when it cannot be."""
import json
import socket
import tempfile
import unittest
from contextlib import contextmanager

from environment_test import components, environment_node, put_profile
from planned import app, end_services, write_plan
from waiting import until

COUNT = "ls data/objects | wc -l"
MANY = 500


def buckets(count):
    return {"storage": [{"name": f"bucket-{n}"} for n in range(count)], "index": {"classes": [{"name": "Asset"}]}}


def service(command, **more):
    return app("a", ["/bin/sh", "-c", f"{command}; exec tail -f /dev/null"], **more)


class StartOrderTest(unittest.TestCase):
    @contextmanager
    def node(self, command, profile, **environment):
        """A node that runs one service, its caller, and what it is told by: the folder of its plan, and its profile."""
        with tempfile.TemporaryDirectory() as plans, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(profile, file)
            file.flush()
            write_plan(plans, service(command))
            with environment_node("--plans-dir", plans, "--environment-interval", "1h", "--node-id", "n1", "--profile", file.name,
                                  environment={"ROLE_HINT": "server", "RUNNER_EXECUTOR": "process", **environment}) as (node, caller, _):
                try:
                    yield node, caller, plans, file.name
                finally:
                    node.stop()
                    end_services(node.folder / "data")

    def starts(self, caller):
        lines = caller.get("/v1/events?from=1&type=service.started&stream=service/n1/a").body.splitlines()
        return [json.loads(line)["data"]["at"] for line in lines]

    def test_services_start_when_all_was_looked_at(self):
        """[S2-75] Storage, broker, index, then services: at the first start, and when profile and plan change together."""
        with self.node(COUNT, buckets(MANY)) as (node, caller, plans, profile):
            def counted():
                log = node.folder / "data" / "services" / "a" / "log"
                return log.exists() and [int(line) for line in log.read_text().splitlines()]
            until(lambda: counted() == [MANY], "it starts, and finds all buckets")
            started, = until(lambda: self.starts(caller), "that is told")
            for name, component in components(caller).items():
                self.assertLessEqual(component["at"], started, name)
            put_profile(profile, buckets(2 * MANY))
            write_plan(plans, service(COUNT, env={"V": "2"}))
            until(lambda: counted() == [MANY, 2 * MANY], "it starts again, and finds the new ones")

    def test_a_server_that_says_nothing_is_not_waited_for(self):
        """[S2-75] A component that fails, or is silent, holds up no service: one starts while storage is still asked."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with self.node("true", buckets(3), MINIO_ENDPOINT=url) as (_, caller, _, _):
                until(lambda: self.starts(caller), "it starts")
                self.assertNotIn("storage", components(caller))


if __name__ == "__main__":
    unittest.main()
