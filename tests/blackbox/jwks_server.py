"""Keys and tokens for tests, without a library: RSA by arithmetic, and a JWKS on loopback."""
import base64
import contextlib
import hashlib
import json
import math
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# SHA-256 as PKCS #1 v1.5 names it.
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
EXPONENT = 65537
SMALL = math.prod(n for n in range(3, 2000, 2) if all(n % m for m in range(3, math.isqrt(n) + 1, 2)))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_prime(n, rounds=12):
    """Miller-Rabin."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(rounds):
        x = pow(random.randrange(2, n - 1), odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(bits):
    while True:
        n = random.getrandbits(bits) | 3 << bits - 2 | 1
        if n % EXPONENT != 1 and math.gcd(n, SMALL) == 1 and is_prime(n):
            return n


class Key:
    """An RSA key that signs tokens."""

    def __init__(self, kid, bits=2048):
        self.kid = kid
        p, q = prime(bits // 2), prime(bits // 2)
        self.n, self.d = p * q, pow(EXPONENT, -1, (p - 1) * (q - 1))
        self.size = bits // 8

    def jwk(self):
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": b64(self.n.to_bytes(self.size, "big")),
                "e": b64(EXPONENT.to_bytes(3, "big"))}

    def sign(self, text):
        digest = SHA256_INFO + hashlib.sha256(text).digest()
        padded = b"\0\1" + b"\xff" * (self.size - 3 - len(digest)) + b"\0" + digest
        return pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(self.size, "big")

    def token(self, claims, **header):
        """A signed token; good for a minute unless the claims say otherwise. A claim of None is left out."""
        claims = {"sub": "alice", "exp": int(time.time()) + 60, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": self.kid, **header}, claims)).encode()
        return f"{text.decode()}.{b64(self.sign(text))}"


class JwksServer:
    """`with JwksServer([key]) as jwks:` serves the public halves at jwks.url; `keys` may be changed."""

    def __init__(self, keys):
        self.keys = list(keys)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with contextlib.suppress(ConnectionError):  # The node stopped while it asked.
                    self.serve()

            def serve(self):
                body = json.dumps({"keys": [key.jwk() for key in outer.keys]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/jwk-set+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/jwks.json"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
