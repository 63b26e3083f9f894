"""The servers of an environment for tests: a real S3 server and a real RabbitMQ, a fake Weaviate, and somebody else's hand on them."""
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pika

from backend_proxy import AMQP_HEADER
from running_cluster import fixed_port
from running_node import ROOT, free_port
from waiting import until

RABBITMQ = Path("/usr/lib/rabbitmq/lib")
BACKENDS = ROOT / "tests" / "backends"
S3_KEY, S3_SECRET = "testak", "testsk"
AMQP_USER, AMQP_PASSWORD = "maker", "let-me-make"
INDEX_KEY = "let-me-index"
SECRETS = (S3_SECRET, AMQP_PASSWORD, INDEX_KEY)
STOP_LIMIT_S, CONNECT_LIMIT_S = 60, 5


@contextlib.contextmanager
def ceph(port=None, day_s=None):
    """The port of Ceph's S3 gateway, which answers when its port is given; the one that is asked for. A day of its lifecycle rules may be shorter."""
    port = port or fixed_port()
    day = {"LIFECYCLE_DAY": str(day_s)} if day_s else {}
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([BACKENDS / "ceph", folder, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, env={**os.environ, **day})
        try:
            if server.stdout.readline() != b"ready\n":
                raise AssertionError(f"the S3 server did not start: see {folder}")
            yield port
        finally:
            server.stdin.close()
            server.wait(timeout=STOP_LIMIT_S)
            server.stdout.close()


@contextlib.contextmanager
def rabbit_in(folder, ports):
    """A RabbitMQ with what it left in the folder, which answers at the first of four ports."""
    server = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", BACKENDS / "rabbit.sh", folder, *map(str, ports)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: speaks_amqp(ports[0]), "RabbitMQ answers", on=[server])
        yield ports[0]
    finally:
        server.terminate()
        server.wait(timeout=STOP_LIMIT_S)


@contextlib.contextmanager
def rabbit():
    """The port of a new RabbitMQ."""
    with tempfile.TemporaryDirectory() as folder, rabbit_in(folder, [free_port() for _ in range(4)]) as port:
        yield port


def set_amqp_password(folder, ports, password):
    """Gives the user that nodes are another password, at the RabbitMQ that rabbit_in() started."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": f"{folder}/home", "ERL_EPMD_PORT": str(ports[3]),
                   "RABBITMQ_CONF_ENV_FILE": "/dev/null"}
    program = next(RABBITMQ.glob("rabbitmq_server-*/sbin/rabbitmqctl"))
    subprocess.run([program, "-n", f"muster{ports[0]}@localhost", "change_password", AMQP_USER, password], env=environment, check=True,
                   stdout=subprocess.DEVNULL, timeout=STOP_LIMIT_S)


def amqp_url(port, password=AMQP_PASSWORD):
    return f"amqp://{AMQP_USER}:{password}@127.0.0.1:{port}/"


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
            "AMQP_URL": amqp_url(amqp),
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


def s3_by_hand(port, method, bucket, part="", body=""):
    """What an S3 server answers to a request, signed with Signature Version 4, for a bucket or a part of it such as "lifecycle"."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope, digest = f"{now[:8]}/us-east-1/s3/aws4_request", hashlib.sha256(body.encode()).hexdigest()
    headers = {"content-md5": base64.b64encode(hashlib.md5(body.encode()).digest()).decode(), "host": f"127.0.0.1:{port}",
               "x-amz-content-sha256": digest, "x-amz-date": now}
    names, query = ";".join(headers), f"{part}=" if part else ""
    asked = "\n".join([method, f"/{bucket}", query, *(f"{name}:{value}" for name, value in headers.items()), "", names, digest])
    key = f"AWS4{S3_SECRET}".encode()
    for text in [*scope.split("/"), "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(asked.encode()).hexdigest()])]:
        key = hmac.digest(key, text.encode(), "sha256")
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={S3_KEY}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return http_by_hand(port, method, f"/{bucket}?{query}", headers, body)


def index_by_hand(port, method, path, given=None):
    """What the fake Weaviate answers, as JSON."""
    said = http_by_hand(port, method, path, {"Authorization": f"Bearer {INDEX_KEY}", "Content-Type": "application/json"},
                        json.dumps(given) if given else "")
    return json.loads(said) if said else None


def http_by_hand(port, method, path, headers, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STOP_LIMIT_S)
    with contextlib.closing(connection):
        connection.request(method, path, body.encode(), headers)
        answer = connection.getresponse()
        said = answer.read().decode()
    if answer.status >= 300:
        raise AssertionError(f"{method} {path}: {answer.status} {said}")
    return said


@contextlib.contextmanager
def broker_by_hand(port):
    """A channel to a RabbitMQ, as any other client of it has: a message that goes nowhere is an error."""
    connection = pika.BlockingConnection(pika.URLParameters(f"amqp://{AMQP_USER}:{AMQP_PASSWORD}@127.0.0.1:{port}/"))
    with contextlib.closing(connection):
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel
