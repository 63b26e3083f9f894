"""What other hands made before the first apply, in a bucket, a queue and a class that a profile names, too: it is all there after the hundredth, as it was."""
import contextlib
import json
import tempfile
import unittest
from pathlib import Path

from backend_servers import ceph, environment_at, fake_weaviate, profile_of, rabbit
from caller import Caller
from environment_test import components, published, put_profile
from foreign_hand import ForeignHand, share
from running_node import RunningNode
from waiting import until

PARTS = ("storage", "broker", "index")
APPLIES = 100


class ForeignThingsTest(unittest.TestCase):
    def test_foreign_things_outlast_a_hundred_applies(self):
        """[S2-23] [S2-27b] Every second one has something new to add beside them."""
        with contextlib.ExitStack() as keep:
            ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit()), "index": keep.enter_context(fake_weaviate())}
            hand = ForeignHand(ports)
            hand.make("all")
            profile = Path(keep.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml")).name)
            profile.write_text("{}")
            node = keep.enter_context(RunningNode("--dev", "--node-side", "--environment-interval", "1h", "--poll-every", "100ms", "--profile", profile,
                                                  environment=environment_at(*(ports[part] for part in PARTS))))
            caller = Caller(node.port, Authorization="Bearer dev-token")
            for turn in range(APPLIES // 2):
                before = published(caller)
                put_profile(profile, share(json.loads(profile_of("all")), "all", f"rule{turn}"))
                until(lambda: published(caller) != before, "the next profile is published")
                generation = published(caller)
                until(lambda: {part: one["generation"] for part, one in components(caller).items()} == dict.fromkeys(PARTS, generation),
                      "each component looked for it")
                for _ in range(2):
                    applied = caller.post("/v1/environment/apply").json["components"]
                    self.assertEqual([set(one["counts"]) for one in applied], [{"in_sync"}] * len(PARTS), applied)
            self.assertEqual(hand.gone("all"), set())
            own = hand.seen("all") - hand.made["all"]
            for turn in range(APPLIES // 2):  # And what each profile added, though the next ones name it no more.
                for form in (f"<ID>rule{turn}</ID>", f'"name": "rule{turn}"'):
                    self.assertEqual(len([one for one in own if form in one]), 1, form)
            self.assertIn("<Key>made-by</Key>", "".join(own))


if __name__ == "__main__":
    unittest.main()
