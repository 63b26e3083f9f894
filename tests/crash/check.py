"""What has to hold of a log after a crash, whatever the crash was."""
import collections
import contextlib
import dataclasses
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

from node import verb  # noqa: E402
from verify_log import verify  # noqa: E402


def marks_of(path):
    """{mark: [seq, ...]} of every registration in an exported log."""
    found = collections.defaultdict(list)
    with open(path, "rb") as file:
        for line in file:
            if b'"mark":"' not in line:
                continue
            record = json.loads(line)
            found[record["data"].get("versions", {}).get("mark", "")].append(record["seq"])
    return found


def check_log(test, path, acknowledged):
    """The chain is whole, and every acknowledged event is in it exactly once, at the seq that its reply told."""
    with open(path, "rb") as file:
        verdict = verify(file)
    test.assertIsNone(verdict.bad, str(verdict))
    found = marks_of(path)
    lost = [one for one in acknowledged if not found[one.mark]]
    test.assertEqual(lost[:3], [], f"{len(lost)} of {len(acknowledged)} acknowledged events are lost")
    twice = {mark: seqs for mark, seqs in found.items() if len(seqs) > 1}
    test.assertEqual(twice, {}, "events are in the log more than once")
    moved = [one for one in acknowledged if one.seq != found[one.mark][0]]
    test.assertEqual(moved[:3], [], "a reply told another seq than its event's")
    return verdict


def check_repeated(test, node, acknowledged, unsure):
    """Each of `acknowledged`, sent again under its key, is answered as it was. Of `unsure` nobody knows whether it was done:
    it is now, and then for good. Returns the unsure ones with what they were answered."""
    with contextlib.closing(node.connect()) as connection:
        for one in acknowledged:
            status, body, headers = one.send(connection)
            said = (status, headers["X-Muster-Seq"], headers["Idempotency-Replayed"])
            test.assertEqual(said, (200, str(one.seq), "true"), (one, body))
        now = []
        for one in unsure:
            seqs = []
            for _ in range(2):
                status, body, headers = one.send(connection)
                test.assertEqual(status, 200, (one, body))
                seqs.append(int(headers["X-Muster-Seq"]))
            test.assertEqual((seqs[0], headers["Idempotency-Replayed"]), (seqs[1], "true"), one)
            now.append(dataclasses.replace(one, at=time.monotonic_ns(), seq=seqs[0]))
    return now


def check_views(test, node, exported):
    """The newest view shows each node's last registration in the log, and a fold up to the head shows the same."""
    last = {}
    with open(exported, "rb") as file:
        for line in file:
            record = json.loads(line)
            if record["type"] in ("node.registered", "node.changed") and "mark" in record["data"].get("versions", {}):
                last[record["data"]["node"]] = record["data"]["versions"]["mark"]
    status, body, headers = node.ask("GET", "/v1/nodes")
    test.assertEqual(status, 200, body)
    shown = {row["id"]: row["versions"]["mark"] for row in json.loads(body) if "mark" in row.get("versions", {})}
    test.assertEqual(shown, last, "the view is not the fold of the log")
    status, folded, _ = node.ask("GET", f"/v1/nodes?as_of={headers['X-Muster-Seq']}")
    test.assertEqual((status, json.loads(folded)), (200, json.loads(body)), "a fold up to the head shows something else")


def live_digests(test, node):
    """What every view and state of the running node comes to, and at which seq."""
    status, body, _ = node.ask("GET", "/v1/digests")
    test.assertEqual(status, 200, body)
    return json.loads(body)


def check_replay(test, data, shown):
    """A fold of the folder from its first line comes to what the node had in memory."""
    status, out, errors = verb(":replay", "--to", str(shown["seq"]), "--json", data=data)
    test.assertEqual(status, 0, errors)
    replayed = json.loads(out)
    test.assertEqual((replayed["from"], replayed["events"]), (0, shown["seq"]))
    test.assertEqual({name: replayed[name] for name in shown}, shown, "a replay comes to something else")
