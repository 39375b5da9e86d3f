"""Wire states -> rows of the bitemporal tables, without `recorded`, in the order of their columns.

Values are what COPY takes: texts stay as the wire said them, ranges and arrays are PostgreSQL's literals. An end that
the wire leaves open is `infinity`, so that instants can be compared with it in an index.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from servicekit.bus import Event

from reporting_svc.domain.bitemporal import Row
from reporting_svc.domain.vocabulary import ON_LEAVE, Status, known_verdict

type State = Mapping[str, Any]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def array(values: Sequence[str]) -> str:
    """A text[] literal."""
    return _array(tuple(values)) if values else "{}"


@lru_cache(maxsize=50_000)
def _array(values: tuple[str, ...]) -> str:
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return "{" + ",".join(quoted) + "}"


def stretch(start: str, end: str | None) -> str:
    """A tstzrange literal."""
    return f'["{start}","{end or "infinity"}")'


def days(start: str, end: str | None) -> str:
    """A daterange literal; a spell that ends before it began holds on no day."""
    return "empty" if end is not None and end <= start else f"[{start},{end or ''})"


def _json(value: Any) -> str | None:
    return None if value is None else _encode(value)


_SUSPENDED = Status.SUSPENDED.value


def segments(event: Event) -> list[Row]:
    """The busiest of all: a revision brings tens of thousands of them."""
    state = event.state
    person, item, place = state["person"], state["item"], state["place"]
    rows: list[Row] = []
    for one in state["segments"]:
        get = one.get
        status = one["status"]
        reasons = one["reasons"]
        rows.append(
            (
                person,
                item,
                place,
                f'["{one["from"]}","{get("to") or "infinity"}")',
                status,
                known_verdict(one["verdict"]),
                status == _SUSPENDED and any(reason["code"] == ON_LEAVE for reason in reasons),
                array(one["flags"]),
                get("governing_version"),
                get("completed_version"),
                get("completed_at"),
                get("expires_at"),
                array(one["records"]),
                _reasons(tuple([(reason["code"], reason.get("detail")) for reason in reasons]))
                if reasons
                else "[]",
                array(one["sources"]),
            )
        )
    return rows


@lru_cache(maxsize=50_000)
def _reasons(reasons: tuple[tuple[str, str | None], ...]) -> str:
    return _encode([{"code": code, "detail": detail} for code, detail in reasons])


def timelines(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["person"],
        state["item"],
        state["place"],
        event.id,
        event.change.get("kind", ""),
        event.change.get("cause") or event.cause,
        event.correlation,
        state["rule_version"],
        state["tzdata_version"],
    )


def people(event: Event) -> Iterator[Row]:
    state = event.state
    yield state["person"], state["employment"], state.get("supervisor"), state.get("language")


_SPELLS = {
    "employments": ("employment", None),
    "places": ("place", "site"),
    "functions": ("function", "job_function"),
    "overlays": ("overlay", "overlay"),
    "equipment": ("equipment", "equipment"),
    "leaves": ("leave", "kind"),
    "shifts": ("shift", "shift"),
}


def person_spells(event: Event) -> Iterator[Row]:
    state = event.state
    for name, (kind, value) in _SPELLS.items():
        for spell in state[name]:
            yield (
                state["person"],
                kind,
                spell["id"],
                spell[value] if value else None,
                spell.get("department"),
                spell.get("area"),
                days(spell["from"], spell.get("to")),
            )


def units(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["unit"],
        state["kind"],
        state["code"],
        state["title"],
        state.get("site"),
        state.get("area"),
        state.get("department"),
        state.get("time_zone"),
        state.get("expiry_lead_days"),
        state["active"],
    )


_VERSION = ("version", "state", "change_class", "training_decision", "change", "approved_at", "approved_on",
            "withdrawn_at", "effective", "ends")  # fmt: skip


def documents(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["document"],
        state["title"],
        state["document_type"],
        state["framework"],
        state.get("category"),
        state.get("owner_department"),
        _json([{name: version.get(name) for name in _VERSION} for version in state["versions"]]),
    )


def requirements(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["item"],
        state["title"],
        state["category"],
        array(state["frameworks"]),
        state["matrix_version"],
        _json(state["rules"]),
        _json(state["unresolved"]),
    )


def obligation_sources(event: Event) -> Iterator[Row]:
    state = event.state
    for span in state["spans"]:
        yield (
            state["person"],
            state["item"],
            span["place"],
            span["source_kind"],
            span["source"],
            span["rule"],
            span["rule_version"],
            array(span["methods"]),
            span.get("interval_months"),
            span.get("pass_mark"),
            stretch(span["valid_from"], span.get("valid_to")),
        )


def tasks(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["task"],
        state["title"],
        state.get("job_function"),
        array(state["items"]),
        array(state.get("equipment") or ()),
        state["active"],
    )


def changes(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["change"],
        state["title"],
        state["state"],
        state["author"],
        _json(state["documents"]),
        _json(state["approvals"]),
    )


def accounts(event: Event) -> Iterator[Row]:
    state = event.state
    yield state["account"], state.get("person"), state["status"], _json(state["grants"])


def assignments(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["assignment"],
        state["person"],
        state["item"],
        state["place"],
        state["target_version"],
        state["trigger"],
        _json(state.get("cause")),
        state["state"],
        state["opened_at"],
        state.get("due_at"),
        state.get("due_on"),
        state.get("due_zone"),
        state["first_due_was_past"],
        state.get("closed_at"),
        state.get("closing_reason"),
        state.get("closing_detail"),
        array(state["methods"]),
        state.get("change"),
    )


def training_records(event: Event) -> Iterator[Row]:
    state = event.state
    yield (
        state["record"],
        state["person"],
        state["item"],
        state["version"],
        array(state["methods"]),
        state["result"],
        state.get("score"),
        state["completed_at"],
        state["valid_from"],
        state.get("performed_at"),
        state.get("place"),
        state.get("time_zone"),
        state["source_class"],
        state.get("source_record"),
        state.get("assignment"),
        state.get("evaluator"),
        _json(state.get("late_entry")),
        _json(state.get("entered_in_error")),
    )


def audit_entry(event: Event) -> Row:
    """The row of an entry, whole: entries never change."""
    state = event.state
    entity = state["entity"].removeprefix("app.")
    return (
        event.source.rpartition("/")[2],
        event.epoch,
        state["entry"],
        entity,
        state["key"],
        state.get("version"),
        state["at"],
        state["op"],
        state["actor"],
        state.get("on_behalf_of"),
        state["reason"],
        state.get("cause"),
        state["correlation"],
        _person_of(entity, state["key"], state["changes"]),
        _json(state["changes"]),
        state["body_sha256"],
    )


def _person_of(entity: str, key: str, changes: Sequence[State]) -> str | None:
    """Of whom the row speaks, where its own columns say so."""
    if entity in ("person", "person_name"):
        return key
    for change in changes:
        if change["column"] == "person":
            value = change.get("after") or change.get("before")
            return value if isinstance(value, str) else None
    return None
