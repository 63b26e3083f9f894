"""Who may do what: policy flags, the API key, the dev token, tokens with scopes and an end."""
import unittest

from caller import Caller
from node_case import NodeCase
from running_node import RunningNode

KEY = "a-static-key"
DEV = {"Authorization": "Bearer dev-token"}

# One request of each action.
REQUESTS = {
    "nodes": ("GET", "/v1/nodes", None),
    "leader": ("GET", "/v1/leader", None),
    "health": ("GET", "/health", None),
    "register": ("POST", "/v1/nodes/register", {"node_id": "n1"}),
    "heartbeat": ("POST", "/v1/nodes/heartbeat", {"node_id": "n1"}),
    "plan": ("POST", "/v1/nodes/plan", {"node_id": "n1", "role_hint": "edge"}),
    "plan alias": ("POST", "/plan", {"node_id": "n1", "role_hint": "edge"}),
    "tenancy": ("POST", "/v1/tenancy/plan", {}),
    "profile": ("GET", "/v1/bootstrap/profile", None),
    "report": ("POST", "/v1/bootstrap/events", {"node_id": "n1", "component": "storage", "action": "a", "status": "ok"}),
    "claim lease": ("POST", "/v1/leader/claim", {"node_id": "n1", "url": "http://n1:1"}),
    "new claim": ("POST", "/api/claims/new", None),
    "legacy register": ("POST", "/register", {"id": "n1"}),
    "status": ("GET", "/v1/status", None),
    "audit": ("GET", "/v1/audit", None),
    "tokens": ("GET", "/v1/tokens", None),
    "secrets": ("GET", "/v1/secrets", None),
    "upgrade": ("POST", "/v1/cluster/upgrade", None),
}
ALWAYS_OPEN = {"nodes", "leader", "health"}


class AccessCase(NodeCase):
    def matrix(self, caller):
        """Which of REQUESTS are 401, which 403; the others are not refused."""
        seen = {401: set(), 403: set()}
        for name, (method, path, body) in REQUESTS.items():
            answer = caller.call(method, path, body)
            if answer.status in seen:
                seen[answer.status].add(name)
                self.assertEqual(answer.json["code"], "unauthorized" if answer.status == 401 else "forbidden")
            else:
                self.assertIn(answer.status, (200, 204, 404), f"{name}: {answer}")
        return seen[401], seen[403]


class NothingConfiguredTest(AccessCase):
    def test_the_flags_alone_decide(self):
        """[S1-05] [S1-06] [S1-07] [S1-11] Anonymous proxies may not register; all else is open on loopback."""
        self.assertEqual(self.matrix(self.caller), ({"register", "heartbeat"}, set()))


class FlagsTest(AccessCase):
    environment = {"POLICY_ALLOW_ANONYMOUS_PROXY": "T", "POLICY_REQUIRE_AUTH_FOR_PLAN": "true", "POLICY_REQUIRE_AUTH_FOR_BOOTSTRAP": "1"}

    def test_each_flag_moves_its_own_routes(self):
        """[S1-05] [S1-06] [S1-07] Registering opens, plans and bootstrap close."""
        self.assertEqual(self.matrix(self.caller), ({"plan", "plan alias", "tenancy", "profile", "report"}, set()))


class ApiKeyTest(AccessCase):
    environment = {"SUPERVISOR_API_KEY": KEY, "POLICY_ALLOW_ANONYMOUS_PROXY": "true"}

    def test_without_the_key_only_the_open_routes_answer(self):
        """[S1-09] [S1-10] [S2-54] 401 for all the rest."""
        self.assertEqual(self.matrix(self.caller), (set(REQUESTS) - ALWAYS_OPEN, set()))

    def test_with_the_key_everything_is_allowed(self):
        """[S1-09] It has all four scopes."""
        self.assertEqual(self.matrix(Caller(self.node.port, X_API_Key=KEY)), (set(), set()))

    def test_a_wrong_key_is_refused(self):
        """[S1-09] Even where no key is needed, a wrong one is told so."""
        self.refused(Caller(self.node.port, X_API_Key=KEY[:-1] + "x").get("/v1/status"), 401, "unauthorized")


