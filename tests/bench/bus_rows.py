"""The row that measures the event bus on RabbitMQ."""
import socket

from figure import Figure
from servers import ROOT, Server, free_port, program


def speaks_amqp(port):
    """It answers the protocol's header with a frame."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"AMQP\x00\x00\x09\x01")
            return client.recv(1) == b"\x01"
    except OSError:
        return False


def rabbit(bench):
    """Publishing with confirms, 64 under way, beside librabbitmq alone."""
    folder = bench.fresh("rabbit")
    folder.mkdir()
    ports = [free_port() for _ in range(4)]
    command = [str(ROOT / "tests" / "backends" / "rabbit.sh"), str(folder), *map(str, ports)]
    with open(folder / "output", "wb") as output, Server(command, ports[0], speaks_amqp, output):
        got = program("rabbit", port=ports[0], seconds=bench.seconds)
    yield Figure("publish with confirm, RabbitMQ, 64 under way", got["rate"], "/s", 0.7, True, got["reference"],
                 "librabbitmq alone")


BUS_ROWS = {row.__name__: row for row in (rabbit,)}
