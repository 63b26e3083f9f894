"""The largest profile that may be, on servers: a real S3 server, a real RabbitMQ and a fake Weaviate."""
import contextlib
import json
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path

from backend_servers import ceph, environment_at, fake_weaviate, index_by_hand, rabbit
from bad_profiles_test import MOST, profile_with
from caller import Caller
from environment_test import components, put_profile, statuses
from foreign_hand import ForeignHand
from running_node import RunningNode
from waiting import until

PARTS = ("storage", "broker", "index")
LAST = {"storage": "bucket bucket-999", "broker": "queue queue-1998", "index": "class Class999"}
SLOW_S = 600  # For so many things.


class LargestProfileTest(unittest.TestCase):
    def test_as_many_entries_as_may_be_on_servers(self):
        """[S2-17] [S2-30] Ten thousand are made, recorded as added once, and really there; the next look finds nothing to do, and so does another life of the node."""
        with contextlib.ExitStack() as keep:
            ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit()), "index": keep.enter_context(fake_weaviate())}
            profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)
            profile.write_text("{}")
            node = keep.enter_context(RunningNode("--dev", "--node-side", "--environment-interval", "1h", "--poll-every", "100ms", "--profile", profile,
                                                  environment=environment_at(*(ports[part] for part in PARTS))))
            caller = Caller(node.port, Authorization="Bearer dev-token")
            wanted = profile_with(MOST)

            def made():
                seen = components(caller)
                return all(LAST[part] in statuses(seen.get(part, {"resources": []})) for part in PARTS) and seen

            def apply(what):
                began = time.monotonic()
                applied = caller.post("/v1/environment/apply").json["components"]
                print(f"{what}: {time.monotonic() - began:.1f} s, " + ", ".join(f"{one['component']} {one['duration_ms']} ms" for one in applied))
                self.assertEqual([one["counts"] for one in applied], [{"in_sync": 3000}, {"in_sync": 4000}, {"in_sync": 2000}])
                self.assertEqual(index_by_hand(ports["index"], "GET", "/fake/writes"), len(wanted["index"]["classes"]))

            put_profile(profile, wanted)
            seen = until(made, "all of it is made", limit_s=SLOW_S)
            print("made: " + ", ".join(f"{part} {seen[part]['duration_ms']} ms" for part in PARTS))
            self.assertEqual([set(seen[part]["counts"]) <= {"changed", "in_sync"} for part in PARTS], [True] * len(PARTS))
            apply("looked at again")
            self.assertEqual(ForeignHand(ports).missing(wanted), [])

            def added():
                lines = caller.get("/v1/events?from=1&type=bootstrap.added").body.splitlines()
                things = Counter((thing["kind"], thing["of"], thing["name"]) for line in lines for thing in json.loads(line)["data"]["things"])
                return things if len(things) == len(wanted["storage"]) + len(wanted["broker"]["bindings"]) else None
            self.assertEqual(set(until(added, "all that was added is on record", limit_s=SLOW_S).values()), {1})

            self.assertEqual(node.stop(), 0)
            node.__enter__()
            until(made, "another life of it looked", limit_s=SLOW_S)
            apply("in another life")


if __name__ == "__main__":
    unittest.main()
