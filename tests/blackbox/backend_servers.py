"""The servers of an environment for tests: a real S3 server and a real RabbitMQ, a fake Weaviate, and somebody else's hand on them."""
import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import struct
import subprocess
import sys
import tempfile
import time

from backend_proxy import AMQP_HEADER
from running_cluster import fixed_port
from running_node import ROOT, free_port
from waiting import until

BACKENDS = ROOT / "tests" / "backends"
S3_KEY, S3_SECRET = "testak", "testsk"
AMQP_USER, AMQP_PASSWORD = "maker", "let-me-make"
INDEX_KEY = "let-me-index"
SECRETS = (S3_SECRET, AMQP_PASSWORD, INDEX_KEY)
STOP_LIMIT_S, CONNECT_LIMIT_S = 60, 5


@contextlib.contextmanager
def ceph():
    """The port of Ceph's S3 gateway, which answers when its port is given."""
    port = fixed_port()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([BACKENDS / "ceph", folder, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        try:
            if server.stdout.readline() != b"ready\n":
                raise AssertionError(f"the S3 server did not start: see {folder}")
            yield port
        finally:
            server.stdin.close()
            server.wait(timeout=STOP_LIMIT_S)
            server.stdout.close()


@contextlib.contextmanager
def rabbit():
    """The port of a RabbitMQ."""
    with tempfile.TemporaryDirectory() as folder:
        port, *others = (free_port() for _ in range(4))
        server = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", BACKENDS / "rabbit.sh", folder, str(port), *map(str, others)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: speaks_amqp(port), "RabbitMQ answers", on=[server])
            yield port
        finally:
            server.terminate()
            server.wait(timeout=STOP_LIMIT_S)


@contextlib.contextmanager
def fake_weaviate():
    """The port of the fake Weaviate."""
    server = subprocess.Popen([sys.executable, BACKENDS / "fake_weaviate.py", "--api-key", INDEX_KEY], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait(timeout=STOP_LIMIT_S)
        server.stdout.close()


def speaks_amqp(port):
    """It answers the protocol's header with a frame."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=CONNECT_LIMIT_S) as client:
            client.sendall(AMQP_HEADER)
            return client.recv(1) == b"\x01"
    except OSError:
        return False


def environment_at(s3, amqp, index):
    """What tells a node where they are."""
    return {"MINIO_ENDPOINT": f"http://127.0.0.1:{s3}", "MINIO_ACCESS_KEY": S3_KEY, "MINIO_SECRET_KEY": S3_SECRET,
            "AMQP_URL": f"amqp://{AMQP_USER}:{AMQP_PASSWORD}@127.0.0.1:{amqp}/",
            "WEAVIATE_URL": f"http://127.0.0.1:{index}", "WEAVIATE_API_KEY": INDEX_KEY}


def profile_of(name, buckets=1, queues=1, classes=1):
    """A profile's text: so many buckets with versions, a rule and tags, queues with a binding each, and classes, all called after `name`."""
    return json.dumps({
        "storage": [{"name": f"{name}-bucket-{n}", "versioned": True, "tags": {"owner": "platform", "stage": "test"},
                     "lifecycle": [{"id": "tmp-7d", "prefix": "tmp/", "expire_days": 7}]} for n in range(buckets)],
        "broker": {"exchanges": [{"name": f"{name}-orders", "type": "topic"}],
                   "queues": [{"name": f"{name}-queue-{n}", "ttl": 60} for n in range(queues)],
                   "bindings": [{"exchange": f"{name}-orders", "queue": f"{name}-queue-{n}", "key": f"new.{n}"} for n in range(queues)]},
        "index": {"classes": [{"name": f"{name.title()}Class{n}", "properties": [{"name": "title", "type": "text"}, {"name": "size", "type": "int"}]}
                              for n in range(classes)]}})


def s3_by_hand(port, method, bucket, part):
    """What an S3 server answers to a request, signed with Signature Version 4, for a part of a bucket such as "lifecycle"."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope, nothing = f"{now[:8]}/us-east-1/s3/aws4_request", hashlib.sha256().hexdigest()
    headers = {"host": f"127.0.0.1:{port}", "x-amz-content-sha256": nothing, "x-amz-date": now}
    names = ";".join(headers)
    asked = "\n".join([method, f"/{bucket}", f"{part}=", *(f"{name}:{value}" for name, value in headers.items()), "", names, nothing])
    key = f"AWS4{S3_SECRET}".encode()
    for text in [*scope.split("/"), "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(asked.encode()).hexdigest()])]:
        key = hmac.digest(key, text.encode(), "sha256")
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={S3_KEY}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STOP_LIMIT_S)
    with contextlib.closing(connection):
        connection.request(method, f"/{bucket}?{part}=", headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
    if answer.status >= 300:
        raise AssertionError(f"{method} {bucket} {part}: {answer.status} {body}")
    return body


def delete_queue(port, name):
    """As any other client of the broker can."""
    with socket.create_connection(("127.0.0.1", port), timeout=CONNECT_LIMIT_S) as broker, broker.makefile("rb") as answers:
        def method(channel, kind, arguments):
            payload = struct.pack(">HH", *kind) + arguments
            broker.sendall(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

        def answer(kind):
            size = struct.unpack(">BHI", answers.read(7))[2]
            payload = answers.read(size + 1)[:-1]
            if struct.unpack_from(">HH", payload) != kind:
                raise AssertionError(f"the broker answered {payload!r}")
            return payload[4:]

        def short(text):
            return bytes([len(text)]) + text.encode()

        who = f"\0{AMQP_USER}\0{AMQP_PASSWORD}".encode()
        broker.sendall(AMQP_HEADER)
        answer((10, 10))  # Start.
        method(0, (10, 11), struct.pack(">I", 0) + short("PLAIN") + struct.pack(">I", len(who)) + who + short("en_US"))
        method(0, (10, 31), answer((10, 30)))  # Tune, as it wants.
        method(0, (10, 40), short("/") + b"\0\0")
        answer((10, 41))
        method(1, (20, 10), b"\0")  # A channel.
        answer((20, 11))
        method(1, (50, 40), struct.pack(">H", 0) + short(name) + b"\0")
        answer((50, 41))