class TokensTest(AccessCase):
    flags = ("--dev",)

    def make(self, *scopes, **more):
        TokensTest.made = getattr(TokensTest, "made", 0) + 1
        answer = self.caller.call("POST", "/v1/tokens", {"name": f"t{TokensTest.made}", "scopes": scopes, **more}, DEV)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def bearer(self, token):
        return Caller(self.node.port, Authorization=f"Bearer {token}")

    def test_the_dev_token_may_do_everything(self):
        """[S2-54] And without a credential the node is not open any more."""
        self.assertEqual(self.matrix(self.bearer("dev-token")), (set(), set()))
        unauthorized, _ = self.matrix(self.caller)
        self.assertLessEqual({"tokens", "secrets", "status", "claim lease"}, unauthorized)
        self.refused(self.bearer("dev-tokem").get("/v1/status"), 401, "unauthorized")

    def test_a_token_may_do_what_its_scopes_say(self):
        """[S2-54] 403 names the scope that is missing."""
        made = self.make("read")
        self.assertRegex(made["token"], "^mst_[0-9a-f]{40}$")
        self.assertEqual(made["scopes"], ["read"])
        self.assertNotIn("expires_at", made)
        reader = self.bearer(made["token"])
        self.assertEqual(self.matrix(reader), (set(), {"register", "heartbeat", "claim lease", "tokens", "secrets", "upgrade"}))
        self.assertIn("thatdam:register", reader.post("/v1/nodes/register", {"node_id": "n"}).json["detail"])
        unauthorized, forbidden = self.matrix(self.bearer(self.make("thatdam:register")["token"]))
        self.assertEqual(unauthorized, set())
        self.assertLessEqual({"plan", "tenancy", "status", "audit", "tokens"}, forbidden)
        self.assertNotIn("register", forbidden)

    def test_a_token_is_shown_once_and_kept_as_a_hash(self):
        """[S2-54] The list has no token."""
        made = self.make("read", "register")
        answer = self.caller.call("GET", "/v1/tokens", headers=DEV)
        row = next(row for row in answer.json if row["id"] == made["id"])
        self.assertEqual((row["name"], row["scopes"], row["revoked"], row["created_by"]), (made["name"], ["register", "read"], False, "dev"))
        self.assertNotIn(made["token"].encode(), answer.body)
        self.assertNotIn("hash", row)

    def test_a_revoked_token_is_worth_nothing(self):
        """[S2-54] From the moment that it is revoked."""
        made = self.make("read")
        self.assertEqual(self.bearer(made["token"]).get("/v1/status").status, 200)
        gone = self.caller.call("DELETE", f"/v1/tokens/{made['id']}", headers=DEV)
        self.assertEqual((gone.status, gone.body), (204, b""))
        self.caller.call("GET", f"/v1/nodes?after={gone.seq}")
        self.refused(self.bearer(made["token"]).get("/v1/status"), 401, "unauthorized")
        self.refused(self.caller.call("DELETE", f"/v1/tokens/{made['id']}", headers=DEV), 404, "not.found")

    def test_a_token_ends_when_it_was_to_end(self):
        """[S2-54] A duration, or a time."""
        made = self.make("read", expires="1s")
        self.assertIn("expires_at", made)
        caller = self.bearer(made["token"])
        self.node.until(lambda: caller.get("/v1/status").status != 200, "a token ends")
        self.refused(caller.get("/v1/status"), 401, "unauthorized")
        self.assertEqual(self.make("read", expires="2099-01-02T03:04:05Z")["expires_at"], "2099-01-02T03:04:05.000Z")

    def test_what_is_not_a_token_is_refused(self):
        """[S2-54] Names are used once; scopes are known; an end lies ahead."""
        made = self.make("read")
        post = lambda body: self.caller.call("POST", "/v1/tokens", body, DEV)
        self.refused(post({"name": made["name"], "scopes": ["read"]}), 409, "name.taken")
        self.refused(post({"name": "x", "scopes": ["write"]}), 400, "field.invalid", "/scopes/0")
        self.refused(post({"name": "x"}), 400, "field.invalid", "/scopes")
        self.refused(post({"scopes": ["read"]}), 400, "field.invalid", "/name")
        self.refused(post({"name": "x", "scopes": ["read"], "expires": "soon"}), 400, "field.invalid", "/expires")
        self.refused(post({"name": "x", "scopes": ["read"], "expires": "2001-01-01T00:00:00Z"}), 400, "field.invalid", "/expires_at")

    def test_a_key_that_came_twice_at_once_gives_the_token_once(self):
        """[S2-54] The second asker is told that it was given."""
        body = {"name": "once", "scopes": ["read"]}
        headers = {**DEV, "Idempotency-Key": "make-once"}
        self.assertEqual(self.caller.call("POST", "/v1/tokens", body, headers).status, 200)
        self.refused(self.caller.call("POST", "/v1/tokens", body, headers), 409, "idempotency.one_time")
        self.refused(self.caller.call("POST", "/v1/tokens", {**body, "name": "other"}, headers), 422, "idempotency.mismatch")


if __name__ == "__main__":
    unittest.main()
