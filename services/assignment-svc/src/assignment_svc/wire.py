"""Values, timelines and assignments as contracts write them, and back. Facts are converted in `sources`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from assignment_svc.domain.assignments import Assignment, Cause
from assignment_svc.domain.timeline import Reason, Segment
from assignment_svc.domain.vocabulary import AssignmentState, Flag, Method, Status, Trigger, Verdict

type State = Mapping[str, Any]


@lru_cache(maxsize=200_000)
def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def at(text: str) -> datetime:
    found = instant(text)
    assert found is not None
    return found


@lru_cache(maxsize=100_000)
def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def wire(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, as contracts write it."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def segment_state(segment: Segment) -> dict[str, Any]:
    return {
        "from": wire(segment.start),
        "to": wire(segment.end),
        "status": segment.status.value,
        "verdict": segment.verdict.value,
        "flags": [flag.value for flag in segment.flags],
        "governing_version": segment.governing_version,
        "completed_version": segment.completed_version,
        "completed_at": wire(segment.completed_at),
        "expires_at": wire(segment.expires_at),
        "records": list(segment.records),
        "reasons": [{"code": r.code, "detail": r.detail} for r in segment.reasons],
        "sources": list(segment.sources),
    }


def segment_of(state: State) -> Segment:
    return Segment(
        at(state["from"]),
        instant(state["to"]),
        Status(state["status"]),
        Verdict(state["verdict"]),
        tuple(Flag(f) for f in state["flags"]),
        state["governing_version"],
        state["completed_version"],
        instant(state["completed_at"]),
        instant(state["expires_at"]),
        tuple(state["records"]),
        tuple(Reason(r["code"], r["detail"]) for r in state["reasons"]),
        tuple(state["sources"]),
        (),
    )


def assignment_state(one: Assignment) -> dict[str, Any]:
    return {
        "assignment": str(one.id),
        "person": one.person,
        "item": one.item,
        "place": one.place,
        "target_version": one.target_version,
        "trigger": one.trigger.value,
        "cause": {"kind": one.cause.kind, "id": one.cause.id, "change": one.cause.change}
        if one.cause.id
        else None,
        "state": one.state.value,
        "opened_at": wire(one.opened_at),
        "due_at": wire(one.due_at),
        "due_on": None if one.due_on is None else one.due_on.isoformat(),
        "due_zone": one.due_zone,
        "first_due_was_past": one.first_due_was_past,
        "closed_at": None,
        "closing_reason": None,
        "closing_detail": None,
        "methods": sorted(m.value for m in one.methods),
        "change": one.cause.change,
    }


def assignment_of(body: State) -> Assignment:
    """The assignment as the engine wrote it; `cycle` is kept beside the wire state."""
    cause = body.get("cause") or {"kind": "", "id": "", "change": None}
    return Assignment(
        id=UUID(body["assignment"]),
        person=body["person"],
        item=body["item"],
        place=body["place"],
        target_version=body["target_version"],
        cycle=body["cycle"],
        trigger=Trigger(body["trigger"]),
        cause=Cause(cause["kind"], cause["id"], cause.get("change")),
        state=AssignmentState(body["state"]),
        opened_at=at(body["opened_at"]),
        due_at=instant(body["due_at"]),
        due_on=day(body["due_on"]),
        due_zone=body["due_zone"],
        first_due_was_past=body["first_due_was_past"],
        methods=frozenset(Method(m) for m in body["methods"]),
    )
