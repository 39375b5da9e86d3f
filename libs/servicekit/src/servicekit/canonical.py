"""Canonical JSON (RFC 8785, with a stricter profile) and its SHA-256: what is signed is what is hashed.

Floats are refused (decimals are text), text is NFC, integers stay within +-(2^53 - 1), nesting within 16 levels:
two programs then write the same bytes.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import rfc8785

_LARGEST = 2**53 - 1
_DEEPEST = 16


class NotCanonicalError(ValueError):
    """A value that two programs could write differently."""


def canonical(value: Any) -> bytes:
    return rfc8785.dumps(_checked(value, 0))


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, lower-case hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _checked(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise NotCanonicalError(f"nested deeper than {_DEEPEST} levels")
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise NotCanonicalError(f"integer out of range: {value}")
        return value
    if isinstance(value, list | tuple):
        return [_checked(part, depth + 1) for part in value]
    if isinstance(value, dict):
        result = {
            unicodedata.normalize("NFC", str(key)): _checked(part, depth + 1) for key, part in value.items()
        }
        if len(result) != len(value):
            raise NotCanonicalError("two keys are the same text")
        return result
    raise NotCanonicalError(f"{type(value).__name__} has no canonical form")
