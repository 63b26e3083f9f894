"""The requests that muster may send to Weaviate, as JSON schemas written by hand.

Weaviate describes itself in Swagger 2.0: openapi-specs/schema.json of its repository. These allow less: what it leaves open
(no field of it is required there) is closed to what muster means to send, so that a misspelt field is found."""
import re
from urllib.parse import parse_qsl, urlsplit

import jsonschema

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CLASS_NAME = "[A-Z][_0-9A-Za-z]{0,254}"

PROPERTY = {
    "type": "object", "additionalProperties": False, "required": ["name", "dataType"],
    "properties": {
        "name": {"type": "string", "pattern": "^[_A-Za-z][_0-9A-Za-z]{0,230}$"},
        "dataType": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1},
        "description": {"type": "string"},
        "tokenization": {"enum": ["word", "lowercase", "whitespace", "field"]},
        "indexFilterable": {"type": "boolean"}, "indexSearchable": {"type": "boolean"}}}

CLASS = {
    "type": "object", "additionalProperties": False, "required": ["class", "vectorizer"],
    "properties": {
        "class": {"type": "string", "pattern": f"^{CLASS_NAME}$"}, "description": {"type": "string"},
        "vectorizer": {"type": "string"}, "vectorIndexType": {"type": "string"},
        "properties": {"type": "array", "items": PROPERTY},
        "vectorIndexConfig": {"type": "object"}, "invertedIndexConfig": {"type": "object"},
        "multiTenancyConfig": {"type": "object"}, "replicationConfig": {"type": "object"},
        "shardingConfig": {"type": "object"}, "moduleConfig": {"type": "object"}}}

OBJECT = {
    "type": "object", "additionalProperties": False, "required": ["class", "id", "vector", "properties"],
    "properties": {
        "class": {"type": "string", "pattern": f"^{CLASS_NAME}$"}, "id": {"type": "string", "pattern": f"^{UUID}$"},
        "vector": {"type": "array", "items": {"type": "number"}, "minItems": 1},
        "properties": {"type": "object"}, "tenant": {"type": "string"}}}

LEVEL = {"consistency_level": "ONE|QUORUM|ALL"}
ONE_OBJECT = f"/v1/objects/{CLASS_NAME}/{UUID}"

# (method, path, parameters of the query with what they may be, schema of the body or None)
ROUTES = [
    ("GET", "/v1/.well-known/ready", {}, None),
    ("GET", "/v1/meta", {}, None),
    ("GET", "/v1/schema", {}, None),
    ("POST", "/v1/schema", {}, CLASS),
    ("GET", f"/v1/schema/{CLASS_NAME}", {}, None),
    ("POST", f"/v1/schema/{CLASS_NAME}/properties", {}, PROPERTY),
    ("GET", "/v1/objects", {"class": CLASS_NAME, "limit": r"\d+", "include": "vector"}, None),
    ("POST", "/v1/objects", LEVEL, OBJECT),
    ("GET", ONE_OBJECT, {"include": "vector", **LEVEL}, None),
    ("HEAD", ONE_OBJECT, LEVEL, None),
    ("PUT", ONE_OBJECT, LEVEL, OBJECT),
]


def faults(method, target, headers, body):
    """What is wrong with a request; `body` is its JSON, None when it has none."""
    url = urlsplit(target)
    route = next((route for route in ROUTES if route[0] == method and re.fullmatch(route[1], url.path)), None)
    if route is None:
        return [f"{method} {url.path}: no such route"]
    _, _, query, schema = route
    found = []
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        if not re.fullmatch(query.get(name, "(?!)"), value):
            found.append(f"{method} {target}: parameter {name}={value}")
    if (body is not None) != (schema is not None):
        found.append(f"{method} {target}: " + ("a body" if schema is None else "no body"))
    elif schema is not None:
        if headers.get("Content-Type") != "application/json":
            found.append(f"{method} {target}: Content-Type {headers.get('Content-Type')}")
        for error in jsonschema.Draft7Validator(schema).iter_errors(body):
            found.append(f"{method} {target}: /{'/'.join(map(str, error.path))} {error.message[:200]}")
    return found
