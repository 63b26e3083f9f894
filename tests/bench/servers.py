"""The servers that are measured: the node, and the references etcd and nginx."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from waiting import until  # noqa: E402

BINARY = os.environ.get("MUSTER", str(ROOT / "build" / "release" / "muster"))
PROGRAMS = ROOT / "build" / "release" / "tests" / "bench"
TOKEN = "dev-token"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program(name, *arguments, **named):
    """Runs a generator or reference; its figures. mode="get" becomes --mode get."""
    options = [text for key, value in named.items() for text in ("--" + key, str(value))]
    done = subprocess.run([PROGRAMS / f"bench_{name}", *arguments, *options], stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


class Server:
    """A child process that is stopped at the end of its `with`."""

    def __init__(self, command, port, ready, output, environment=None):
        self.port = port
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                        env=environment, preexec_fn=many_files)
        try:
            until(lambda: ready(port), "it is ready", on=[self.process], look_again_s=0.001)
        except AssertionError as error:
            self.stop()
            raise SystemExit(f"{command[0]} did not start, see {output.name}: {error}") from None
        self.started_in = time.monotonic() - began

    @property
    def pid(self):
        return self.process.pid

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_seconds(self):
        """User and system time so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def many_files():
    import resource  # In the child, before exec.
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
    except ValueError:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def answers(path):
    """A readiness test: GET path is 200."""
    def ready(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
    return ready


class Node(Server):
    """The node on one folder."""

    def __init__(self, data, *flags):
        port = free_port()
        data = pathlib.Path(data)
        with open(data.parent / f"{data.name}.log", "ab") as output:
            kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
            command = [BINARY, ":serve", "--data", str(data), "--bind", f"127.0.0.1:{port}", "--dev", "--alone", "--node-side=false",
                       "--log-level", "warn", *flags]
            super().__init__(command, port, answers("/readyz"), output, kept)

    def ask(self, method, path, body=None):
        """(status, body, headers)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        answer = reply.status, reply.read(), reply.headers
        connection.close()
        return answer

    def head(self):
        """The seq of the newest view."""
        return int(self.ask("GET", "/v1/nodes?limit=1")[2]["X-Muster-Seq"])

    def load(self, **named):
        return program("load", port=self.port, pid=self.pid, token=TOKEN, **named)


def etcd(folder):
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = ["etcd", "--data-dir", str(folder), "--listen-client-urls", client, "--advertise-client-urls", client,
               "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
               "--log-level", "error"]
    with open(f"{folder}.log", "ab") as output:
        return Server(command, int(client.rsplit(":", 1)[1]), answers("/health"), output)


NGINX = """daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=16;
  default_type application/json;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}
"""


def nginx(folder, content):
    """One process, serving `content` at /nodes.json from its cache of open files."""
    port = free_port()
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "nodes.json").write_bytes(content)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    with open(folder / "output.log", "ab") as output:
        return Server(["nginx", "-c", str(folder / "nginx.conf")], port, answers("/nodes.json"), output)
