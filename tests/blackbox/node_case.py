"""Test cases that share one running node."""
import unittest

from caller import Caller
from running_node import RunningNode


class NodeCase(unittest.TestCase):
    """One node for the tests of a class."""

    flags = ()
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.node = RunningNode(*cls.flags, environment=cls.environment)
        cls.node.__enter__()
        cls.addClassCleanup(cls.node.__exit__)
        cls.caller = Caller(cls.node.port)

    def refused(self, answer, status, code, pointer=None):
        """The answer is that problem."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        self.assertEqual((problem["code"], problem["status"]), (code, status))
        for member in ("type", "title", "detail", "retryable", "outcome", "request", "errors"):
            self.assertIn(member, problem)
        if pointer is not None:
            self.assertIn(pointer, [error["pointer"] for error in problem["errors"]])


class OpenNode(NodeCase):
    environment = {"POLICY_ALLOW_ANONYMOUS_PROXY": "true"}
