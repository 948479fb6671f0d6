"""Holds requests and answers to the vendors' OpenAPI documents, where these are at hand.

The documents aren't part of the project (Airbyte's are under the Elastic License): they are looked
for in `../shared/specs` beside the repository, or where PREFECT1_RSYNC_SPECS says.
"""

import functools
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

try:
    import yaml

    # Not openapi-core, which would match paths, too: it validates the document first, and refuses
    # all three for the vendors' own errors (string "false" and null as defaults).
    # This one is maintained by the same people, and reads a schema without minding its defaults.
    from openapi_schema_validator import (
        OAS30Validator,
        OAS31Validator,
        oas30_format_checker,
        oas31_format_checker,
    )
except ImportError:
    yaml = None

FOLDER = Path(
    os.environ.get("PREFECT1_RSYNC_SPECS")
    or Path(__file__).resolve().parents[2] / "shared" / "specs"
)

# (path prefix at the sandbox, prefix in the document, document); the first that fits is taken.
DOCUMENTS = [
    ("/hightouch/api/v1", "", "hightouch-openapi.json"),
    ("/airbyte/api/public/v1", "", "airbyte-public-openapi.yaml"),
    ("/airbyte/api/v1", "/v1", "airbyte-config-openapi.yaml"),
]

NULL = {"nullable": True}
# (document, schema, property or None for the schema itself, change, reason)
VENDOR_ERRORS = [
    ("hightouch", "SyncRun", "finishedAt", NULL, "null while a run is at work: DataHub, Shipyard"),
    ("hightouch", "SyncRun", "startedAt", NULL, "null while a run is queued: Airflow, Dagster"),
    ("hightouch", "SyncRun", "querySize", NULL, "null before the query has run: DataHub"),
    ("hightouch", "SyncRun", "error", NULL, "null in the vendor's own example"),
    (
        "airbyte-public",
        "ApplicationTokenRequestWithGrant",
        None,
        {"required": ["client_id", "client_secret"]},
        "requires grant_type, calls it grant-type; the server needs neither",
    ),
    (
        "airbyte-public",
        "ApplicationTokenRequestWithGrant",
        "grant_type",
        {"type": "string"},
        "the same, for those who send it",
    ),
    (
        "airbyte-config",
        "AirbyteStream",
        None,
        {"required": ["name"]},
        "requires json_schema, calls it jsonSchema, and forbids other names",
    ),
    (
        "airbyte-config",
        "InvalidInputExceptionInfo",
        None,
        {"required": []},
        "since October 2025 the server sends nothing but errorId",
    ),
]


def why_not():
    """Why nothing can be checked here; None if it can."""
    if yaml is None:
        return "needs openapi-schema-validator and PyYAML"
    if not all((FOLDER / name).exists() for _, _, name in DOCUMENTS):
        return "the vendors' OpenAPI documents aren't here; PREFECT1_RSYNC_SPECS can say where"
    return None


needs_specs = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def check_answer(operation, status, answer):
    """
    Assert that an answer is one the vendor's document describes.

    Args:
        - operation (Recorded or tuple): what was asked, or (method, path at the sandbox)
        - status (int): HTTP status
        - answer (any): its JSON

    Returns:
        - bool: False if the document says nothing about it (no such status, no schema, Census)
    """
    method, path = _asked(operation)
    found = _find(method, path)
    if found is None:
        return False
    document, described, _ = found
    response = _resolved(document, described["responses"].get(str(status)))
    if response is None:
        assert status >= 400, f"{method} {path}: the document knows no {status}"
        return False
    for media in (response.get("content") or {}).values():
        _assert_valid(document, media["schema"], answer, f"{method} {path} -> {status}")
        return True
    return False


