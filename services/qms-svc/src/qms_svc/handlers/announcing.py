"""Announcing whole documents and changes after their rows were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from servicekit.bus.outbox import Announcement, announce
from servicekit.db import Tx
from servicekit.problems import not_found

from qms_svc import outbound
from qms_svc.db import queries

type Subject = tuple[str, str]


def document_subject(document: str) -> Subject:
    return ("qms.document", document)


def change_subject(change: str) -> Subject:
    return ("qms.change", change)


async def document_events(
    tx: Tx, documents: Sequence[str], event: str, what: Mapping[str, Any]
) -> list[Announcement]:
    """The state of each document as it stands now."""
    stored = await queries.documents(tx, documents)
    return [outbound.document(event, outbound.document_state(stored[key]), what) for key in sorted(stored)]


async def change_event(tx: Tx, change: str, event: str, what: Mapping[str, Any]) -> Announcement:
    """The state of the change as it stands now."""
    row = await queries.change_row(tx, change)
    if row is None:
        raise not_found("change", change)
    versions = await queries.versions_of_change(tx, change)
    return outbound.change(event, outbound.change_state(row, versions), what)


__all__ = ["Subject", "announce", "change_event", "change_subject", "document_events", "document_subject"]
