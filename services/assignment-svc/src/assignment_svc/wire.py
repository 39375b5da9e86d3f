"""Wire states -> the engine's facts, and back. Domain code never sees a wire model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any
from uuid import UUID

from plantkit.governing import Effective, Timeline, effective_at, prepare, starts_at, statement, window_opens
from plantkit.sites import EVERYWHERE

from assignment_svc.domain.assignments import Assignment, Cause
from assignment_svc.domain.facts import (
    CategoryPolicy,
    CellFacts,
    DaySpell,
    Hold,
    ObligationSpan,
    OpenQuestion,
    PersonFacts,
    Place,
    ShiftHours,
    ShiftSpell,
    TrainingRecord,
    Version,
)
from assignment_svc.domain.timeline import Reason, Segment
from assignment_svc.domain.vocabulary import (
    AssignmentState,
    Flag,
    Method,
    SourceClass,
    Status,
    TrainingDecision,
    Trigger,
    Verdict,
)

type State = Mapping[str, Any]
_APPROVED = ("APPROVED", "WITHDRAWN", "RETIRED")


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


def place_of(unit: State) -> Place:
    return Place(
        code=unit["code"],
        zone=unit["time_zone"],
        shifts={
            s["shift"]: ShiftHours(
                time.fromisoformat(s["starts"]), time.fromisoformat(s["ends"]), instant(s.get("moved_at"))
            )
            for s in unit.get("shifts") or []
        },
    )


def person_of(state: State) -> PersonFacts:
    roster = state.get("roster") or []
    return PersonFacts(
        person=state["person"],
        employments=_days(state["employments"]),
        leaves=_days(state["leaves"]),
        shifts=tuple(
            ShiftSpell(
                s["shift"],
                date.fromisoformat(s["from"]),
                day(s.get("to")),
                at(s.get("told_at") or s["recorded_at"]),
            )
            for s in state["shifts"]
        ),
        roster={date.fromisoformat(r["date"]): r.get("shift") for r in roster},
        roster_moved={date.fromisoformat(r["date"]): at(r["moved_at"]) for r in roster if r.get("moved_at")},
    )


def _days(spells: Iterable[State]) -> tuple[DaySpell, ...]:
    return tuple(
        DaySpell(date.fromisoformat(s["from"]), day(s.get("to")), s["id"], at(s["recorded_at"]))
        for s in spells
    )


def timeline_of(document: State, place: Place) -> Timeline[Version]:
    """The versions of a document as they stand at a place: an entry for the place wins over one for everywhere."""
    versions = [v for v in (_version(v, place) for v in document["versions"]) if v is not None]
    return prepare(versions, starts_at(_days_by_place(document.get("retired")), place.code, place.zone))


def _version(state: State, place: Place) -> Version | None:
    approved_at, approved_on = instant(state.get("approved_at")), day(state.get("approved_on"))
    opens = window_opens(approved_at, approved_on, place.zone)
    if state["state"] not in _APPROVED or opens is None:
        return None
    effective = [
        Effective(e["place"], day(e.get("on")), instant(e.get("at")), at(e["recorded_at"]))
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


def _days_by_place(entries: Sequence[State] | None) -> dict[str, date]:
    """Of several entries for a place the last recorded one."""
    ordered = sorted(entries or [], key=lambda e: e.get("recorded_at") or "")
    return {e["place"]: date.fromisoformat(e["on"]) for e in ordered}


def span_of(state: State) -> ObligationSpan:
    return ObligationSpan(
        id=state["id"],
        source_kind=state["source_kind"],
        source=state["source"],
        valid_from=at(state["valid_from"]),
        valid_to=instant(state.get("valid_to")),
        methods=frozenset(Method(m) for m in state["methods"]),
        trigger=Trigger(state["trigger"]),
        spell_from=date.fromisoformat(state["spell_from"]),
        interval_months=state.get("interval_months"),
        pass_mark=state.get("pass_mark"),
        cause=state["cause"],
        recorded_at=instant(state.get("recorded_at")),
    )


def questions_of(obligation: State, place: str, person: State) -> list[OpenQuestion]:
    """The open questions of an obligation at a place (C-34); one that does not say where and when it holds does so
    always, wherever the person works or owes the item."""
    if not obligation["unresolved"]:
        return []
    spans = obligation.get("unresolved_spans")
    if spans is None:
        owed = {span["place"] for span in obligation["spans"]}
        concerned = place in owed | places_of_questions(obligation, person)
        return [OpenQuestion(datetime.min.replace(tzinfo=UTC), None)] if concerned else []
    return [
        OpenQuestion(at(s["valid_from"]), instant(s.get("valid_to"))) for s in spans if s["place"] == place
    ]


def places_of_questions(obligation: State, person: State) -> set[str]:
    """Where an open question may concern the person, owed or not."""
    if not obligation["unresolved"]:
        return set()
    spans = obligation.get("unresolved_spans")
    if spans is None:
        return {spell["site"] for spell in person["places"]}
    return {span["place"] for span in spans}


def record_of(state: State, zone: str) -> TrainingRecord:
    """zone: of the place of the cell, for a record that does not say where it was made."""
    return TrainingRecord(
        id=state["record"],
        version=state["version"],
        methods=frozenset(Method(m) for m in state["methods"]),
        valid_from=at(state["valid_from"]),
        zone=state.get("time_zone") or zone,
        score=state.get("score"),
        passed=state["result"] == "PASS",
        source_class=SourceClass(state["source_class"]),
        entered_in_error=state.get("entered_in_error") is not None,
        counts=state.get("counts") is not False,
    )


def hold_of(row: Mapping[str, Any]) -> Hold:
    return Hold(row["id"], at(row["from_at"]), instant(row.get("to_at")))


def cell_facts(
    person: PersonFacts,
    item: str,
    place: Place,
    timeline: Timeline[Version],
    spans: Iterable[State],
    records: Iterable[State],
    holds: Iterable[Mapping[str, Any]],
    *,
    lead_days: int | None,
    questions: Iterable[OpenQuestion],
) -> CellFacts:
    return CellFacts(
        person=person,
        item=item,
        place=place,
        timeline=timeline,
        obligations=tuple(span_of(s) for s in spans if s["place"] == place.code),
        records=tuple(record_of(r, place.zone) for r in records),
        holds=tuple(hold_of(h) for h in holds if h["items"] is None or item in h["items"]),
        policy=CategoryPolicy() if lead_days is None else CategoryPolicy(expiry_lead_days=lead_days),
        questions=tuple(questions),
    )


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
