"""/openapi.json describes what a node really does: every example is sent, every refusal is provoked, every reply is validated.

What is sent for an operation: its required parameters and those with `examples`; each parameter with an `example` in a
request of its own; each example of the body; each entry of `x-refused`. `links` of a reply lead to further requests.
An example with `x-needs` has a test of its own, which sees to what it needs.
"""
import json
import re
import shutil
import unittest

from jsonschema import Draft202012Validator

from jobs_tree_test import SHIPPED
from openapi_case import Document, OpenApiCase, send
from running_node import RunningNode, binary_serves

METHODS = ("get", "put", "post", "delete", "patch")
# What a lone node can only refuse: openapi_cluster_test.py sends these.
NEED_OTHERS = {"recoverCluster", "transferLeadership", "removeMember", "rotateClusterKey"}
# What is of a run, and reached from the reply that it was accepted with.
OF_A_RUN = {"getRun", "cancelRun", "followRun", "exportRun", "checkRun"}


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from references(one)


class OpenApiTest(OpenApiCase):
    credential = {"Authorization": "Bearer dev-token"}

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
        cls.url = cls.node.url
        cls.document = Document(send(cls.url, "get", "/openapi.json").json())

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

    def examples(self, operation, none=(("", {}),)):
        """(name, example) of each body that can be sent at any time; `none` where there is no body."""
        examples = self.document.body(operation).get("examples")
        return [one for one in examples.items() if "x-needs" not in one[1]] if examples else none

    def send_examples(self):
        """Commands first: what is read then is there."""
        only_linked, order = self.only_linked(), ("post", "put", "patch", "get", "delete")
        for path, method, operation in sorted(self.document.operations(), key=lambda found: order.index(found[1])):
            if operation["operationId"] in only_linked | NEED_OTHERS | OF_A_RUN:
                continue
            for name, example in self.examples(operation):
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
                reply = self.call(path, method, operation, values, credential={"Authorization": "Bearer wrong"})
                self.check_refused(operation, {"status": 401, "code": "unauthorized"}, reply)

    def test_5_nobody_without_a_credential_does_more_than_the_policy_lets(self):
        """Under --dev there is a credential: a page of elsewhere, which has none, may read what is open, and ask for plans and the profile."""
        for path, method, operation in self.document.operations():
            if operation["x-action"] in ("open", "claims", "plan.read", "bootstrap.apply"):
                continue
            with self.subTest(operation=operation["operationId"]):
                values = {p["name"]: "x" for p in self.document.parameters(operation) if p["in"] == "path"}
                reply = self.call(path, method, operation, values, credential={"Origin": "http://elsewhere.example"})
                self.check_refused(operation, {"status": 401, "code": "unauthorized"}, reply)

    def test_6_the_same_key_is_the_same_request(self):
        """Where Idempotency-Key is described, a second request with it is not done again, and another body with it is refused."""
        self.send_examples()
        for path, method, operation in self.document.operations():
            if not any(p["name"] == "Idempotency-Key" for p in self.document.parameters(operation)):
                continue
            for name, example in self.examples(operation, none=()):
                key = {"Idempotency-Key": f"{operation['operationId']}-{name}"}
                with self.subTest(operation=operation["operationId"], example=name):
                    first = self.call(path, method, operation, key, example["value"])
                    again = self.call(path, method, operation, key, example["value"])
                    self.check(operation, first)
                    self.check(operation, again)
                    if first.status < 300 and again.status < 300:
                        self.assertEqual(first.body, again.body)

    def test_7_old_lines_are_dropped_as_described(self):
        """The example that needs a checkpoint, once one is stored."""
        needy = [(operation["operationId"], one["x-needs"]) for _, _, operation in self.document.operations()
                 for one in self.document.body(operation).get("examples", {}).values() if "x-needs" in one]
        self.assertEqual(needy, [("compactLog", "a checkpoint")])
        self.assertEqual(send(self.url, "post", "/v1/nodes/register", b'{"node_id": "one more"}', self.credential).status, 200)
        at = self.call(*self.document.find("checkpoint")).json()["at"]

        def stored():
            return at in [made["at"] for made in send(self.url, "get", "/v1/log", headers=self.credential).json()["checkpoints"]]
        self.node.until(stored, "the checkpoint is stored")
        path, method, operation = self.document.find("compactLog")
        body = next(one["value"] for one in self.document.body(operation)["examples"].values() if "x-needs" in one)
        reply = self.call(path, method, operation, body=body)
        self.check_good(path, method, operation, reply)
        self.assertEqual((reply.json()["to"], reply.json()["dry_run"]), (at, False))


if __name__ == "__main__":
    unittest.main()
