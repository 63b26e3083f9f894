"""Claims: one-time tokens, opened by one, fulfilled by another, watched until then."""
import hashlib
import json
import time
import unittest

from caller import messages
from node_case import OpenNode


class ClaimsTest(OpenNode):
    def open(self):
        claim = self.caller.post("/api/claims/new").json
        self.assertRegex(claim["id"], "^[0-9a-f]{32}$")
        self.assertRegex(claim["token"], "^[0-9a-f]{32}$")
        return claim

    def test_a_claim_is_opened_watched_and_fulfilled_once(self):
        """[S1-21] [S1-22] [S1-24] [S1-25] The watcher is told; a second use is refused."""
        claim = self.open()
        with self.caller.stream(f"/api/claims/{claim['id']}/watch") as watch:
            self.assertEqual(watch.status, 200)
            self.assertEqual(watch.headers["Content-Type"], "text/event-stream")
            self.assertEqual(watch.headers["Cache-Control"], "no-cache")
            info = {"video_devices": ["/dev/video0"], "gpu": []}
            answer = self.caller.post("/api/claims/fulfill", {**claim, "node_id": "n1", "info": info})
            self.assertEqual((answer.status, answer.body), (204, b""))
            told = list(messages(watch))
        self.assertEqual(told[0], {"data": "fulfilled"})
        self.assertEqual(told[1]["event"], "claimant")
        self.assertEqual(json.loads(told[1]["data"]), {"node_id": "n1", "info": info})
        self.refused(self.caller.post("/api/claims/fulfill", claim), 404, "claim.invalid")

    def test_a_fulfilled_claim_tells_its_watcher_at_once(self):
        """[S1-22] [S1-24] And without a node there is one message."""
        claim = self.open()
        seq = self.caller.post("/api/claims/fulfill", claim).seq
        self.caller.get(f"/v1/claims?after={seq}")
        with self.caller.stream(f"/api/claims/{claim['id']}/watch") as watch:
            self.assertEqual(list(messages(watch)), [{"data": "fulfilled"}])

    def test_a_token_alone_finds_its_claim(self):
        """[S1-24] A runner that only knows its token."""
        claim = self.open()
        self.assertEqual(self.caller.post("/api/claims/fulfill", {"token": claim["token"]}).status, 204)

    def test_what_is_not_a_claim_is_refused(self):
        """[S1-22] [S1-24] Unknown ids, wrong tokens, empty members, bad JSON."""
        claim = self.open()
        self.refused(self.caller.get("/api/claims/unknown/watch"), 404, "claim.invalid")
        for body in ({"id": claim["id"], "token": "wrong"}, {"id": "unknown", "token": claim["token"]}, {"token": "wrong"}):
            self.refused(self.caller.post("/api/claims/fulfill", body), 404, "claim.invalid")
        for body in ({}, {"id": "", "token": claim["token"]}, {"id": claim["id"], "token": ""}, "{", ""):
            self.refused(self.caller.post("/api/claims/fulfill", body), 400, "bad.json")
        self.assertEqual(self.caller.post("/api/claims/fulfill", claim).status, 204)

    def test_a_list_of_claims_holds_no_token(self):
        """[S1-21] Neither the token nor its hash is shown."""
        claim = self.open()
        answer = self.caller.get("/v1/claims")
        row = next(row for row in answer.json if row["id"] == claim["id"])
        self.assertEqual(row["status"], "open")
        self.assertNotIn(claim["token"].encode(), answer.body)
        self.assertNotIn(hashlib.sha256(claim["token"].encode()).hexdigest().encode(), answer.body)

    def test_a_reply_that_held_a_token_is_given_once(self):
        """[S1-21] An idempotency key does not bring it back."""
        key = {"Idempotency-Key": "open-1"}
        self.assertEqual(self.caller.post("/api/claims/new", headers=key).status, 200)
        self.refused(self.caller.post("/api/claims/new", headers=key), 409, "idempotency.one_time")

    def test_an_open_claim_s_watcher_hears_a_heartbeat(self):
        """[S1-23] A comment every fifteen seconds until the claim is fulfilled."""
        claim = self.open()
        began = time.monotonic()
        with self.caller.stream(f"/api/claims/{claim['id']}/watch") as watch:
            self.assertEqual(next(messages(watch)), {"": "heartbeat"})
            took = time.monotonic() - began
            self.assertTrue(15 <= took < 30, f"{took} s: not at once, and before the next one")
            self.caller.post("/api/claims/fulfill", claim)
            self.assertEqual(list(messages(watch)), [{"data": "fulfilled"}])


class ShortClaimsTest(OpenNode):
    flags = ("--claim-ttl", "1s")

    def test_a_claim_that_nobody_fulfils_expires(self):
        """[S1-21] [S1-22] The watcher is told, and the token is worth nothing."""
        claim = self.caller.post("/api/claims/new").json
        with self.caller.stream(f"/api/claims/{claim['id']}/watch") as watch:
            self.assertEqual([message["event"] for message in messages(watch)], ["expired"])
        self.assertEqual(self.caller.post("/api/claims/fulfill", claim).status, 404)


if __name__ == "__main__":
    unittest.main()
