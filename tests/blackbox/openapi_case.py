"""What the tests of /openapi.json share: requests made of the description, and replies held against it."""
import json
import unittest
import urllib.error
import urllib.parse
import urllib.request

from jsonschema import Draft202012Validator

from waiting import until

LIMIT_S = 10
SOME_BYTES = 4096  # Of a stream without an end.

OF_BYTES = {"putArtifact", "getArtifact"}


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.type = (headers.get("Content-Type") or "").split(";")[0]

    def json(self):
        return json.loads(self.body)


def send(url, method, path, body=None, headers=None):
    given = {"Content-Type": "application/json"} if body is not None else {}
    given.update(headers or {})
    request = urllib.request.Request(url + path, data=body, method=method.upper(), headers=given)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as reply:
            endless = reply.headers.get_content_type() == "text/event-stream"
            return Reply(reply.status, reply.headers, reply.read1(SOME_BYTES) if endless else reply.read())
    except urllib.error.HTTPError as refused:
        return Reply(refused.code, refused.headers, refused.read())


class Document:
    """The description, its references followed."""

    def __init__(self, root):
        self.root = root

    def resolve(self, reference):
        value = self.root
        for key in reference.removeprefix("#/").split("/"):
            value = value[key.replace("~1", "/").replace("~0", "~")]
        return value

    def follow(self, value):
        while isinstance(value, dict) and "$ref" in value:
            value = self.resolve(value["$ref"])
        return value

    def operations(self):
        """All but those of bytes that are no JSON: artifacts_test.py sends these."""
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
                if operation["operationId"] not in OF_BYTES:
                    yield path, method, operation

    def find(self, operation_id):
        return next(found for found in self.operations() if found[2]["operationId"] == operation_id)

    def parameters(self, operation):
        return [self.follow(one) for one in operation.get("parameters", [])]

    def faults(self, schema, value):
        validator = Draft202012Validator({"components": self.root["components"], "allOf": [schema]})
        return [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in validator.iter_errors(value)]

    def body(self, operation):
        return operation.get("requestBody", {}).get("content", {}).get("application/json", {})

    def schemas(self):
        """Every schema: the named ones, and those written where they are used."""
        yield from self.root["components"]["schemas"].values()

        def inside(value):
            if isinstance(value, dict):
                for key, one in value.items():
                    if key in ("schema", "x-item-schema"):
                        yield one
                    elif key not in ("schemas", "examples", "example", "x-refused"):
                        yield from inside(one)
            elif isinstance(value, list):
                for one in value:
                    yield from inside(one)
        yield from inside(self.root["paths"])
        yield from inside(self.root["components"])


def fill(value, reply):
    """A link's value: $response.body#/x is what the reply says there."""
    if isinstance(value, dict):
        return {key: fill(one, reply) for key, one in value.items()}
    if isinstance(value, str) and value.startswith("$response.body#/"):
        return reply.json()[value.removeprefix("$response.body#/")]
    return value


class OpenApiCase(unittest.TestCase):
    """`url` is a node's, `credential` the headers with which it is asked, `document` what it describes itself with."""

    url, credential, document, seq = "", {}, None, 0

    def setUp(self):
        self.sent = set()

    def call(self, path, method, operation, values=None, body=None, raw=None, headers=None, credential=None):
        """`values` are parameters by name, added to those that are always sent."""
        headers, query, values = {**(self.credential if credential is None else credential), **(headers or {})}, {}, dict(values or {})
        for parameter in self.document.parameters(operation):
            name = parameter["name"]
            value = values.get(name)
            if value is None and parameter.get("required"):
                value = parameter["example"]
            if value is None:
                continue
            text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
            if parameter["in"] == "path":
                path = path.replace("{" + name + "}", urllib.parse.quote(text, safe=""))
            elif parameter["in"] == "query":
                query[name] = text
            else:
                headers[name] = text
        if query:
            path += "?" + urllib.parse.urlencode(query)
        sent = raw.encode() if raw is not None else None if body is None else json.dumps(body).encode()
        return send(self.url, method, path, sent, headers)

    def usual(self, operation):
        return {p["name"]: next(iter(p["examples"].values()))["value"] for p in self.document.parameters(operation) if "examples" in p}

    def check(self, operation, reply):
        """The reply is one that the operation describes."""
        described = self.document.follow(operation["responses"].get(str(reply.status)))
        self.assertIsNotNone(described, f"{reply.status} is not described: {reply.body[:300]}")
        for name, header in described.get("headers", {}).items():
            if self.document.follow(header).get("required"):
                self.assertIn(name, reply.headers)
        content = described.get("content")
        if content is None:
            self.assertEqual(reply.body, b"")
            return
        self.assertIn(reply.type, content)
        media = content[reply.type]
        if "schema" in media:
            value = reply.json() if reply.type.endswith("json") and not reply.type.endswith("/x-ndjson") else reply.body.decode()
            self.assertEqual(self.document.faults(media["schema"], value), [])
        for line in self.items(reply) if "x-item-schema" in media else ():
            self.assertEqual(self.document.faults(media["x-item-schema"], json.loads(line)), [])

    @staticmethod
    def items(reply):
        lines = reply.body.decode().splitlines(keepends=True)
        if reply.type.endswith("/x-ndjson"):
            return lines
        return [line.removeprefix("data: ") for line in lines if line.startswith("data: {") and line.endswith("\n")]

    def check_good(self, path, method, operation, reply):
        self.assertLess(reply.status, 300, reply.body[:500])
        self.check(operation, reply)
        self.sent.add((path, method))
        self.settle(reply)
        for link in operation["responses"][str(reply.status)].get("links", {}).values():
            values = {name: fill(value, reply) for name, value in link.get("parameters", {}).items()}
            target = self.document.find(link["operationId"])
            with self.subTest(link=link["operationId"]):
                self.check_good(*target, self.answered(target, {**self.usual(target[2]), **values}, fill(link.get("requestBody"), reply)))

    def answered(self, target, values, body):
        """The reply; a run whose stream has ended is recorded as ended a moment later, and until then not to be checked."""
        replies = []

        def settled():
            replies.append(self.call(*target, values, body))
            return target[2]["operationId"] != "checkRun" or replies[-1].status != 409
        until(settled, "the run's end is recorded")
        return replies[-1]

    def settle(self, reply):
        """What was done shows in what is read from here on."""
        seq = int(reply.headers.get("X-Muster-Seq") or 0)
        if seq > self.seq:
            self.assertEqual(send(self.url, "get", f"/v1/nodes?limit=1&after={seq}", headers=self.credential).status, 200)
            type(self).seq = seq
