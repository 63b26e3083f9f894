#!/usr/bin/env python3
"""A fake of a Weaviate server: no real one is packaged. It keeps classes and objects and answers as the real one's sources
say it would, oddities included, and notes every request, and every answer of its own, that Weaviate's description does not have.

    fake_weaviate.py [--api-key KEY] [--autoschema]     prints its port, and ends when its input does

Of its own are /fake/faults (what is not described), /fake/writes (how many requests would have changed something), /fake/reset,
POST /fake/class (a class made by hand, in any shape), and POST /fake/key (the key that it wants from now on)."""
import argparse
import contextlib
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))
import weaviate_shapes  # noqa: E402

LISTABLE = ["text", "int", "number", "boolean", "date", "uuid", "string"]
TYPES = [*LISTABLE, *(f"{one}[]" for one in LISTABLE), "blob", "blobHash", "geoCoordinates", "phoneNumber"]
RESERVED = ["id", "_id", "_additional"]
KINDS = {"text": str, "date": str, "uuid": str, "blob": str, "blobHash": str, "int": int, "number": (int, float), "boolean": bool,
         "geoCoordinates": dict, "phoneNumber": dict}


class Refused(Exception):
    """What the server answers instead: `body` None is an empty one."""

    def __init__(self, status, message=None, body=None):
        super().__init__(message)
        self.status = status
        self.body = {"error": [{"message": message}]} if message is not None else body


def upper(name):
    return name[:1].upper() + name[1:]


def lower(name):
    return name[:1].lower() + name[1:]


class State:
    """What the fake keeps. Only one request at a time changes it."""

    def __init__(self, autoschema, api_key):
        self.autoschema, self.api_key = autoschema, api_key
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        self.classes, self.objects, self.faults, self.writes = {}, {}, [], 0

    # --- the schema

    def must_find(self, name):
        if upper(name) not in self.classes:
            raise Refused(404)
        return self.classes[upper(name)]

    def check_property(self, of, given, others):
        if not given.get("name"):
            raise Refused(422, "property must contain name")
        if not given.get("dataType"):
            raise Refused(422, "property must contain dataType")
        name, types = lower(given["name"]), given["dataType"]
        if name in RESERVED:
            raise Refused(422, f"'{name}' is a reserved property name")
        if any(other["name"].lower() == name.lower() for other in others):
            raise Refused(422, f'class "{of}": conflict for property "{name}": already in use or provided multiple times')
        if not all(one in TYPES or one[:1].isupper() and one in self.classes for one in types):
            raise Refused(422, f"property '{name}': invalid dataType: {types}: reference property to nonexistent class")
        types = [one.replace("string", "text") for one in types]
        is_text = types[0] in ("text", "text[]")
        return {"indexFilterable": True, "indexSearchable": is_text, **({"tokenization": "word"} if is_text else {}), **given,
                "name": name, "dataType": types}

    def add_class(self, given):
        name = upper(given.get("class", ""))
        if not re.fullmatch(weaviate_shapes.CLASS_NAME, name):
            raise Refused(422, f"'{name}' is not a valid class name")
        if name in self.classes:
            raise Refused(422, f"class name {name} already exists")
        similar = [other for other in self.classes if other.lower() == name.lower()]
        if similar:
            raise Refused(422, f'class already exists: found similar class "{similar[0]}"')
        properties = []
        for one in given.get("properties") or []:
            properties.append(self.check_property(name, one, properties))
        self.classes[name] = {
            "invertedIndexConfig": {"bm25": {"b": 0.75, "k1": 1.2}, "cleanupIntervalSeconds": 60},
            "multiTenancyConfig": {"enabled": False}, "replicationConfig": {"factor": 1},
            "vectorIndexType": "hnsw", "vectorIndexConfig": {"distance": "cosine"}, "vectorizer": "text2vec-of-the-server",
            **given, "class": name, "properties": properties}
        self.objects[name] = {}
        return self.classes[name]

    def add_property(self, of, given):
        if upper(of) not in self.classes:
            raise Refused(422, f'class "{of}": not found in the schema')
        known = self.classes[upper(of)]
        known["properties"].append(self.check_property(known["class"], given, known["properties"]))
        return known["properties"][-1]

    # --- objects

    def check_object(self, given):
        name = upper(given["class"])
        if name not in self.classes:
            if not self.autoschema:
                raise Refused(422, f"class {name} not found in schema")
            self.add_class({"class": name})
        known = {one["name"]: one["dataType"][0] for one in self.classes[name]["properties"]}
        for key, value in given["properties"].items():
            if key not in known:
                if not self.autoschema:
                    raise Refused(422, f"no such prop with name '{key}' found in class '{name}' in the schema.")
                known[key] = self.add_property(name, {"name": key, "dataType": ["text"]})["dataType"][0]
            single = known[key].removesuffix("[]")
            for one in value if known[key].endswith("[]") and isinstance(value, list) else [value]:
                kind = KINDS.get(single, list)
                if not isinstance(one, kind) or isinstance(one, bool) and kind is not bool:
                    raise Refused(422, f"invalid {known[key]} property '{key}' on class '{name}': not a {single}, but {type(one)}")
        first = next(iter(self.objects[name].values()), None)
        if first and len(first["vector"]) != len(given["vector"]):
            raise Refused(500, f"new node has a vector with length {len(given['vector'])}. Existing nodes have vectors with "
                               f"length {len(first['vector'])}: vector dimensions do not match the index dimensions")
        return name

    def post_object(self, given):
        name = self.check_object(given)
        if given["id"] in self.objects[name]:
            raise Refused(422, f"id '{given['id']}' already exists")
        self.objects[name][given["id"]] = given
        return given

    def put_object(self, name, uuid, given):
        if uuid not in self.objects.get(upper(name), {}):
            raise Refused(404)
        if given["id"] != uuid or upper(given["class"]) != upper(name):
            raise Refused(422, "invalid update: field 'id' is immutable")
        self.objects[self.check_object(given)][uuid] = given
        return given

    def get_object(self, name, uuid, query):
        if uuid not in self.objects.get(upper(name), {}):
            raise Refused(404)
        return self.shown(self.objects[upper(name)][uuid], query)

    def list_objects(self, query):
        name = upper(query["class"][0])
        if name not in self.classes:
            raise Refused(404)
        some = list(self.objects[name].values())[:int(query.get("limit", ["25"])[0])]
        return {"deprecations": None, "objects": [self.shown(one, query) for one in some], "totalResults": len(some)}

    @staticmethod
    def shown(given, query):
        whole = {"creationTimeUnix": int(time.time() * 1000), "lastUpdateTimeUnix": int(time.time() * 1000), **given}
        return whole if query.get("include") == ["vector"] else {key: value for key, value in whole.items() if key != "vector"}


