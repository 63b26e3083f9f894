"""Bodies and ids that are not right, sent to every route that takes them: each is refused, and nothing happens."""
import copy
import json
import re
import unittest
import urllib.parse

from caller import Caller
from node_case import NodeCase
from running_node import ROOT

KEY = "a-key"
WRONG = {"string": 7, "integer": "many", "number": "many", "boolean": "perhaps", "array": {"a": 1}, "object": [1]}
LONG = "x" * 10_000
BAD_IDS = ("a/b", "/", "a\0b", "\0", LONG, "", ".", "..", " a", "a\nb", "a\x7fb", "a\u202eb", "\ud800")


class BadInputCase(NodeCase):
    environment = {"SUPERVISOR_API_KEY": KEY}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = Caller(cls.node.port, X_API_Key=KEY)
        cls.document = cls.caller.get("/openapi.json").json

    def setUp(self):
        self.before = self.caller.get("/v1/status").json["seq"]

    def tearDown(self):
        """It goes on, and nothing of what was refused is in the log."""
        self.assertEqual(self.caller.get("/readyz").status, 200)
        lines = self.caller.get(f"/v1/events?from={self.before + 1}").body.splitlines()
        self.assertEqual([line for line in lines if b'"actor":"apikey"' in line], [])

    def follow(self, value):
        while isinstance(value, dict) and "$ref" in value:
            at = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                at = at[step]
            value = at
        return value

    def commands(self):
        """(operation, method, path, body schema, an example) of all that take a body, with ids in their paths filled in."""
        found = []
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                media = operation.get("requestBody", {}).get("content", {}).get("application/json")
                if media is not None:
                    example = next(iter(media["examples"].values()))["value"]
                    path = path.replace("{name}", "some").replace("{id}", "some")
                    found.append((operation["operationId"], method.upper(), path, self.follow(media["schema"]), example))
        self.assertGreaterEqual(len(found), 15)
        return found

    def refuse(self, method, path, body, status, code, pointer=None):
        self.refused(self.caller.call(method, path, body), status, code, pointer)


