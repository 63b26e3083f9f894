"""A proxy between a node and a server of HTTP or AMQP: counts what is asked by kind, and misbehaves when it is told to."""
import collections
import contextlib
import re
import socket
import struct
import threading

AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
METHODS = {(40, 10): "exchange.declare", (40, 20): "exchange.delete", (40, 30): "exchange.bind", (40, 40): "exchange.unbind",
           (50, 10): "queue.declare", (50, 20): "queue.bind", (50, 30): "queue.purge", (50, 40): "queue.delete",
           (50, 50): "queue.unbind", (60, 40): "basic.publish"}
READS = {"GET", "HEAD", "exchange.look", "queue.look", "versions", "topic.look", "topic.judge"}
MESSAGES = {"basic.publish"}  # What the log says is told to a broker whenever it is said: no part of a look.
HELD_S = 60  # Nothing is kept back for longer.


def http_request(said):
    """Takes the first request off the front: what it asks for, and all of it. None until it is whole."""
    head, found, _ = bytes(said).partition(b"\r\n\r\n")
    size = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    whole = len(head) + 4 + (int(size[1]) if size else 0)
    if not found or len(said) < whole:
        return None
    request = bytes(said[:whole])
    del said[:whole]
    return head.split(b" HTTP/")[0].decode(), request


def amqp_frame(said):
    """The same of a frame: a method's name, "header" of a connection, or "" of what only keeps it going."""
    if said.startswith(b"AMQP"):
        whole = len(AMQP_HEADER)
    else:
        whole = struct.unpack_from(">I", said, 3)[0] + 8 if len(said) >= 7 else 7
    if len(said) < whole or not said:
        return None
    frame = bytes(said[:whole])
    del said[:whole]
    return "header" if frame == AMQP_HEADER else amqp_name(frame), frame


def amqp_name(frame):
    if frame[0] != 1:
        return ""
    name = METHODS.get(struct.unpack_from(">HH", frame, 7), "")
    if name in ("exchange.declare", "queue.declare"):
        flags = 14 + frame[13]
        if name == "exchange.declare":
            flags += 1 + frame[flags]
        if frame[flags] & 1:  # Passive: it only looks.
            return name.replace("declare", "look")
    return name


def written(counts):
    """Those of what was counted that could change what there is."""
    return {kind: count for kind, count in counts.items() if kind not in READS | MESSAGES}


class Fault:
    """What a proxy does wrong; this one nothing. What is asked is as Proxy counts it, with the target of an HTTP request."""
    refuses = False  # Connections.
    hangs_up = False  # After the first piece of an answer.
    cuts = True  # Connections that there are when it begins.
    endless = b""  # Follows what comes back at once, again and again.

    def asked(self, what, message):
        """What goes to the server, and what comes back at once."""
        return message, b""

    def answered(self, answer):
        """What comes through of a piece of an answer."""
        return answer


class Refuses(Fault):
    refuses = True


class Silent(Fault):
    """Takes connections and what is asked, and hands on nothing."""

    def asked(self, what, message):
        return b"", b""


class HalfOpen(Fault):
    """The way back is gone, and nobody was told, also of connections that were well."""
    cuts = False

    def answered(self, answer):
        return b""


class Cut(Fault):
    """Hangs up in the middle of an answer."""
    hangs_up = True

    def answered(self, answer):
        return answer[:len(answer) // 2]


class Holds(Fault):
    """Keeps back the first request that matches `pattern`, and what comes after it on its connection, until it is let go."""
    cuts = False

    def __init__(self, pattern):
        self.pattern, self.held, self.go = pattern, threading.Event(), threading.Event()

    def asked(self, what, message):
        if re.search(self.pattern, what) and not self.held.is_set():
            self.held.set()
            self.go.wait(HELD_S)
        return message, b""


class Says(Fault):
    """Answers what matches `pattern` itself: with `answer`, which may be a function of the request, and with `endless` again
    and again until nobody listens."""

    def __init__(self, answer, pattern="", endless=b""):
        self.answer, self.pattern, self.endless = answer, pattern, endless

    def asked(self, what, message):
        if not re.search(self.pattern, what):
            return message, b""
        return b"", self.answer(message) if callable(self.answer) else self.answer


class Renames(Fault):
    """Asks the server for another name of the same length in methods of this kind."""

    def __init__(self, kind, name, other):
        self.kind, self.name, self.other = kind, name.encode(), other.encode()

    def asked(self, what, message):
        return (message.replace(self.name, self.other) if what == self.kind else message), b""


def http_answer(status, body, *headers):
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


class Proxy:
    """`with Proxy(server, http_request) as proxy:` hands on to the port `server` of this machine what comes to `proxy.port`."""

    def __init__(self, server, take):
        self.server, self.take = server, take
        self.fault = Fault()
        self._counts = collections.Counter()
        self._lock = threading.Condition()
        self._connections = set()
        self._open = True
        # A port that was asked for by number stays this socket's while it does not listen.
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(64)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with self._lock:
            self._open = False
            self._lock.notify_all()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def take_counts(self):
        """What was asked since the last time, by HTTP method or AMQP method; a passive declare is a look."""
        with self._lock:
            counts, self._counts = self._counts, collections.Counter()
        return counts

    def misbehave(self, fault):
        """Until behave()."""
        with self._lock:
            was, self.fault = self.fault, fault
            if fault.refuses and not was.refuses:
                self._listener.shutdown(socket.SHUT_RDWR)
            if was.refuses and not fault.refuses:
                self._listener.listen(64)
            self._lock.notify_all()
        if fault.cuts:
            self._cut()

    def behave(self):
        self.misbehave(Fault())

    def _cut(self):
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            with self._lock:
                self._lock.wait_for(lambda: not self._open or not self.fault.refuses)
                if not self._open:
                    return
            try:
                client = self._listener.accept()[0]
            except OSError:
                continue  # It does not listen any more, or not for now.
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self.server)) as server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections |= {client, server}
            try:
                back = threading.Thread(target=self._bring_back, args=(server, client), daemon=True)
                back.start()
                self._hand_on(client, server)
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                back.join()
            finally:
                with self._lock:
                    self._connections -= {client, server}

    def _hand_on(self, client, server):
        said = bytearray()
        with contextlib.suppress(OSError):
            while piece := client.recv(65536):
                said += piece
                while taken := self.take(said):
                    what, message = taken
                    with self._lock:
                        if what:
                            self._counts[what.split()[0]] += 1
                        fault = self.fault
                    onward, at_once = fault.asked(what, message)
                    server.sendall(onward)
                    client.sendall(at_once)
                    while at_once and fault.endless:
                        client.sendall(fault.endless)

    def _bring_back(self, server, client):
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                fault = self.fault
                client.sendall(fault.answered(piece))
                if fault.hangs_up:
                    break
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
