"""A server of an environment that says nothing, fails with some resources, or asks for peace: what that keeps from the others, and from its own other resources."""
import contextlib
import json
import re
import time
import unittest

import pika

from backend_proxy import Fault, Says, Silent, http_answer
from backend_servers import broker_by_hand, ceph, fake_weaviate, profile_of, rabbit, s3_by_hand
from environment_test import components, statuses
from hostile_backends_test import PARTS, Suffering
from waiting import until

INTERVAL_S = 0.5  # Of Suffering.
SOON_S = 12  # For what has to happen within the interval and a second; the silent server's look takes 30 s.
BUCKETS = 20


class Counting(Says):
    """Notes when it answered itself, and what was asked afterwards."""

    def __init__(self, answer, pattern):
        super().__init__(answer, pattern)
        self.said, self.all = [], []

    def asked(self, what, message):
        self.all.append((time.monotonic(), what))
        if re.search(self.pattern, what):
            self.said.append(time.monotonic())
        return super().asked(what, message)


class SlowBackendsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keep = contextlib.ExitStack()
        cls.addClassCleanup(keep.close)
        cls.ports = {"storage": keep.enter_context(ceph()), "broker": keep.enter_context(rabbit()), "index": keep.enter_context(fake_weaviate())}

    @contextlib.contextmanager
    def sufferer(self):
        with contextlib.ExitStack() as keep:
            yield Suffering("storage", self.ports, keep)

    def test_a_silent_object_storage_holds_up_neither_broker_nor_pauses_nor_people(self):
        """[S2-18] [S2-76] Drift is mended within the interval, a pause heard, a component looked at alone, all within one look of the silent server."""
        with self.sufferer() as sufferer, broker_by_hand(self.ports["broker"]) as channel:
            caller, queue = sufferer.caller, f"{sufferer.name}-queue-0"
            sufferer.profile.write_text(profile_of(sufferer.name, buckets=4))  # Ten seconds for each of three.
            until(lambda: statuses(components(caller)["storage"]).get(f"tags {sufferer.name}-bucket-3") == "in_sync", "all of them are there")

            def look():
                """Of the silent server, which one that is at work does not end."""
                return components(caller)["storage"]["at"]

            def there():
                with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
                    return channel.connection.channel().queue_declare(queue, passive=True)

            sufferer.proxy.take_counts()
            sufferer.proxy.misbehave(Silent())
            until(lambda: sufferer.proxy.take_counts()["HEAD"], "it is asked, and says nothing")
            last, took = look(), []
            for _ in range(3):
                channel.queue_delete(queue)
                began = time.monotonic()
                until(there, "the queue is back", limit_s=SOON_S)
                took.append(round(time.monotonic() - began, 2))
            paused = caller.post("/v1/bootstrap/pause", {"components": ["broker"], "reason": "moving it"})
            self.assertEqual(paused.status, 200, paused)
            until(lambda: set(components(caller)["broker"]["counts"]) == {"paused"}, "the pause is heard", limit_s=SOON_S)
            began = time.monotonic()
            alone = caller.post("/v1/environment/apply", {"component": "broker"})
            self.assertLess(time.monotonic() - began, SOON_S)
            self.assertEqual([set(part["counts"]) for part in alone.json["components"]], [{"paused"}])
            self.assertEqual(caller.post("/v1/bootstrap/resume", {}).status, 200)
            until(lambda: set(components(caller)["broker"]["counts"]) == {"in_sync"}, "the end of the pause is heard", limit_s=SOON_S)
            self.assertEqual(look(), last, "all of it came while one look of the silent server went on")
            print(f"drift in the broker mended in {took} s while the object storage says nothing (interval {INTERVAL_S} s)")
            sufferer.proxy.behave()
            sufferer.until(lambda: sufferer.well("storage"), "it is taken into use again")

    def test_buckets_with_which_a_server_fails_hold_up_no_others(self):
        """[S2-30] Three that are answered with 500 for ever: the rest is made, and stays looked at."""
        with self.sufferer() as sufferer:
            sufferer.proxy.misbehave(Says(http_answer(500, b"", "Connection: close"), r"^HEAD /ill-bucket-[012]$"))
            sufferer.profile.write_text(profile_of("ill", buckets=6))
            good = [f"{kind} ill-bucket-{n}" for n in (3, 4, 5) for kind in ("bucket", "versioning", "lifecycle", "tags")]

            def made():
                rows = statuses(components(sufferer.caller)["storage"])
                return all(rows.get(name) == "in_sync" for name in good) and rows
            rows = until(made, "the others are made", limit_s=SOON_S)
            self.assertEqual({name: status for name, status in rows.items() if name not in good},
                             {f"bucket ill-bucket-{n}": "unreachable" for n in range(3)})
            s3_by_hand(self.ports["storage"], "GET", "ill-bucket-5", "tagging")

    def test_who_asks_to_be_left_alone_is_asked_nothing_more_and_told_to_write_nothing(self):
        """[S2-76] Twenty buckets, each of whose rules would be answered with Retry-After: one request is, and nothing is written until it is over."""
        with self.sufferer() as sufferer:
            busy = Counting(http_answer(429, b"", "Retry-After: 4", "Connection: close"), r"^GET /busy-bucket-\d+\?lifecycle")
            sufferer.proxy.misbehave(busy)
            sufferer.profile.write_text(profile_of("busy", BUCKETS))
            until(lambda: len(busy.said) == 2, "it was asked again", limit_s=SOON_S * 2)
            first, second = busy.said
            self.assertGreaterEqual(second - first, 4)
            self.assertEqual([what for when, what in busy.all if first < when < first + 4], [])
            self.assertEqual([what for _, what in busy.all if what.startswith(("PUT", "DELETE"))], [])
            sufferer.proxy.behave()
            until(lambda: set(components(sufferer.caller)["storage"]["counts"]) == {"in_sync"}, "all of it is made", limit_s=120)


if __name__ == "__main__":
    unittest.main()