class BadJsonTest(BadInputCase):
    def everywhere(self, body, code="bad.json", status=400):
        for operation, method, path, _, _ in self.commands():
            if operation == "planTenancy" and body == "null":  # The same as nothing, which is enough there.
                continue
            with self.subTest(operation=operation, body=body[:40]):
                self.refuse(method, path, body, status, code)

    def test_malformed(self):
        """[S2-53] Cut off, misspelt, two documents, a comment."""
        for body in ("{", '{"a"', '{"a":}', "{'a':1}", '{"a":1,}', '{"a":01}', '{"a":1}{}', '{"a":1} x', "{/**/}", "nul", '{"a":"\t"}', '{"a":NaN}'):
            self.everywhere(body)

    def test_not_utf_8(self):
        """[S2-53] A lone byte, a cut sequence, an overlong one, a half of a pair, a byte-order mark in UTF-16."""
        for text in (b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"):
            self.everywhere(b'{"node_id":"' + text + b'"}')
        self.everywhere('{"node_id":"n"}'.encode("utf-16"))
        self.everywhere('{"node_id":"\\ud800"}')

    def test_deeply_nested(self):
        """[S2-53] In a known member, in an unknown one, a hundred thousand deep."""
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            for depth in (65, 1000, 100_000):
                self.everywhere('{"x":' + opening * depth + "1" + closing * depth + "}")
        self.everywhere('{"caps":' + "[" * 100_000)

    def test_oversized(self):
        """[S2-53] One byte beyond the limit, far beyond it, by its announced length and by its size."""
        limit = 1 << 20
        for size in (limit + 1, 2 * limit):
            self.everywhere(b'{"a":"' + b"x" * (size - 8) + b'"}', "body.too.large", 413)

    def test_not_an_object(self):
        """[S2-53] A list, a text, a number, nothing."""
        for body in ("[]", '"text"', "7", "null", "true"):
            self.everywhere(body, "field.invalid")


class BadFieldsTest(BadInputCase):
    def test_wrong_types(self):
        """[S2-53] Each member of each body as something else: its pointer is named."""
        for operation, method, path, schema, example in self.commands():
            for name, member in schema["properties"].items():
                member = self.follow(member)
                kind = member.get("type") if isinstance(member, dict) else None
                if kind not in WRONG:  # Anything will do, or what is said of it is more than a type.
                    continue
                with self.subTest(operation=operation, member=name):
                    self.refuse(method, path, {**copy.deepcopy(example), name: WRONG[kind]}, 400, "field.invalid", f"/{name}")

    def test_missing_fields(self):
        """[S2-53] Each required member left out: its pointer is named."""
        seen = 0
        for operation, method, path, schema, example in self.commands():
            for name in schema.get("required", []):
                with self.subTest(operation=operation, member=name):
                    body = {key: value for key, value in example.items() if key != name}
                    if path == "/api/claims/fulfill":  # As its callers have always known it.
                        self.refuse(method, path, body, 400, "bad.json")
                        continue
                    self.refuse(method, path, body, 400, "field.invalid", f"/{name}")
                    seen += 1
        self.assertGreater(seen, 10)

    def test_every_bad_field_is_named_at_once(self):
        """[S2-53] Not only the first one."""
        answer = self.caller.post("/v1/nodes/register", {"node_id": 7, "host": [], "ip": {}, "versions": "x"})
        self.assertEqual({error["pointer"] for error in answer.json["errors"]}, {"/node_id", "/host", "/ip", "/versions"})

    def test_unknown_fields_are_refused_where_the_seeds_refuse_them(self):
        """[S2-53] Legacy routes, and what is dangerous."""
        for path, body in (("/register", {"id": "a"}), ("/heartbeat", {"id": "a"}), ("/v1/log/compact", {"before": 1})):
            self.refused(self.caller.post(path, {**body, "unknown": {"a": [1]}}), 400, "field.invalid", "/unknown")


class UnknownFieldsTest(NodeCase):
    environment = {"SUPERVISOR_API_KEY": KEY}

    def test_unknown_fields_are_passed_over_on_v1(self):
        """[S1-14] [S1-15] [S1-16] [S1-18] [S2-60] A newer node may say more than is known here."""
        caller = Caller(self.node.port, X_API_Key=KEY)
        more = {"unknown": {"a": [1, None, "x"]}, "": 0, "node_ID": 7}
        self.assertEqual(caller.post("/v1/nodes/register", {"node_id": "n1", **more}).json["node_id"], "n1")
        self.assertEqual(caller.post("/v1/nodes/heartbeat", {"node_id": "n1", **more}).status, 204)
        self.assertEqual(caller.post("/v1/nodes/plan", {"node_id": "n1", **more}).status, 200)
        self.assertEqual(caller.post("/v1/tenancy/plan", more).status, 200)
        self.assertEqual(caller.post("/v1/leader/claim", {"node_id": "n1", "url": "http://n1:1", **more}).status, 200)
        self.assertNotIn(b"unknown", caller.get("/v1/events").body)


# Every route with an id in its path, and what is sent where a body is wanted.
ID_BODIES = {"PUT /v1/secrets/{}": {"value": "v"}, "POST /v1/secrets/{}:check": {"value": "v"}, "POST /v1/nodes/{}/services": {"source": "s", "facts": []},
             "POST /v1/nodes/{}/runs": {"source": "s", "facts": []}, "POST /runs/{}:cancel": {}, "POST /v1/sources/{}/pin": {},
             "PUT /v1/artifacts/{}": {}}
ID_ROUTES = ("GET /v1/nodes/{}", "DELETE /v1/nodes/{}", "GET /v1/nodes/{}/services", "GET /v1/services/{}/logs", "GET /v1/plans/{}", "GET /api/claims/{}/watch",
             "GET /v1/secrets/{}", "DELETE /v1/secrets/{}", "DELETE /v1/tokens/{}", "DELETE /v1/cluster/tokens/{}", "DELETE /v1/cluster/members/{}",
             "GET /runs/{}", "GET /runs/{}/events", "GET /runs/{}/events.ndjson", "GET /v1/runs/{}/journal", "GET /runs/{}/journal", "GET /v1/artifacts/{}", "GET /sources/{}", "DELETE /sources/{}", *ID_BODIES)


class BadIdsTest(BadInputCase):
    def test_no_route_with_an_id_is_left_out(self):
        """The list of routes is that of the sources."""
        found = set()
        for path in (ROOT / "http").glob("*.cpp"):
            for pattern in re.findall(r'"(/[^"\s]*\{(?:id|name|node)\}[^"\s]*)"', path.read_text()):
                found.add(re.sub(r"\{\w+\}", "{}", pattern))
        self.assertEqual({route.partition(" ")[2] for route in ID_ROUTES}, found)

    def test_in_bodies(self):
        """[S1-14] [S1-15] [S1-16] [S2-60] [S2-64] Slashes, NULs, ten thousand characters, nothing, what is drawn as nothing."""
        bodies = {"/v1/nodes/register": {}, "/v1/nodes/plan": {"role_hint": "server"}, "/v1/nodes/heartbeat": {},
                  "/v1/leader/claim": {"url": "http://n1:1"},
                  "/v1/bootstrap/events": {"component": "storage", "action": "a", "status": "ok"}}
        for path, body in bodies.items():
            for bad in BAD_IDS:
                with self.subTest(path=path, id=bad[:20]):
                    code, pointer = ("bad.json", None) if bad == "\ud800" else ("field.invalid", "/node_id")
                    self.refused(self.caller.post(path, {**body, "node_id": bad}), 400, code, pointer)
        for bad in BAD_IDS[:-1]:
            with self.subTest(id=bad[:20]):
                self.refused(self.caller.post("/register", {"id": bad}), 400, "field.invalid", "/id")

    def test_in_paths(self):
        """[S2-53] Percent-encoded, too: whatever they decode to, there is nothing of that name."""
        for route in ID_ROUTES:
            method, _, path = route.partition(" ")
            for bad in BAD_IDS[:-1]:
                if bad:
                    with self.subTest(route=route, id=bad[:20]):
                        answer = self.caller.call(method, path.replace("{}", urllib.parse.quote(bad, safe="")), ID_BODIES.get(route))
                        self.assertIn(answer.status, (400, 404), answer)
                        self.refused(answer, answer.status, answer.json["code"])
        for bad in ("%", "%2", "%zz", "%ff", "%c0%af"):
            with self.subTest(path=bad):
                self.assertIn(self.caller.get(f"/v1/nodes/{bad}").status, (400, 404))

    def test_in_queries(self):
        """[S2-63] As in a body."""
        for bad in BAD_IDS[:-1]:
            with self.subTest(id=bad[:20]):
                answer = self.caller.get(f"/v1/bootstrap/status?node_id={urllib.parse.quote(bad, safe='')}")
                if answer.json["code"] == "bad.request":  # Control characters are no part of a query.
                    self.assertFalse(bad.isprintable())
                    self.refused(answer, 400, "bad.request")
                else:
                    self.refused(answer, 400, "field.invalid", "?node_id")

    def test_in_headers(self):
        """[S2-53] A request id that is none is made anew; a key that is too long is refused."""
        for bad in ("x" * 5000, "a b\"c", "a/b\\n"):
            answer = self.caller.get("/health", X_Request_Id=bad)
            self.assertEqual(answer.status, 200)
            self.assertNotEqual(answer.headers["X-Request-Id"], bad)
        self.refused(self.caller.post("/v1/nodes/register", {"node_id": "n"}, {"Idempotency-Key": "k" * 256}), 400, "field.invalid")


if __name__ == "__main__":
    unittest.main()
