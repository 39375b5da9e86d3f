"""The aggregates of this service: how each is loaded, what facts its events add and what they announce.

Both are facts alone: no row of theirs changes. The rules stand in `domain.late_entry` and `domain.correction`;
`servicekit.aggregates.handle` carries a command out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from attest_contracts.events import records_training_record
from attest_contracts.outgoing import Announcement
from servicekit.aggregates import Aggregate, Row, Subject
from servicekit.db import Tx
from servicekit.ids import is_uuid

from records_svc import outbound
from records_svc.db import tables
from records_svc.domain import correction, late_entry
from records_svc.domain.correction import Mark, Proposal
from records_svc.domain.late_entry import LateEntry
from records_svc.domain.vocabulary import SourceClass
from records_svc.projections import queries


async def _lock(tx: Tx, key: str) -> list[Subject]:
    """One decision on a proposal: the second of two at once sees the first."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", {"key": f"proposal/{key}"})
    return []


# --- late entries

_REPEATED = (
    "person",
    "item",
    "number",
    "methods",
    "result",
    "score",
    "evaluator",
    "place",
    "time_zone",
    "corrects",
)
"""The columns that a record takes from its late entry."""


async def _load_late_entry(tx: Tx, key: str) -> LateEntry | None:
    row = await queries.late_entry_row(tx, key) if is_uuid(key) else None
    return None if row is None else LateEntry(**{field.name: row[field.name] for field in fields(LateEntry)})


def _record_row(event: late_entry.Verified) -> Row:
    entry = event.entry
    values = {
        "record": event.record,
        **{name: getattr(entry, name) for name in _REPEATED},
        "completed_at": entry.ink_signed_at,
        "valid_from": entry.ink_signed_at,
        "performed_at": entry.ink_signed_at,
        "source_class": SourceClass.LATE_ENTRY.value,
        "assignment": event.assignment,
        "late_entry": entry.late_entry,
        "signature": event.signature.id,
        "recorded_at": event.at,
    }
    return Row(tables.training_record, values)


def _late_entry_facts(event: late_entry.Event) -> Iterable[Row]:
    match event:
        case late_entry.Proposed(entry):
            columns = [column.name for column in tables.late_entry.columns]
            yield Row(tables.late_entry, {name: getattr(entry, name) for name in columns})
        case late_entry.Verified():
            yield _record_row(event)
        case late_entry.Refused(key, person, reason, at):
            yield _refusal_row(key, person, reason, at)


def _late_entry_announces(
    _: LateEntry, events: Sequence[late_entry.Event], __: str | None
) -> Iterable[Announcement]:
    """The whole record; the reason is the one stated with the entry, never the free text of a request."""
    for event in events:
        if isinstance(event, late_entry.Verified):
            entry = event.entry
            row = {
                **dict.fromkeys(tables.training_record.columns.keys()),
                **_record_row(event).values,
                **{name: getattr(entry, name) for name in ("entry_reason", "ink_signed_at", "scan_sha256")},
            }
            what = outbound.happened(
                "late_entered", reason=entry.entry_reason, valid_from=entry.ink_signed_at
            )
            state = outbound.record_state(row, [event.signature])
            yield records_training_record.training_record_late_entered(state, what)


def _refusal_row(proposal: str, person: str, reason: str, at: object) -> Row:
    values = {"proposal": proposal, "refusal_reason": reason, "refused_by": person, "recorded_at": at}
    return Row(tables.refusal, values)


LATE_ENTRY = Aggregate(
    name="late entry",
    decide=late_entry.decide,
    evolve=late_entry.evolve,
    lock=_lock,
    load=_load_late_entry,
    facts=_late_entry_facts,
    announces=_late_entry_announces,
)

# --- marks


async def _lock_mark(tx: Tx, key: str) -> list[Subject]:
    await _lock(tx, key)
    return [(outbound.TOPIC, key)] if is_uuid(key) else []


async def _load_mark(tx: Tx, key: str) -> Mark | None:
    row = await queries.record_row(tx, key) if is_uuid(key) else None
    if row is None:
        return None
    found = await queries.open_proposal(tx, key)
    proposal = None
    if found is not None:
        proposal = Proposal(str(found["proposal"]), found["error_reason"], found["proposed_by"])
    signatures = await queries.signatures(tx, row)
    return Mark(dict(row), signatures, proposal, marked=row["marked_at"] is not None)


def _mark_facts(event: correction.Event) -> Iterable[Row]:
    match event:
        case correction.Proposed(record, proposal, at):
            values = {
                "proposal": proposal.proposal,
                "record": record,
                "error_reason": proposal.error_reason,
                "proposed_by": proposal.proposed_by,
                "recorded_at": at,
            }
            yield Row(tables.error_proposal, values)
        case correction.Confirmed(record, proposal, signature, at):
            values = {
                "record": record,
                "proposal": proposal.proposal,
                "marked_by": signature.signer,
                "signature": signature.id,
                "recorded_at": at,
            }
            yield Row(tables.error_mark, values)
        case correction.Refused(proposal, person, reason, at):
            yield _refusal_row(proposal, person, reason, at)


def _mark_announces(mark: Mark, events: Sequence[correction.Event], _: str | None) -> Iterable[Announcement]:
    for event in events:
        if isinstance(event, correction.Confirmed):
            reason = event.proposal.error_reason
            what = outbound.happened("marked_in_error", reason=reason, valid_from=event.at)
            yield records_training_record.training_record_marked_in_error(
                outbound.record_state(mark.row, mark.signatures), what
            )


MARK = Aggregate(
    name="record",
    decide=correction.decide,
    evolve=correction.evolve,
    lock=_lock_mark,
    load=_load_mark,
    facts=_mark_facts,
    announces=_mark_announces,
)
