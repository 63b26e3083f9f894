"""A fake broker of Kafka: no real one is packaged. It speaks the requests that topics are looked at and made with, after Kafka's protocol, and keeps what these say."""
import contextlib
import socketserver
import struct
import threading

METADATA, VERSIONS, CREATE, DESCRIBE = 3, 18, 19, 32
VERSIONS_SPOKEN = {METADATA: 4, VERSIONS: 0, CREATE: 2, DESCRIBE: 1}  # The newest of each.
UNKNOWN_TOPIC, UNSUPPORTED, EXISTS, DENIED, THROTTLED = 3, 35, 36, 29, 89


class Reader:
    """What a request is made of, from its front."""

    def __init__(self, said):
        self.said, self.at = said, 0

    def number(self, size):
        self.at += size
        return int.from_bytes(self.said[self.at - size:self.at], "big", signed=True)

    def text(self):
        size = self.number(2)
        if size < 0:
            return None
        self.at += size
        return self.said[self.at - size:self.at].decode()

    def head(self):
        """Its kind, its version and its number; who asks is passed over."""
        kind, version, number = self.number(2), self.number(2), self.number(4)
        self.text()
        return kind, version, number

    def topic(self):
        """The topic that is to be made, and whether that is only judged."""
        self.number(4)  # One topic.
        name, partitions, replication = self.text(), self.number(4), self.number(2)
        self.number(4)  # No assignments.
        config = {self.text(): self.text() for _ in range(self.number(4))}
        self.number(4)  # Its time.
        return name, {"partitions": partitions, "replication": replication, "config": config}, self.number(1) != 0


def text(words):
    return struct.pack(">h", -1) if words is None else struct.pack(">h", len(words.encode())) + words.encode()


def framed(number, body):
    """An answer to the request of that number."""
    return struct.pack(">ii", len(body) + 4, number) + body


def kafka_request(said):
    """Takes the first request off the front, as backend_proxy.py has it: a topic that is only judged is a look."""
    if len(said) < 4 or len(said) < (whole := 4 + struct.unpack_from(">I", said)[0]):
        return None
    message = bytes(said[:whole])
    del said[:whole]
    request = Reader(message[4:])
    kind = request.head()[0]
    if kind != CREATE:
        return "versions" if kind == VERSIONS else "topic.look", message
    name, _, only_judged = request.topic()
    return f"topic.{'judge' if only_judged else 'create'} {name}", message


def refused(code):
    """What answers a request to make a topic, or to judge one, in place of the broker."""
    def answer(message):
        request = Reader(message[4:])
        number = request.head()[2]
        return framed(number, struct.pack(">ii", 0, 1) + text(request.topic()[0]) + struct.pack(">h", code) + text("so it was told"))
    return answer


def garbled(message):
    """An answer of that request's number in which nothing else is right."""
    return framed(Reader(message[4:]).head()[2], b"\xff<<{{" * 40)


class Broker(socketserver.ThreadingTCPServer):
    """It says that it is at `told_port`; its topics are in `topics`, by name."""
    daemon_threads = allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.told_port = self.server_address[1]
        self.topics, self.lock = {}, threading.Lock()

    def answer(self, kind, version, request):
        if kind == VERSIONS:  # The oldest form, which also says to whoever asks in a newer one what there is.
            spoken = b"".join(struct.pack(">hhh", *one) for one in ((known, 0, most) for known, most in VERSIONS_SPOKEN.items()))
            return struct.pack(">hi", UNSUPPORTED if version else 0, len(VERSIONS_SPOKEN)) + spoken
        with self.lock:
            return struct.pack(">i", 0) + {METADATA: self.metadata, CREATE: self.create, DESCRIBE: self.describe}[kind](request)

    def metadata(self, request):
        names = [request.text() for _ in range(request.number(4))]
        said = struct.pack(">ii", 1, 1) + text("127.0.0.1") + struct.pack(">i", self.told_port) + text(None)
        said += text("cluster") + struct.pack(">ii", 1, len(names))
        for name in names:
            partitions = self.topics[name]["partitions"] if name in self.topics else 0
            said += struct.pack(">h", 0 if partitions else UNKNOWN_TOPIC) + text(name) + struct.pack(">bi", 0, partitions)
            for n in range(partitions):  # Led by the one broker, which has the one copy.
                said += struct.pack(">hiiiiii", 0, n, 1, 1, 1, 1, 1)
        return said

    def create(self, request):
        name, topic, only_judged = request.topic()
        there = name in self.topics
        if not there and not only_judged:
            self.topics[name] = topic
        return struct.pack(">i", 1) + text(name) + struct.pack(">h", EXISTS if there else 0) + text(None)

    def describe(self, request):
        request.number(4)  # One resource.
        kind, name = request.number(1), request.text()
        config = self.topics[name]["config"]
        said = struct.pack(">ih", 1, 0) + text(None) + struct.pack(">b", kind) + text(name) + struct.pack(">i", len(config))
        for key, value in config.items():
            said += text(key) + text(value) + struct.pack(">bbbi", 0, 5, 0, 0)
        return said


class Handler(socketserver.StreamRequestHandler):
    """Speaks for the broker."""
    disable_nagle_algorithm = True

    def handle(self):
        with contextlib.suppress(ConnectionError):
            while len(size := self.rfile.read(4)) == 4:
                request = Reader(self.rfile.read(struct.unpack(">I", size)[0]))
                kind, version, number = request.head()
                self.wfile.write(framed(number, self.server.answer(kind, version, request)))


@contextlib.contextmanager
def fake_kafka():
    """A broker that answers until the block ends."""
    with Broker() as broker:
        threading.Thread(target=broker.serve_forever, daemon=True).start()
        try:
            yield broker
        finally:
            broker.shutdown()