def answer(state, method, target, body):
    """The body of a 200."""
    if method not in ("GET", "HEAD"):
        state.writes += 1
    url = urlsplit(target)
    query = parse_qs(url.query)
    parts = url.path.split("/")[2:]
    if target == "/v1/meta":
        return {"hostname": "http://[::]:8080", "version": f"{weaviate_shapes.VERSION}-fake", "modules": {}}
    if parts == ["schema"]:
        return state.add_class(body) if method == "POST" else {"classes": list(state.classes.values())}
    if parts[0] == "schema" and len(parts) == 2:
        return state.must_find(parts[1])
    if parts[0] == "schema":
        return state.add_property(parts[1], body)
    if parts == ["objects"]:
        return state.post_object(body) if method == "POST" else state.list_objects(query)
    if method == "PUT":
        return state.put_object(parts[1], parts[2], body)
    return state.get_object(parts[1], parts[2], query)


def of_its_own(state, method, target, body):
    """Routes that no Weaviate has."""
    if target == "/fake/faults":
        return state.faults
    if target == "/fake/writes":
        return state.writes
    if target == "/fake/reset":
        return state.reset()
    if target == "/fake/key":
        state.api_key = body
        return None
    known = state.add_class({"class": "ByHand"})
    state.classes[body["class"]] = state.classes.pop("ByHand") | body
    state.objects[body["class"]] = state.objects.pop("ByHand")
    return known


class Handler(BaseHTTPRequestHandler):
    """Speaks for the state."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # Head and body are two writes.
    state = None

    def do_GET(self):
        given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.state.lock:
            try:
                status, body = self.serve(json.loads(given) if given else None)
            except json.JSONDecodeError as error:  # As the framework below Weaviate answers.
                status, body = 400, {"code": 400, "message": f"parsing body failed: {error}"}
        self.reply(status, body)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = do_GET

    def serve(self, body):
        state, method = self.state, self.command
        if self.path.startswith("/fake/"):
            return 200, of_its_own(state, method, self.path, body)
        faults = weaviate_shapes.faults(method, self.path, self.headers, body)
        state.faults += faults
        if faults:
            return 422, {"code": 602, "message": "; ".join(faults)}
        try:
            status, said = 200, self.answer(body)
        except Refused as refused:
            status, said = refused.status, refused.body
        state.faults += weaviate_shapes.answer_faults(method, self.path, status, said)
        return status, said

    def answer(self, body):
        if self.path == "/v1/.well-known/ready":
            return None
        self.check_credential()
        return answer(self.state, self.command, self.path, body)

    def check_credential(self):
        given = self.headers.get("Authorization")
        if not self.state.api_key or given == f"Bearer {self.state.api_key}":
            return
        message = "invalid api key" if given else ("anonymous access not enabled. Please authenticate through one of the "
                                                   "available methods: [API-keys]")
        raise Refused(401, body={"code": 401, "message": message})

    def reply(self, status, body):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(ConnectionError):  # Whoever asked was killed.
                self.wfile.write(text)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--api-key", default="")
    parser.add_argument("--autoschema", action="store_true")
    options = parser.parse_args()
    Handler.state = State(options.autoschema, options.api_key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
