"""Identifiers: UUIDv7, so that ids of one table sort by the time of their making."""

from __future__ import annotations

from uuid import UUID

import uuid_utils


def new_id() -> str:
    """A new UUIDv7 as text. Ids are made at the edge and handed to the domain as arguments."""
    return str(uuid_utils.uuid7())


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
