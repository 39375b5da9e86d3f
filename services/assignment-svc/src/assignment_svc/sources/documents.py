"""Documents with their versions, and where and when each version governs (`qms.document`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache

import orjson
from attest_contracts.models import qms_document
from plantkit.governing import Effective, Timeline, effective_at, prepare, starts_at, window_opens
from plantkit.sites import EVERYWHERE, for_place
from plantkit.time import start_of_day
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Text

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.domain.facts import Place, Version
from assignment_svc.domain.vocabulary import TrainingDecision
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.wire import at, day, instant

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
        Effective(e["place"], day(e.get("on")), instant(e.get("at")), at(e["recorded_at"]))
        for e in state["effective"]
    ]
    return Version(
        number=state["version"],
        window_opens=opens,
        effective_at=effective_at(effective, place.code, place.zone),
        planned_at=_planned_at(state["effective"], place),
        decision=TrainingDecision(state["training_decision"]),
        ends_at=starts_at(_days_by_place(state.get("ends")), place.code, place.zone),
        withdrawn_at=instant(state.get("withdrawn_at")),
        voids_all=approved_at is None,
        moved_at=_moved_at(state["effective"], place),
        change=state.get("change"),
    )


def _planned_at(effective: Sequence[Json], place: Place) -> datetime | None:
    """When a version is to take effect whose statement for the place is gated (QM-06); None: it is not gated."""
    stated = _stated(effective, place)
    return None if stated is None or not _gated(stated) else _boundary(stated, place)


def _moved_at(effective: Sequence[Json], place: Place) -> datetime | None:
    """Record time of the last move of the date that dues use at the place; None: it was never moved (C-23). To
    release a gated version at the instant that was planned moves nothing."""
    stated = _stated(effective, place)
    if stated is None:
        return None
    here = sorted(at(e["recorded_at"]) for e in effective if e["place"] in (place.code, EVERYWHERE))
    since = at(stated["recorded_at"])
    planned = [
        e for e in effective if e["place"] in (place.code, EVERYWHERE) and at(e["recorded_at"]) < since
    ]
    for entry in sorted(planned, key=lambda e: at(e["recorded_at"]), reverse=True):
        if not _gated(entry) or _boundary(entry, place) != _boundary(stated, place):
            break
        since = at(entry["recorded_at"])
    return since if here[0] < since else None


def _stated(effective: Sequence[Json], place: Place) -> Json | None:
    """The statement that holds at the place (R-08)."""
    last = {e["place"]: e for e in sorted(effective, key=lambda e: at(e["recorded_at"]))}
    return for_place(last, place.code)


def _gated(entry: Json) -> bool:
    return entry.get("on") is None and entry.get("at") is None


def _boundary(entry: Json, place: Place) -> datetime | None:
    """When the version takes effect or, if it is gated, is planned to."""
    local = day(entry.get("on")) or day(entry.get("planned_on"))
    return instant(entry.get("at")) or (None if local is None else start_of_day(local, place.zone))


def _days_by_place(entries: Sequence[Json] | None) -> dict[str, date]:
    """The entry of the place; of several entries, the one recorded last."""
    ordered = sorted(entries or [], key=lambda e: e.get("recorded_at") or "")
    return {e["place"]: date.fromisoformat(e["on"]) for e in ordered}


SOURCE = Source(tables=[TABLE], folds={"qms.document": fold}, loads=LOADS, facts=facts)
