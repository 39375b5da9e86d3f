"""One OpenAPI document for the whole platform: the gateway's own routes and those of every service (PL-25).

The running gateway asks the services for their documents; `attest openapi` makes it without a platform.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from servicekit.http.app import add_problem_handlers

from gateway_svc.domain.routing import service_of
from gateway_svc.front.identity import COOKIE
from gateway_svc.settings import OWN_NAME

type Document = dict[str, Any]

_REF = "#/components/schemas/"
_METHODS = ("get", "put", "post", "delete", "patch", "head")
_PROBLEM: Document = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457); `errors` names each bad field and the reason.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:attest:problem:invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "reason": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}
_REFUSED: Document = {
    "description": "The request was refused, or could not be answered",
    "content": {"application/problem+json": {"schema": {"$ref": f"{_REF}Problem"}}},
}


def own_document(routers: Sequence[APIRouter]) -> Document:
    """The document of the gateway's own routes, without a database or a key."""
    app = FastAPI(title="Attest", version=version("gateway-svc"))
    add_problem_handlers(app)
    for router in routers:
        app.include_router(router)
    return app.openapi()


def merge(own: Document, documents: Mapping[str, Document]) -> Document:
    """Own and the services' documents as one. Only what the gateway forwards to that service is taken.

    A schema that two documents define differently gets the service's name before its own; every reference follows.
    """
    parts = {OWN_NAME: own, **dict(sorted(documents.items()))}
    taken = {
        name: {
            path: item
            for path, item in document.get("paths", {}).items()
            if path.startswith("/api/") and (name == OWN_NAME or _answers(name, path, item))
        }
        for name, document in parts.items()
    }
    schemas = {name: document.get("components", {}).get("schemas", {}) for name, document in parts.items()}
    ambiguous = _ambiguous(schemas)
    paths: dict[str, Any] = {}
    components: dict[str, Any] = {"Problem": _PROBLEM}
    for name in parts:
        rename = _renamer(name, ambiguous)
        for path, item in taken[name].items():
            paths[path] = _join(paths.get(path), _with_problems(_refs(item, rename)))
        for schema, content in schemas[name].items():
            components[rename(schema)] = _refs(content, rename)
    return {
        "openapi": own["openapi"],
        "info": own["info"],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(_used(paths, components).items())),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"session": [], "csrf": []}, {"token": []}],
    }


def _answers(name: str, path: str, item: Mapping[str, Any]) -> bool:
    """Whether the gateway forwards the path to this service, at the least with some query."""
    if service_of(path) == name:
        return True
    parameters = frozenset(
        each["name"]
        for operation in item.values()
        if isinstance(operation, dict)
        for each in operation.get("parameters", [])
        if each.get("in") == "query"
    )
    return service_of(path, parameters) == name


def _join(known: dict[str, Any] | None, item: dict[str, Any]) -> dict[str, Any]:
    """Two services behind one address: the first one's operation, with the parameters of both."""
    if known is None:
        return item
    joined = dict(known)
    for method, operation in item.items():
        if method not in joined:
            joined[method] = operation
        elif method in _METHODS:
            seen = {(each["name"], each["in"]) for each in joined[method].get("parameters", [])}
            more = [
                each for each in operation.get("parameters", []) if (each["name"], each["in"]) not in seen
            ]
            optional = [each | {"required": False} for each in more]
            joined[method] = joined[method] | {
                "parameters": [*joined[method].get("parameters", []), *optional]
            }
    return joined


def _with_problems(item: Mapping[str, Any]) -> dict[str, Any]:
    """Every operation may answer a problem. FastAPI announces its own 422, which no service of ours sends."""
    return {
        method: operation
        | {
            "responses": {k: v for k, v in operation.get("responses", {}).items() if k != "422"}
            | {"default": _REFUSED}
        }
        if method in _METHODS
        else operation
        for method, operation in item.items()
    }


def _ambiguous(schemas: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Names that mean different things in different documents, or lead to such a name."""
    contents: dict[str, set[str]] = defaultdict(set)
    leads: dict[str, set[str]] = defaultdict(set)
    for found in schemas.values():
        for name, content in found.items():
            contents[name].add(json.dumps(content, sort_keys=True))
            leads[name] |= set(_referred(content))
    ambiguous = {name for name, different in contents.items() if len(different) > 1}
    while more := {name for name, to in leads.items() if name not in ambiguous and to & ambiguous}:
        ambiguous |= more
    return ambiguous


def _renamer(service: str, ambiguous: set[str]) -> Callable[[str], str]:
    return lambda name: f"{service.capitalize()}{name}" if name in ambiguous else name


def _refs(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _REF + rename(inner.removeprefix(_REF))
            if key == "$ref" and isinstance(inner, str) and inner.startswith(_REF)
            else _refs(inner, rename)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_refs(inner, rename) for inner in value]
    return value


def _referred(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str) and inner.startswith(_REF):
                yield inner.removeprefix(_REF)
            else:
                yield from _referred(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _referred(inner)


def _used(paths: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas that the paths need, directly or through others."""
    found: dict[str, Any] = {}
    waiting = list(_referred(paths))
    while waiting:
        name = waiting.pop()
        if name not in found and name in components:
            found[name] = components[name]
            waiting += _referred(components[name])
    return found
