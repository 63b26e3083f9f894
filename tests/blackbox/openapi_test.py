"""/openapi.json describes what a node really does: every example is sent, every refusal is provoked, every reply is validated.

What is sent for an operation: its required parameters and those with `examples`; each parameter with an `example` in a
request of its own; each example of the body; each entry of `x-refused`. `links` of a reply lead to further requests.
"""
import json
import re
import shutil
import unittest
import urllib.error
import urllib.parse
import urllib.request

from jsonschema import Draft202012Validator

from jobs_tree_test import SHIPPED
from running_node import RunningNode, binary_serves

METHODS = ("get", "put", "post", "delete", "patch")
TOKEN = "dev-token"
LIMIT_S = 10
SOME_BYTES = 4096  # Of a stream without an end.
# What a lone node can only refuse: the tests of clusters call these.
NEED_OTHERS = {"recoverCluster", "transferLeadership", "removeMember", "rotateClusterKey"}
# What is of a run, and reached from the reply that it was accepted with.
OF_A_RUN = {"getRun", "cancelRun", "followRun", "exportRun"}


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.type = (headers.get("Content-Type") or "").split(";")[0]

    def json(self):
        return json.loads(self.body)


def send(url, method, path, body=None, headers=None, token=TOKEN):
    given = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        given["Content-Type"] = "application/json"
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
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
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


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from references(one)


