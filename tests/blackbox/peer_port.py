"""A caller of a member port, for tests: TLS with any certificate or none, and frames by hand."""
import hmac
import re
import socket
import ssl
import struct
import subprocess
from pathlib import Path

from waiting import PATIENCE_S

ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # What stands before a seed of 32 bytes.
JOIN, JOINED, OPEN, REFUSAL = 6, 7, 0x80, 0x82


class PeerPort:
    """`with PeerPort(member) as port:` is a connection whose handshake is done. `certificate` is a PEM file with its key."""

    def __init__(self, member, certificate=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(certificate)
        plain = socket.create_connection(("127.0.0.1", member.peer_port), timeout=PATIENCE_S)
        self._socket = context.wrap_socket(plain)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def shown(self):
        """What it shows as its certificate, DER."""
        return self._socket.getpeercert(binary_form=True)

    def send(self, kind, body):
        self.raw(struct.pack(">IB", len(body) + 1, kind) + body)

    def raw(self, data):
        self._socket.sendall(data)

    def receive(self):
        """The next frame's kind and body; None when it hung up."""
        try:
            head = self._exactly(5)
            size, kind = struct.unpack(">IB", head) if head else (0, 0)
            body = self._exactly(size - 1) if head else None
        except (ssl.SSLError, ConnectionError):
            return None
        return None if body is None else (kind, body)

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            if not (more := self._socket.recv(size - len(data))):
                return None
            data += more
        return data


def key_of(der):
    """SHA-256 of a certificate's public key (SPKI, DER), hex: what members know each other by."""
    public = subprocess.run(["openssl", "x509", "-inform", "DER", "-pubkey", "-noout"], input=der, capture_output=True, check=True).stdout
    spki = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, capture_output=True, check=True).stdout
    return subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=spki, capture_output=True, check=True).stdout[:64].decode()


def make_certificate(path, node):
    """A PEM file with a key and a certificate for `node` that no authority stands behind. Returns the path."""
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", f"/CN={node}", "-days", "1", "-keyout", f"{path}.key",
               "-out", f"{path}.crt", "-addext", f"subjectAltName=URI:muster:node:{node}", "-addext", "extendedKeyUsage=clientAuth,serverAuth"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(Path(f"{path}.key").read_text() + Path(f"{path}.crt").read_text())
    return path


def issue(path, member, node, days=1):
    """The same, of the authority that `member` shows, as whoever has the cluster key in its folder can make one; `days` may be
    below 0: it has ended."""
    key = bytes.fromhex((member.data / "keys" / "cluster").read_text().strip())
    extracted = hmac.digest(bytes(32), key, "sha256")
    seed = hmac.digest(extracted, b"muster ca v1\1", "sha256")  # HKDF, one block.
    signer = Path(f"{path}.ca.key")
    signer.write_text(ssl.DER_cert_to_PEM_cert(ED25519_PKCS8 + seed).replace("CERTIFICATE", "PRIVATE KEY"))
    chain = subprocess.run(["openssl", "s_client", "-connect", member.peer, "-showcerts"], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, check=False, timeout=PATIENCE_S).stdout
    ca = Path(f"{path}.ca.crt")
    ca.write_text(re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", chain, re.S)[1])
    make_certificate(path, node)
    Path(f"{path}.ext").write_text(f"subjectAltName=URI:muster:node:{node}\nextendedKeyUsage=clientAuth,serverAuth\nbasicConstraints=critical,CA:FALSE\n"
                                   "keyUsage=critical,digitalSignature\n")
    signed = subprocess.run(["openssl", "x509", "-in", f"{path}.crt", "-clrext", "-CA", ca, "-CAkey", signer, "-days", str(days), "-set_serial", "7",
                             "-extfile", f"{path}.ext"], check=True, capture_output=True, text=True).stdout
    path.write_text(Path(f"{path}.key").read_text() + signed + ca.read_text())
    return path
