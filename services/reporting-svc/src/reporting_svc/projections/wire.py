"""Wire states -> rows of the bitemporal tables, without `recorded`, in the order of their columns.

Values are what COPY takes; ranges and arrays are PostgreSQL's literals. An end that the wire leaves open is `infinity`,
so that instants can be compared with it in an index. Columns of JSON hold what came, with what this release does not
know of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from attest_contracts.models import (
    assignment_assignment,
    assignment_qualification,
    audit,
    gateway_account,
    matrix_obligation,
    matrix_organisation,
    matrix_person_v2,
    matrix_requirement,
    matrix_task,
    qms_change,
    qms_document,
    records_training_record,
)
from servicekit.bus import Event

from reporting_svc.domain.bitemporal import Row
from reporting_svc.domain.vocabulary import ON_LEAVE, Status, known_verdict

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def array(values: Sequence[str]) -> str:
    """A text[] literal."""
    return _array(tuple(values)) if values else "{}"


@lru_cache(maxsize=50_000)
def _array(values: tuple[str, ...]) -> str:
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return "{" + ",".join(quoted) + "}"


@lru_cache(maxsize=50_000)
def stretch(start: datetime, end: datetime | None) -> str:
    """A tstzrange literal."""
    return f'["{start}","{end or "infinity"}")'


def days(start: date, end: date | None) -> str:
    """A daterange literal; a spell that ends before it began holds on no day."""
    return "empty" if end is not None and end <= start else f"[{start},{end or ''})"


def _json(value: Any) -> str | None:
    return None if value is None else _encode(value)


_SUSPENDED = Status.SUSPENDED.value


def segments(event: Event[assignment_qualification.State]) -> list[Row]:
    """The busiest of all: a revision brings tens of thousands of them."""
    state = event.state
    person, item, place = state.person, state.item, state.place
    rows: list[Row] = []
    for one in state.segments:
        status = one.status
        reasons = one.reasons
        rows.append(
            (
                person,
                item,
                place,
                stretch(one.from_, one.to),
                status,
                known_verdict(one.verdict),
                status == _SUSPENDED and any(reason.code == ON_LEAVE for reason in reasons),
                array(one.flags),
                one.governing_version,
                one.completed_version,
                one.completed_at,
                one.expires_at,
                array(one.records),
                _reasons(tuple([(reason.code, reason.detail) for reason in reasons])) if reasons else "[]",
                array(one.sources),
            )
        )
    return rows


@lru_cache(maxsize=50_000)
def _reasons(reasons: tuple[tuple[str, str | None], ...]) -> str:
    return _encode([{"code": code, "detail": detail} for code, detail in reasons])


def timelines(event: Event[assignment_qualification.State, assignment_qualification.Change]) -> Iterator[Row]:
    state = event.state
    yield (
        state.person,
        state.item,
        state.place,
        event.id,
        event.change.kind,
        event.change.cause or event.cause,
        event.correlation,
        state.rule_version,
        state.tzdata_version,
    )


def people(event: Event[matrix_person_v2.State]) -> Iterator[Row]:
    state = event.state
    yield state.person, state.employment, state.supervisor, state.language


def person_spells(event: Event[matrix_person_v2.State]) -> Iterator[Row]:
    state = event.state
    spells = [
        *(("employment", spell, None) for spell in state.employments),
        *(("place", spell, spell.site) for spell in state.places),
        *(("function", spell, spell.job_function) for spell in state.functions),
        *(("overlay", spell, spell.overlay) for spell in state.overlays),
        *(("equipment", spell, spell.equipment) for spell in state.equipment),
        *(("leave", spell, spell.kind) for spell in state.leaves),
        *(("shift", spell, spell.shift) for spell in state.shifts),
    ]
    for kind, spell, value in spells:
        place = spell if isinstance(spell, matrix_person_v2.PlaceSpell) else None
        yield (
            state.person,
            kind,
            spell.id,
            value,
            place and place.department,
            place and place.area,
            days(spell.from_, spell.to),
        )


def units(event: Event[matrix_organisation.State]) -> Iterator[Row]:
    state = event.state
    yield (
        state.unit,
        state.kind,
        state.code,
        state.title,
        state.site,
        state.area,
        state.department,
        state.time_zone,
        state.expiry_lead_days,
        state.active,
    )


_VERSION = ("version", "state", "change_class", "training_decision", "change", "approved_at", "approved_on",
            "withdrawn_at", "effective", "ends")  # fmt: skip


def documents(event: Event[qms_document.State]) -> Iterator[Row]:
    state = event.state
    yield (
        state.document,
        state.title,
        state.document_type,
        state.framework,
        state.category,
        state.owner_department,
        _json([{name: version.get(name) for name in _VERSION} for version in event.raw_state["versions"]]),
    )


def requirements(event: Event[matrix_requirement.State]) -> Iterator[Row]:
    state = event.state
    yield (
        state.item,
        state.title,
        state.category,
        array(state.frameworks),
        state.matrix_version,
        _json(event.raw_state["rules"]),
        _json(event.raw_state["unresolved"]),
    )


def obligation_sources(event: Event[matrix_obligation.State]) -> Iterator[Row]:
    state = event.state
    for span in state.spans:
        yield (
            state.person,
            state.item,
            span.place,
            span.source_kind,
            span.source,
            span.rule,
            span.rule_version,
            array(span.methods),
            span.interval_months,
            span.pass_mark,
            stretch(span.valid_from, span.valid_to),
        )


def tasks(event: Event[matrix_task.State]) -> Iterator[Row]:
    state = event.state
    yield (
        state.task,
        state.title,
        state.job_function,
        array(state.items),
        array(state.equipment or ()),
        state.active,
    )


def changes(event: Event[qms_change.State]) -> Iterator[Row]:
    state = event.state
    yield (
        state.change,
        state.title,
        state.state,
        state.author,
        _json(event.raw_state["documents"]),
        _json(event.raw_state["approvals"]),
    )


def accounts(event: Event[gateway_account.State]) -> Iterator[Row]:
    state = event.state
    yield state.account, state.person, state.status, _json(event.raw_state["grants"])


def assignments(event: Event[assignment_assignment.State]) -> Iterator[Row]:
    state = event.state
    yield (
        state.assignment,
        state.person,
        state.item,
        state.place,
        state.target_version,
        state.trigger,
        _json(event.raw_state.get("cause")),
        state.state,
        state.opened_at,
        state.due_at,
        state.due_on,
        state.due_zone,
        state.first_due_was_past,
        state.closed_at,
        state.closing_reason,
        state.closing_detail,
        array(state.methods),
        state.change,
    )


def training_records(event: Event[records_training_record.State]) -> Iterator[Row]:
    state = event.state
    yield (
        state.record,
        state.person,
        state.item,
        state.version,
        array(state.methods),
        state.result,
        state.score,
        state.completed_at,
        state.valid_from,
        state.performed_at,
        state.place,
        state.time_zone,
        state.source_class,
        state.source_record,
        state.assignment,
        state.evaluator,
        _json(event.raw_state.get("late_entry")),
        _json(event.raw_state.get("entered_in_error")),
    )


def audit_entry(event: Event[audit.State]) -> Row:
    """The row of an entry, whole: entries never change."""
    state = event.state
    entity = state.entity.removeprefix("app.")
    return (
        event.source.rpartition("/")[2],
        event.epoch,
        state.entry,
        entity,
        state.key,
        state.version,
        state.at,
        state.op,
        state.actor,
        state.on_behalf_of,
        state.reason,
        state.cause,
        state.correlation,
        _person_of(entity, state.key, state.changes),
        _json(event.raw_state["changes"]),
        state.body_sha256,
    )


def _person_of(entity: str, key: str, changes: Sequence[audit.ColumnChange]) -> str | None:
    """Of whom the row speaks, where its own columns say so."""
    if entity in ("person", "person_name"):
        return key
    for change in changes:
        if change.column == "person":
            value = change.after or change.before
            return value if isinstance(value, str) else None
    return None
