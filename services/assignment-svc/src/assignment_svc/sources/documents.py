"""Documents with their versions, and where and when each version governs (`qms.document`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import orjson
from attest_contracts.models import qms_document
from plantkit.governing import Effective, Timeline, effective_at, prepare, starts_at, statement, window_opens
from plantkit.sites import EVERYWHERE
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Text

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.domain.facts import Place, Version
from assignment_svc.domain.vocabulary import TrainingDecision
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.wire import day, instant

TABLE = replica("document", Column("document", Text, primary_key=True))

LOADS = {
    "document": "SELECT d.document, NULL, d.state, d.event_at FROM app.document d"
    " WHERE d.document IN (SELECT item FROM wanted)"
}

_NO_VERSIONS: Timeline[Version] = prepare(())
_APPROVED = ("APPROVED", "WITHDRAWN", "RETIRED")


async def fold(tx: Tx, events: Sequence[Event[qms_document.State]]) -> None:
    """A revision concerns everybody who owes the item."""
    await marking.keep(tx, TABLE, events)
    for event in events:
        await marking.mark_obliged(tx, event, event.state.document)


def facts(cell: Cell, found: Snapshot) -> Facts:
    return {
        "timeline": found.once(
            ("timeline", cell.item, cell.place.code), lambda: _timeline(cell.item, cell.place, found)
        )
    }


def _timeline(item: str, place: Place, found: Snapshot) -> Timeline[Version]:
    document = found.one("document", item)
    return _NO_VERSIONS if document is None else _kept(orjson.dumps(document), place.code, place.zone)


@lru_cache(maxsize=2000)
def _kept(document: bytes, code: str, zone: str) -> Timeline[Version]:
    """A revision of 50,000 people prepares its timeline once a process, not once a chunk."""
    return timeline_of(orjson.loads(document), Place(code, zone))


def timeline_of(document: Json, place: Place) -> Timeline[Version]:
    """The versions of a document as they stand at a place: an entry for the place wins over one for everywhere."""
    versions = [v for v in (_version(v, place) for v in document["versions"]) if v is not None]
    return prepare(versions, starts_at(_days_by_place(document.get("retired")), place.code, place.zone))


def _version(state: Json, place: Place) -> Version | None:
    approved_at, approved_on = instant(state.get("approved_at")), day(state.get("approved_on"))
    opens = window_opens(approved_at, approved_on, place.zone)
    if state["state"] not in _APPROVED or opens is None:
        return None
    effective = [
        Effective(e["place"], day(e.get("on")), instant(e.get("at")), instant(e["recorded_at"]))
        for e in state["effective"]
    ]
    stated = statement(effective, place.code)
    recorded = [e.recorded_at for e in effective if e.place in (place.code, EVERYWHERE) and e.recorded_at]
    return Version(
        number=state["version"],
        window_opens=opens,
        effective_at=effective_at(effective, place.code, place.zone),
        decision=TrainingDecision(state["training_decision"]),
        ends_at=starts_at(_days_by_place(state.get("ends")), place.code, place.zone),
        withdrawn_at=instant(state.get("withdrawn_at")),
        voids_all=approved_at is None,
        moved_at=stated.recorded_at
        if stated and stated.recorded_at and min(recorded) < stated.recorded_at
        else None,
        change=state.get("change"),
    )


def _days_by_place(entries: Sequence[Json] | None) -> dict[str, date]:
    """Of several entries for a place the last recorded one."""
    ordered = sorted(entries or [], key=lambda e: e.get("recorded_at") or "")
    return {e["place"]: date.fromisoformat(e["on"]) for e in ordered}


SOURCE = Source(tables=[TABLE], folds={"qms.document": fold}, loads=LOADS, facts=facts)
