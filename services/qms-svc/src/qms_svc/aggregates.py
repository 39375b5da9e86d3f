"""The aggregates of this service: how each is loaded, what rows it has and what it announces.

The rules stand in `domain.document` and `domain.change`; `servicekit.aggregates.handle` carries a command out.
"""

from __future__ import annotations

from collections.abc import Iterable

from plantkit.governing import Effective
from servicekit.aggregates import Aggregate, Row, Subject
from servicekit.db import Tx
from servicekit.domain import StateError
from servicekit.ids import new_id
from servicekit.problems import not_found

from qms_svc import outbound
from qms_svc.db import tables
from qms_svc.domain import change, document
from qms_svc.domain.control import Control
from qms_svc.domain.document import Document
from qms_svc.domain.version import Version
from qms_svc.projections import queries

type ChangeKey = tuple[str, str | None]
"""A change, and a document that the command concerns although the change may have no version of it yet."""


def document_subject(key: str) -> Subject:
    return ("qms.document", key)


def change_subject(key: str) -> Subject:
    return ("qms.change", key)


# --- documents


async def _lock_document(_: Tx, key: str) -> list[Subject]:
    """The claim of its subject is the lock."""
    return [document_subject(key)]


async def _load_document(tx: Tx, key: str) -> Document | None:
    return (await queries.documents(tx, [key])).get(key)


def _document_rows(state: Document) -> Iterable[Row]:
    yield queries.DOCUMENT.row(state)
    for version in state.versions:
        yield _version_row(version)


def _version_row(version: Version) -> Row:
    """The plan of a draft is kept in its row; approved dates are facts of their own."""
    if not version.is_unapproved:
        return queries.VERSION.row(version)
    return queries.VERSION.row(
        version,
        planned_effective=[
            {"place": e.place, "on": outbound.day(e.on), "at": outbound.instant(e.at)}
            for e in version.effective
        ],
        planned_ends=[{"place": e.place, "on": outbound.day(e.on)} for e in version.ends],
    )


def _document_facts(event: document.DocumentEvent) -> Iterable[Row]:
    match event:
        case document.Retired(fact, key, place, on, at):
            values = {"id": fact, "document": key, "place": place, "on_day": on, "recorded_at": at}
            yield Row(tables.retirement, values)
        case document.DateMoved(key, number, place, on, signature, at):
            effective = Effective(place, on, None, at)
            yield _date_row(key, number, effective, signature)
        case _:
            pass


def _date_row(key: str, number: int, entry: Effective, signature: str) -> Row:
    values = {
        "id": new_id(),
        "document": key,
        "number": number,
        "place": entry.place,
        "on_day": entry.on,
        "at_instant": entry.at,
        "signature": signature,
        "recorded_at": entry.recorded_at,
    }
    return Row(tables.effective_date, values)


DOCUMENT = Aggregate(
    name="document",
    decide=document.decide,
    evolve=document.evolve,
    lock=_lock_document,
    load=_load_document,
    rows=_document_rows,
    facts=_document_facts,
    announces=outbound.of_document,
)

# --- changes


async def _lock_change(tx: Tx, key: ChangeKey) -> list[Subject]:
    change_id, extra = key
    documents = {*await queries.document_ids(tx, change_id), *([extra] if extra else [])}
    return [change_subject(change_id), *map(document_subject, sorted(documents))]


async def _load_control(tx: Tx, key: ChangeKey) -> Control | None:
    """The change and its documents. 404 for an unknown document; 409 `stale` when a document came under the change
    while the locks were waited for."""
    change_id, extra = key
    found = await queries.change(tx, change_id)
    if found is None:
        return None
    state, ids = found
    ids = {*ids, *([extra] if extra else [])}
    locked = change_subject(change_id) in tx.claimed
    if locked and not {document_subject(each) for each in ids} <= tx.claimed.keys():
        raise StateError("stale", f"{change_id} changed meanwhile: read it again")
    documents = await queries.documents(tx, ids)
    if extra and extra not in documents:
        raise not_found("document", extra)
    sites = next(iter(documents.values())).sites if documents else await queries.sites(tx)
    return Control(state, documents, sites)


def _control_rows(state: Control) -> Iterable[Row]:
    yield queries.CHANGE.row(state.change)
    for each in state.documents.values():
        yield from _document_rows(each)


def _control_facts(event: change.Event) -> Iterable[Row]:
    if not isinstance(event, change.Approved):
        return
    for version in event.versions:
        for entry in version.effective:
            yield _date_row(version.document, version.number, entry, event.approval.signature)
        for end in version.ends:
            values = {
                "id": new_id(),
                "document": version.document,
                "number": version.number,
                "place": end.place,
                "on_day": end.on,
                "recorded_at": event.at,
            }
            yield Row(tables.version_end, values)


CHANGE = Aggregate(
    name="change",
    decide=change.decide,
    evolve=change.evolve,
    lock=_lock_change,
    load=_load_control,
    rows=_control_rows,
    facts=_control_facts,
    announces=outbound.of_change,
)

__all__ = ["CHANGE", "DOCUMENT", "ChangeKey", "change_subject", "document_subject"]
