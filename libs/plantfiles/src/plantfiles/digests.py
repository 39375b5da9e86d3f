"""Digests that make an import repeatable: of a file, of the batch, of a row's content; and the keys made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date

_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def file_digest(content: bytes) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def batch_digest(files: Mapping[str, str]) -> str:
    """SHA-256 over the names and digests of a batch's files, whatever their order. files: name -> SHA-256."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def acceptance_digest(
    batch: str, export_date: date, zone_rule: str | None, *, migrated_counts: bool = True
) -> str:
    """SHA-256 over the batch and the parameters that decide what is taken, and as what: what is signed (PL-29, C-36)."""
    content: dict[str, object] = {
        "batch": batch,
        "export_date": export_date.isoformat(),
        "zone_rule": zone_rule,
    }
    if not migrated_counts:
        content["migrated_counts"] = False
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def content_digest(values: Mapping[str, str]) -> str:
    """SHA-256 of a row's values by column: the order of columns and the line ends of the file do not matter.

    An empty value and an absent column are the same.
    """
    filled = {column: value for column, value in values.items() if value}
    return hashlib.sha256(_CANONICAL.encode(filled).encode()).hexdigest()


def join_key(*parts: str) -> str:
    """One text for a key of several columns, without collisions: `NL1/GA`; a slash inside a part is escaped."""
    return "/".join(part.replace("\\", "\\\\").replace("/", "\\/") for part in parts)
