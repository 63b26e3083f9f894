"""Calls a running node: one request, one reply, nothing hidden."""
import http.client
import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from waiting import PATIENCE_S as LIMIT_S, until  # noqa: E402


class Answer:
    """What came back: status, headers, the body as bytes and, when it is JSON, as a value."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def seq(self):
        return int(self.headers["X-Muster-Seq"])

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class Caller:
    """Speaks to the node at `port` with the same headers each time."""

    def __init__(self, port, **headers):
        self.port = port
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def call(self, method, path, body=None, headers=None):
        """`body` is sent as it is when it is text or bytes, else as JSON."""
        sent = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path, body=None, headers=None):
        return self.call("POST", path, body, headers)

    def until(self, path, good):
        """Asks until good(answer); that answer."""
        def asked():
            answer = self.get(path)
            return answer if good(answer) else None
        return until(asked, f"{path} is as expected")

    def shown(self, path, good):
        """Asks for a view now and after each event that comes, until good(answer); that answer."""
        answer = self.get(path)
        if good(answer):
            return answer
        deadline = time.monotonic() + LIMIT_S
        with self.stream(f"/v1/events?follow=true&from={answer.seq + 1}") as tail:
            for line in iter(tail.readline, b""):
                answer = self.get(f"{path}?after={json.loads(line)['seq']}")
                if good(answer):
                    return answer
                if time.monotonic() > deadline:
                    break
        raise AssertionError(f"{path} never became as expected: {answer}")

    @contextmanager
    def stream(self, path, headers=None):
        """The response of a request that does not end by itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request("GET", path, headers={**self.headers, **(headers or {})})
            yield connection.getresponse()
        finally:
            connection.close()


def read_on(reply, good):
    """The text of a stream that does not end by itself, once good(text); looked at after each piece, a keep-alive too."""
    text = ""

    def more():
        nonlocal text
        piece = reply.read1(65536).decode()
        if not piece:
            raise AssertionError(f"the stream ended: {text}")
        text += piece
        return good(text)
    until(more, "the stream tells it")
    return text


def messages(response):
    """The server-sent messages of a stream: dicts of their fields, comments under ''."""
    message = {}
    for line in iter(response.readline, b""):
        text = line.decode().rstrip("\r\n")
        if not text:
            if message:
                yield message
            message = {}
            continue
        name, _, value = text.partition(":")
        message[name] = value.removeprefix(" ")
