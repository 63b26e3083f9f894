"""What Weaviate describes of the requests that muster sends, and what of that muster means to send, as JSON schemas.

The first part holds facts of Weaviate's description of itself: openapi-specs/schema.json of github.com/weaviate/weaviate at
commit 1eb9f3e709c22a3e8fff9c2362efc14cfd9816c5, which calls itself 1.39.0 (Swagger 2.0, base path /v1). Of each route that
muster uses it has the parameters, the members of both bodies with their types, and the statuses. The description requires no
member and forbids none; here what it does not name is a fault, so that a misspelt member is found."""
import re
from urllib.parse import parse_qsl, urlsplit

import jsonschema

VERSION = "1.39.0"

TEXT, FLAG, WHOLE, NUMBER, OPEN = ({"type": kind} for kind in ("string", "boolean", "integer", "number", "object"))
MAYBE = {"type": ["boolean", "null"]}  # x-nullable


def list_of(items):
    return {"type": "array", "items": items}


def object_of(members, **more):
    return {"type": "object", "additionalProperties": False, "properties": members, **more}


PROPERTY = object_of({
    "name": TEXT, "dataType": list_of(TEXT), "description": TEXT, "moduleConfig": OPEN, "bucketGeneration": WHOLE,
    "tokenization": {"enum": ["word", "lowercase", "whitespace", "field", "trigram", "gse", "kagome_kr", "kagome_ja", "gse_ch"]},
    "nestedProperties": list_of(OPEN), "textAnalyzer": OPEN,
    **dict.fromkeys(["indexInverted", "searchableBlockmax", "indexFilterable", "indexSearchable", "indexRangeFilters",
                     "disableDuplicatedReferences"], MAYBE)})
CLASS = object_of({
    "class": TEXT, "description": TEXT, "properties": list_of(PROPERTY), "vectorizer": TEXT, "vectorIndexType": TEXT,
    "vectorConfig": {"type": "object", "additionalProperties":
                     object_of({"vectorizer": OPEN, "vectorIndexType": TEXT, "vectorIndexConfig": OPEN})},
    "multiTenancyConfig": object_of(dict.fromkeys(["enabled", "autoTenantCreation", "autoTenantActivation"], FLAG)),
    "replicationConfig": object_of({"factor": WHOLE, "asyncConfig": OPEN, "deletionStrategy": {
        "enum": ["NoAutomatedResolution", "DeleteOnConflict", "TimeBasedResolution"]}}),
    **dict.fromkeys(["vectorIndexConfig", "shardingConfig", "invertedIndexConfig", "objectTtlConfig", "moduleConfig"], OPEN)})
SCHEMA = object_of({"classes": list_of(CLASS), "maintainer": TEXT, "name": TEXT})
OBJECT = object_of({
    "class": TEXT, "id": TEXT, "properties": OPEN, "tenant": TEXT, "vector": list_of(NUMBER), "vectors": OPEN,
    "vectorWeights": OPEN, "creationTimeUnix": WHOLE, "lastUpdateTimeUnix": WHOLE, "additional": OPEN})
OBJECTS = object_of({"objects": list_of(OBJECT), "deprecations": {"type": ["array", "null"]}, "totalResults": WHOLE})
META = object_of({"hostname": TEXT, "version": TEXT, "modules": OPEN, "grpcMaxMessageSize": WHOLE})
ERRORS = {"error": list_of(object_of({"message": TEXT}))}
ERROR = object_of(ERRORS)
LIMIT = object_of({"errorCode": {"enum": ["USAGE_LIMIT_EXCEEDED"]}, "message": TEXT, "value": WHOLE,
                   "limit": {"enum": ["objects", "collections", "tenants", "shards"]}})
RESTRICTED = object_of({**ERRORS, "errorCode": {"enum": ["CONFIG_NOT_ALLOWED"]}, "message": TEXT, "value": TEXT,
                        "allowed": list_of(TEXT), "restriction": {"enum": ["vector_index_type", "compression"]}})

DENIED = {401: None, 403: ERROR, 500: ERROR}  # With the body of each status; None: none is described.
ONE_CLASS, ONE_OBJECT = "/v1/schema/{className}", "/v1/objects/{className}/{id}"