def check_request(recorded):
    """
    Assert that a request that the sandbox recorded is one the vendor's document describes, without
    unknown parameters or fields (servers ignore those, or refuse them).

    Args:
        - recorded (Recorded): from `sandbox.requests`

    Returns:
        - bool: False for Census, which publishes no document
    """
    found = _find(recorded.method, recorded.path)
    if found is None:
        assert recorded.vendor == "census", f"{recorded.method} {recorded.path}: in no document"
        return False
    document, described, values = found
    where = f"{recorded.method} {recorded.path}"
    allowed = {p["name"]: p for p in described["parameters"] if p["in"] == "query"}
    unknown = set(recorded.query) - set(allowed)
    assert not unknown, f"{where}: unknown parameters {unknown}"
    for name, parameter in allowed.items():
        if name not in recorded.query:
            assert not parameter.get("required"), f"{where}: no {name}"
            continue
        given = recorded.query[name]
        value = _typed(document, parameter["schema"], given)
        _assert_valid(document, parameter["schema"], value, f"{where}: {name}")
    for parameter in described["parameters"]:
        if parameter["in"] == "path":
            value = _typed(document, parameter["schema"], [values[parameter["name"]]])
            _assert_valid(document, parameter["schema"], value, f"{where}: path")
    _check_body(document, described.get("requestBody"), recorded, where)
    return True


def _check_body(document, expected, recorded, where):
    if expected is None:
        assert not recorded.body, f"{where}: a body where none is due"
        return
    if not recorded.body:
        assert not expected.get("required"), f"{where}: no body"
        return
    kind = recorded.headers.get("Content-Type", "").partition(";")[0]
    assert kind in expected["content"], f"{where}: a body of {kind or 'no type'}"
    schema = expected["content"][kind]["schema"]
    if kind == "application/json":
        _assert_valid(document, schema, recorded.json, f"{where}: body")
        unknown = set(recorded.json) - set(_resolved(document, schema).get("properties", {}))
        assert not unknown, f"{where}: unknown fields {unknown}"


def _asked(operation):
    if isinstance(operation, tuple):
        return operation
    return operation.method, operation.path


@functools.lru_cache(maxsize=None)
def _document(name):
    text = (FOLDER / name).read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = json.loads(text) if name.endswith("json") else yaml.load(text, Loader=loader)
    for start, schema_name, field, change, _ in VENDOR_ERRORS:
        if name.startswith(start):
            schema = document["components"]["schemas"][schema_name]
            changed = schema["properties"].setdefault(field, {}) if field else schema
            changed.update(change)
    return document


def _find(method, path):
    """(document, description of the operation, values in the path); None if there is none."""
    for prefix, inner, name in DOCUMENTS:
        if not path.startswith(prefix + "/"):
            continue
        document = _document(name)
        # At the Config API trailing slashes work.
        wanted = inner + path[len(prefix) :].rstrip("/")
        for template in sorted(document["paths"], key=lambda t: t.count("{")):
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
            match = re.fullmatch(pattern, wanted)
            item = document["paths"][template]
            if match and method.lower() in item:
                described = dict(item[method.lower()])
                shared = item.get("parameters", []) + described.get("parameters", [])
                described["parameters"] = [_resolved(document, p) for p in shared]
                return document, described, match.groupdict()
    return None


def _resolved(document, part):
    while part and "$ref" in part:
        for key in part["$ref"].split("/"):
            part = document if key == "#" else part[key]
    return part


def _typed(document, schema, given):
    """A parameter's value as its schema's type; as text where it isn't one."""
    schema = _resolved(document, schema)
    kind = schema.get("type")
    if kind == "array":
        return [_typed(document, schema["items"], [part]) for part in given]
    text = unquote(given[0])
    try:
        return {"integer": int, "number": float, "boolean": json.loads}.get(kind, str)(text)
    except ValueError:
        return text


def _assert_valid(document, schema, value, where):
    newer = document["openapi"].startswith("3.1")
    kind, formats = (
        (OAS31Validator, oas31_format_checker) if newer else (OAS30Validator, oas30_format_checker)
    )
    # With the components in it, the schema's own references lead somewhere.
    rooted = dict(schema, components=document["components"])
    errors = list(kind(rooted, format_checker=formats).iter_errors(value))
    told = "; ".join(f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in errors)
    assert not errors, f"{where}: {told}"
