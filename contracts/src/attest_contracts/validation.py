"""Validation against the schema files, compiled once a process.

Three readings of one schema: as it is written; *outgoing*, where nothing undeclared may leave; and
*incoming*, where unknown enumerated values pass, because a reader takes them as DENY instead of
stopping (unknown fields pass in any reading but outgoing).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import jsonschema_rs

from attest_contracts import files
from attest_contracts.topics import load


class ContractError(ValueError):
    """Data that breaks its contract: ``path`` is a JSON pointer into it, ``reason`` says why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or '/'}: {reason}")
        self.path = path
        self.reason = reason


def validate(topic: str, data: Any) -> None:
    """Raise ContractError unless ``data`` ({state, change}) fits the schema of the topic.

    An unknown topic is a LookupError.
    """
    _check(_compiled(_schema_of(topic), "written"), data)


def validate_outgoing(topic: str, data: Any) -> None:
    """As `validate`, and refuse every field that the schema does not declare: for producers."""
    _check(_compiled(_schema_of(topic), "outgoing"), data)


def validate_incoming(topic: str, data: Any) -> None:
    """As `validate`, but let unknown enumerated values pass: for consumers."""
    _check(_compiled(_schema_of(topic), "incoming"), data)


def incoming(schema: Mapping[str, Any]) -> Callable[[Any], None]:
    """What checks data against a schema as `validate_incoming` does, compiled."""
    return partial(_check, _validator(opened(schema)))


def validate_envelope(envelope: Any) -> None:
    """Raise ContractError unless the whole event fits the envelope; `data` is judged apart."""
    _check(_compiled("envelope.v1", "written"), envelope)


def validate_heartbeat(message: Any) -> None:
    """Raise ContractError unless the message is a heartbeat."""
    _check(_compiled("heartbeat.v1", "written"), message)


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema file of e.g. ``matrix.person.v1``; FileNotFoundError when there is none."""
    return json.loads(files.read("schemas", f"{name}.schema.json"))


def closed(node: Any) -> Any:
    """A copy of a schema in which objects with declared properties admit no others."""

    def close(part: dict[str, Any]) -> dict[str, Any]:
        if "properties" in part and part.get("additionalProperties") is True:
            return {**part, "additionalProperties": False}
        return part

    return mapped(node, close)


def opened(node: Any) -> Any:
    """A copy of a schema without its enumerations; types and formats stay."""
    return mapped(node, lambda part: {k: v for k, v in part.items() if k != "enum"})


def mapped(node: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(node, list):
        return [mapped(entry, change) for entry in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in change(node).items():
        if key in ("properties", "$defs"):
            # The keys below these are names of the contract, not keywords.
            result[key] = {name: mapped(part, change) for name, part in value.items()}
        else:
            result[key] = mapped(value, change)
    return result


def _schema_of(topic: str) -> str:
    try:
        return load()[topic].schema
    except KeyError:
        raise LookupError(f"no topic {topic!r} in contracts/topics") from None


@cache
def _compiled(name: str, reading: str) -> jsonschema_rs.Draft202012Validator:
    text = schema(name)
    if reading == "outgoing":
        text = closed(text)
    elif reading == "incoming":
        text = opened(text)
    return _validator(text)


def _validator(text: Any) -> jsonschema_rs.Draft202012Validator:
    # Reasons reach logs and dead letters, so they never quote a value: it may be personal data.
    return jsonschema_rs.Draft202012Validator(text, validate_formats=True, mask="the value")


def _check(validator: jsonschema_rs.Draft202012Validator, data: Any) -> None:
    if validator.is_valid(data):
        return
    error = next(iter(validator.iter_errors(data)))
    path = "".join(f"/{part}" for part in error.instance_path)
    raise ContractError(path, error.message)
