"""May a schema replace its released version within the same major version?

Only optional fields may be added: consumers of the release before must read what the new one
sends, and the new ones must read every event that was ever sent. Two judges: structural rules over
the keywords that contracts may use (an unknown keyword is refused, since nobody could say what it
does to a reader), and `jsonsubschema`, which proves that every old event fits the new schema where
it can. Renaming is removing and adding; a change of meaning no tool can see.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

from attest_contracts import validation

ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "examples", "$comment"})
# Assertions that must stay as they are: tighter breaks old events, looser breaks old readers.
FIXED = frozenset(
    {
        "type", "enum", "const", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
        "minItems", "maxItems", "uniqueItems", "additionalProperties",
    }
)  # fmt: skip
STRUCTURE = frozenset({"$defs", "$ref", "properties", "required", "items", "anyOf", "x-extensible-enum"})
KNOWN = ANNOTATIONS | FIXED | STRUCTURE


def breaking(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What breaks, one line each with a JSON pointer into the data; empty when ``new`` may replace ``old``."""
    found = [*_shape(new), *_compare(resolved(old), resolved(new), "")]
    if not found and subschema(old, new) is False:
        found.append("/: an event that fits the released schema does not fit the new one")
    return found


def subschema(old: dict[str, Any], new: dict[str, Any]) -> bool | None:
    """Whether every event of ``old`` fits ``new``; None where jsonsubschema cannot say.

    Both are closed first: in an open model the old schema admits any value in a field that it does
    not know, so no field could ever be added.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from jsonsubschema import isSubschema

        try:
            return bool(isSubschema(_plain(old), _plain(new)))
        except Exception:
            # The library ends in errors of many kinds on what it does not support.
            return None


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its local references put in place. RecursionError for a recursive one."""
    definitions = schema.get("$defs", {})

    def place(part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            beside = {key: value for key, value in part.items() if key != "$ref"}
            part = {**definitions[part["$ref"].removeprefix("#/$defs/")], **beside}
        return {key: value for key, value in part.items() if key != "$defs"}

    return validation.mapped(schema, place)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Closed, without annotations, formats and patterns: those the structural rules hold equal."""
    dropped = ANNOTATIONS | {"format", "pattern", "x-extensible-enum"}
    closed = validation.closed(resolved(schema))
    return validation.mapped(closed, lambda part: {k: v for k, v in part.items() if k not in dropped})


def _shape(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Keywords outside the subset in which contracts are written."""
    for keyword in sorted(set(schema) - KNOWN):
        yield f"{path or '/'}: keyword {keyword!r} is not used in contracts"
    for name, part in schema.get("$defs", {}).items():
        yield from _shape(part, f"{path}/$defs/{name}")
    for name, part in schema.get("properties", {}).items():
        yield from _shape(part, f"{path}/{name}")
    if "items" in schema:
        yield from _shape(schema["items"], f"{path}/*")
    if "anyOf" in schema:
        nulls = [part for part in schema["anyOf"] if part == {"type": "null"}]
        if len(schema["anyOf"]) != 2 or len(nulls) != 1:
            yield f"{path or '/'}: anyOf only says that an object may be null"
        for part in schema["anyOf"]:
            yield from _shape(part, path)
    if "properties" in schema and schema.get("type") != "object":
        yield f"{path or '/'}: an object says type: object"


def _compare(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    here = path or "/"
    for keyword in sorted(FIXED):
        if _value(old, keyword) != _value(new, keyword):
            yield f"{here}: {keyword} changed from {old.get(keyword)!r} to {new.get(keyword)!r}"
    for value in old.get("x-extensible-enum", []):
        if value not in new.get("x-extensible-enum", []):
            yield f"{here}: the known value {value!r} was removed"
    yield from _compare_properties(old, new, path)
    if ("items" in old) != ("items" in new):
        yield f"{here}: items were added or removed"
    elif "items" in old:
        yield from _compare(old["items"], new["items"], f"{path}/*")
    if len(old.get("anyOf", [])) != len(new.get("anyOf", [])):
        yield f"{here}: whether it may be null changed"
    else:
        for before, after in zip(_objects(old), _objects(new), strict=False):
            yield from _compare(before, after, path)


def _compare_properties(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", [])), set(new.get("required", []))
    for name in before:
        if name not in after:
            yield f"{path}/{name}: removed or renamed"
        else:
            yield from _compare(before[name], after[name], f"{path}/{name}")
    for name in sorted(required_after - required_before):
        yield f"{path}/{name}: newly required"
    for name in sorted(required_before & set(after) - required_after):
        yield f"{path}/{name}: no longer required, but readers count on it"


def _objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in schema.get("anyOf", []) if part != {"type": "null"}]


def _value(schema: dict[str, Any], keyword: str) -> Any:
    value = schema.get(keyword)
    if keyword in ("type", "enum") and isinstance(value, list):
        return sorted(value, key=repr)
    return value