# By method and path: the parameters of the query, the body, and the answers.
DESCRIBED = {
    ("GET", "/v1/.well-known/ready"): ([], None, {200: None, 503: None}),
    ("GET", "/v1/meta"): ([], None, {200: META, **DENIED}),
    ("GET", "/v1/schema"): ([], None, {200: SCHEMA, **DENIED}),
    ("POST", "/v1/schema"): ([], CLASS, {200: CLASS, 422: RESTRICTED, 429: LIMIT, **DENIED}),
    ("GET", ONE_CLASS): ([], None, {200: CLASS, 404: None, 422: ERROR, **DENIED}),
    ("POST", f"{ONE_CLASS}/properties"): ([], PROPERTY, {200: PROPERTY, 422: RESTRICTED, **DENIED}),
    ("GET", "/v1/objects"): (["after", "offset", "limit", "include", "sort", "order", "class", "tenant"], None,
                             {200: OBJECTS, 400: ERROR, 404: None, 410: ERROR, 422: ERROR, **DENIED}),
    ("POST", "/v1/objects"): (["consistency_level"], OBJECT, {200: OBJECT, 400: ERROR, 422: ERROR, 429: LIMIT, **DENIED}),
    ("GET", ONE_OBJECT): (["include", "consistency_level", "node_name", "tenant"], None,
                          {200: OBJECT, 400: ERROR, 404: None, 422: ERROR, **DENIED}),
    ("PUT", ONE_OBJECT): (["consistency_level"], OBJECT, {200: OBJECT, 404: None, 422: ERROR, 429: LIMIT, **DENIED}),
}

# What muster means to send. The names are those that Weaviate's sources take.
CLASS_NAME = "[A-Z][_0-9A-Za-z]{0,254}"
PROPERTY_NAME = "[_A-Za-z][_0-9A-Za-z]{0,230}"
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def text_like(pattern):
    return {"type": "string", "pattern": f"^{pattern}$"}


def exactly(members):
    return object_of(members, required=list(members))


SENT_PROPERTY = exactly({"name": text_like(PROPERTY_NAME), "dataType": {**list_of(TEXT), "minItems": 1, "maxItems": 1}})
SENT_CLASS = exactly({"class": text_like(CLASS_NAME), "vectorizer": {"const": "none"}, "properties": list_of(SENT_PROPERTY)})
SENT_OBJECT = exactly({"class": text_like(CLASS_NAME), "id": text_like(UUID), "properties": OPEN,
                       "vector": {**list_of(NUMBER), "minItems": 1}})

# The query with what its parameters may be, and the body, where there are any.
SENT = {
    ("POST", "/v1/schema"): ({}, SENT_CLASS),
    ("POST", f"{ONE_CLASS}/properties"): ({}, SENT_PROPERTY),
    ("GET", "/v1/objects"): ({"class": CLASS_NAME, "limit": r"\d+", "include": "vector"}, None),
    ("POST", "/v1/objects"): ({}, SENT_OBJECT),
    ("GET", ONE_OBJECT): ({"include": "vector"}, None),
    ("PUT", ONE_OBJECT): ({}, SENT_OBJECT),
}


def route_of(method, target):
    """The route that a request is for; None: none that muster uses."""
    def fits(route):
        path = route[1].replace("{className}", CLASS_NAME).replace("{id}", UUID)
        return route[0] == method and re.fullmatch(path, urlsplit(target).path)
    return next(filter(fits, DESCRIBED), None)


def body_faults(schema, body):
    if (body is None) != (schema is None):
        return ["a body" if schema is None else "no body"]
    found = jsonschema.Draft7Validator(schema).iter_errors(body) if schema else []
    return [f"/{'/'.join(map(str, error.path))} {error.message[:200]}" for error in found]


def faults(method, target, headers, body):
    """What is wrong with a request, by what is described and by what is meant; `body` is its JSON, None when it has none."""
    route = route_of(method, target)
    if route is None:
        return [f"{method} {target}: no such route"]
    described, schema, _ = DESCRIBED[route]
    meant, sent_schema = SENT.get(route, ({}, None))
    found = [f"parameter {name}={value}" for name, value in parse_qsl(urlsplit(target).query, keep_blank_values=True)
             if name not in described or not re.fullmatch(meant.get(name, "(?!)"), value)]
    found += body_faults(schema, body) or body_faults(sent_schema, body)
    if body is not None and headers.get("Content-Type") != "application/json":
        found.append(f"Content-Type {headers.get('Content-Type')}")
    return [f"{method} {target}: {fault}" for fault in found]


def answer_faults(method, target, status, body):
    """What is wrong with an answer, by what is described. Where no body is described, there may be any."""
    answers = DESCRIBED[route_of(method, target)][2]
    if status not in answers:
        return [f"{method} {target} answers {status}"]
    found = body_faults(answers[status], body) if answers[status] else []
    return [f"{method} {target} answers {status}: {fault}" for fault in found]