def fill(value, reply):
    """A link's value: $response.body#/x is what the reply says there."""
    if isinstance(value, dict):
        return {key: fill(one, reply) for key, one in value.items()}
    if isinstance(value, str) and value.startswith("$response.body#/"):
        return reply.json()[value.removeprefix("$response.body#/")]
    return value


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not binary_serves():
            raise unittest.SkipTest("the binary is not built")
        # Not alone: it has a way in for others.
        cls.node = RunningNode("--dev", "--discovery", "off", "--extension", "export")
        cls.node.__enter__()
        cls.addClassCleanup(cls.node.__exit__)
        shutil.copytree(SHIPPED, cls.node.folder / "scripts", dirs_exist_ok=True)
        log = cls.node.folder / "data" / "services" / "api" / "log"  # As a service that ran here leaves it.
        log.parent.mkdir(parents=True)
        log.write_text("ready\n")
        for folder in ("jobs", "more jobs"):  # Of sources.
            (cls.node.folder / "scripts" / folder).mkdir(parents=True)
        reply = send(cls.node.url, "get", "/openapi.json", token=None)
        cls.document = Document(reply.json())
        cls.sent = set()
        cls.seq = 0

    # Sending and looking at what comes back.

    def call(self, path, method, operation, values=None, body=None, raw=None, headers=None, token=TOKEN):
        """`values` are parameters by name, added to those that are always sent."""
        headers, query, values = dict(headers or {}), {}, dict(values or {})
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
        return send(self.node.url, method, path, sent, headers, token)

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
                self.check_good(*target, self.call(*target, {**self.usual(target[2]), **values}, fill(link.get("requestBody"), reply)))

    def settle(self, reply):
        """What was done shows in what is read from here on."""
        seq = int(reply.headers.get("X-Muster-Seq") or 0)
        if seq > self.seq:
            self.assertEqual(send(self.node.url, "get", f"/v1/nodes?limit=1&after={seq}").status, 200)
            type(self).seq = seq

    def check_refused(self, operation, refused, reply):
        self.check(operation, reply)
        self.assertEqual((reply.status, reply.json()["code"]), (refused["status"], refused["code"]), reply.body[:500])
        if "pointer" in refused:
            self.assertIn(refused["pointer"], [one["pointer"] for one in reply.json()["errors"]])

    def only_linked(self):
        """Operations whose parameters or body only the reply of another one knows."""
        links = [link for _, _, operation in self.document.operations() for response in operation["responses"].values()
                 for link in self.document.follow(response).get("links", {}).values()]
        return {link["operationId"] for link in links if "requestBody" in link or link.get("x-only")}

    def send_examples(self):
        """Commands first: what is read then is there."""
        only_linked, order = self.only_linked(), ("post", "put", "patch", "get", "delete")
        for path, method, operation in sorted(self.document.operations(), key=lambda found: order.index(found[1])):
            if operation["operationId"] in only_linked | NEED_OTHERS | OF_A_RUN:
                continue
            for name, example in self.document.body(operation).get("examples", {"": {}}).items():
                with self.subTest(operation=operation["operationId"], example=name):
                    reply = self.call(path, method, operation, self.usual(operation), example.get("value"))
                    self.check_good(path, method, operation, reply)

    # What is shown.

    def test_1_the_document_is_sound(self):
        """Every reference leads somewhere, every schema is one, every operation is whole."""
        root = self.document.root
        self.assertTrue(root["openapi"].startswith("3.1."))
        self.assertTrue(root["info"]["title"] and root["info"]["version"])
        for reference in set(references(root)):
            with self.subTest(reference=reference):
                self.document.resolve(reference)
        for schema in self.document.schemas():
            Draft202012Validator.check_schema(schema)
        tags = {tag["name"] for tag in root["tags"]}
        ids = [operation["operationId"] for _, _, operation in self.document.operations()]
        self.assertEqual(sorted(ids), sorted(set(ids)))
        for path, method, operation in self.document.operations():
            with self.subTest(operation=operation["operationId"]):
                self.assertIn(method, METHODS)
                self.assertTrue(operation["summary"] and operation["responses"])
                self.assertLessEqual(set(operation["tags"]), tags)
                inside = {p["name"] for p in self.document.parameters(operation) if p["in"] == "path"}
                self.assertEqual(inside, set(re.findall(r"\{([^}]+)\}", path)))
                for status, response in operation["responses"].items():
                    self.assertIn("description", self.document.follow(response), status)

    def test_1_examples_are_what_the_schemas_allow(self):
        """An example of a body or parameter fits its schema."""
        for _, _, operation in self.document.operations():
            media = self.document.body(operation)
            self.assertEqual(bool(media), "requestBody" in operation)
            if media:
                self.assertTrue(media.get("examples"), operation["operationId"])
            for name, example in media.get("examples", {}).items():
                with self.subTest(operation=operation["operationId"], example=name):
                    self.assertEqual(self.document.faults(media["schema"], example["value"]), [])
            for parameter in self.document.parameters(operation):
                given = [one["value"] for one in parameter.get("examples", {}).values()] or [parameter.get("example")]
                with self.subTest(operation=operation["operationId"], parameter=parameter["name"]):
                    self.assertEqual([f for one in given for f in self.document.faults(parameter["schema"], one)], [])

    def test_2_every_example_is_answered_as_described(self):
        """[S1-14] [S1-15] [S1-16] [S1-17] [S1-18] [S1-19] [S1-20] [S1-21] Every operation is reached by an example or a link, and its reply fits its schema."""
        self.send_examples()
        missed = {(path, method) for path, method, operation in self.document.operations()
                  if operation["operationId"] not in NEED_OTHERS} - self.sent
        self.assertEqual(missed, set())

    def test_3_every_parameter_is_understood(self):
        """Each optional parameter, in a request of its own; If-None-Match with the ETag that came."""
        for path, method, operation in self.document.operations():
            if method != "get":
                continue
            for parameter in self.document.parameters(operation):
                if parameter.get("required") or "examples" in parameter:
                    continue
                with self.subTest(operation=operation["operationId"], parameter=parameter["name"]):
                    values = {**self.usual(operation), parameter["name"]: parameter["example"]}
                    headers = {"Accept": "text/event-stream"} if parameter["name"] == "Last-Event-ID" else {}
                    reply = self.call(path, method, operation, values, headers=headers)
                    self.check(operation, reply)
                    self.assertIn(reply.status // 100, (2, 4))
                    self.assertNotEqual(reply.status, 400, reply.body[:300])
                    if parameter["name"] == "If-None-Match" and reply.status == 200:
                        values["If-None-Match"] = reply.headers["ETag"]
                        again = self.call(path, method, operation, values)
                        self.check(operation, again)
                        self.assertEqual(again.status, 304)

    def test_4_every_refusal_is_the_one_described(self):
        """[S1-14] [S1-15] [S1-16] [S1-18] [S1-25] One refused request for every rule, with its status, its code and the field it names."""
        self.send_examples()
        for path, method, operation in self.document.operations():
            self.assertTrue(operation.get("x-refused") or "requestBody" not in operation)
            for refused in operation.get("x-refused", []):
                with self.subTest(operation=operation["operationId"], rule=refused["summary"]):
                    reply = self.call(path, method, operation, refused.get("parameters"), refused.get("body"), refused.get("raw"),
                                      refused.get("headers"))
                    self.check_refused(operation, refused, reply)

    def test_4_a_body_that_a_rule_refuses_is_no_body_of_the_schema(self):
        """Where the schema says the rule, it agrees; the rules it cannot say are the few named here."""
        beyond = re.compile("control|invisible|space|NUL|host|port|password|never|not there|as_of|token|claim|nothing|before|ahead|known")
        for _, _, operation in self.document.operations():
            for refused in operation.get("x-refused", []):
                if "body" not in refused or refused["status"] != 400 or beyond.search(refused["summary"]):
                    continue
                with self.subTest(operation=operation["operationId"], rule=refused["summary"]):
                    self.assertNotEqual(self.document.faults(self.document.body(operation)["schema"], refused["body"]), [])

    def test_5_a_wrong_credential_is_refused_everywhere(self):
        """[S2-54] Also where none is needed."""
        for path, method, operation in self.document.operations():
            with self.subTest(operation=operation["operationId"]):
                values = {p["name"]: "x" for p in self.document.parameters(operation) if p["in"] == "path"}
                reply = self.call(path, method, operation, values, token="wrong")
                self.check_refused(operation, {"status": 401, "code": "unauthorized"}, reply)

    def test_5_nobody_without_a_credential_does_more_than_the_policy_lets(self):
        """Under --dev there is a credential: who has none may read what is open, and ask for plans and the profile."""
        for path, method, operation in self.document.operations():
            if operation["x-action"] in ("open", "claims", "plan.read", "bootstrap.apply"):
                continue
            with self.subTest(operation=operation["operationId"]):
                values = {p["name"]: "x" for p in self.document.parameters(operation) if p["in"] == "path"}
                reply = self.call(path, method, operation, values, token=None)
                self.check_refused(operation, {"status": 401, "code": "unauthorized"}, reply)

    def test_6_the_same_key_is_the_same_request(self):
        """Where Idempotency-Key is described, a second request with it is not done again, and another body with it is refused."""
        self.send_examples()
        for path, method, operation in self.document.operations():
            if not any(p["name"] == "Idempotency-Key" for p in self.document.parameters(operation)):
                continue
            for name, example in self.document.body(operation).get("examples", {}).items():
                key = {"Idempotency-Key": f"{operation['operationId']}-{name}"}
                with self.subTest(operation=operation["operationId"], example=name):
                    first = self.call(path, method, operation, key, example["value"])
                    again = self.call(path, method, operation, key, example["value"])
                    self.check(operation, first)
                    self.check(operation, again)
                    if first.status < 300 and again.status < 300:
                        self.assertEqual(first.body, again.body)


if __name__ == "__main__":
    unittest.main()
