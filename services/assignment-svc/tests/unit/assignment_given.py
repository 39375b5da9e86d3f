"""Builders of facts, in local times, so that a test reads like the rule it proves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from assignment_svc.domain.assignments import Assignment
from assignment_svc.domain.facts import (
    CellFacts,
    DaySpell,
    ObligationSpan,
    PersonFacts,
    Place,
    ShiftHours,
    ShiftSpell,
    TrainingRecord,
    Version,
)
from assignment_svc.domain.qualification import Outcome, cell_at, derive
from assignment_svc.domain.timeline import Segment
from assignment_svc.domain.vocabulary import Method, TrainingDecision, Trigger
from plantkit.governing import Timeline, prepare
from plantkit.time import start_of_day

AMSTERDAM = "Europe/Amsterdam"
NEW_YORK = "America/New_York"
SHIFTS = {
    "D": ShiftHours(time(6), time(14)),
    "E": ShiftHours(time(14), time(22)),
    "N": ShiftHours(time(22), time(6)),
}
NL1 = Place("NL1", AMSTERDAM, SHIFTS)
US1 = Place("US1", NEW_YORK, SHIFTS)


def at(text: str, zone: str = AMSTERDAM) -> datetime:
    """``2026-03-02`` or ``2026-03-02 11:00[:59]`` in the zone, or ISO with an offset, as UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if len(text) == 10:
            return start_of_day(date.fromisoformat(text), zone)
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


def methods(letters: str) -> frozenset[Method]:
    return frozenset(Method(letter) for letter in letters)


def days(start: str, end: str | None = None) -> DaySpell:
    return DaySpell(
        date.fromisoformat(start), None if end is None else date.fromisoformat(end), f"spell-{start}"
    )


def person(
    name: str = "ANA",
    employed: Iterable[DaySpell] = (),
    leaves: Iterable[DaySpell] = (),
    shift: str | None = "D",
    **more: Any,
) -> PersonFacts:
    return PersonFacts(
        name,
        tuple(employed) or (days("2020-01-01"),),
        tuple(leaves),
        () if shift is None else (ShiftSpell(shift, date(2020, 1, 1)),),
        **more,
    )


def span(
    source: str = "job_function/OPR",
    asks: str = "R12",
    start: str = "2025-01-01",
    end: str | None = None,
    zone: str = AMSTERDAM,
    **more: Any,
) -> ObligationSpan:
    kind, code = source.split("/", 1)
    letters = asks.rstrip("0123456789")
    months = asks[len(letters) :]
    values: dict[str, Any] = {
        "trigger": Trigger.MATRIX_ENROLMENT,
        "spell_from": date.fromisoformat(start[:10]),
        "cause": f"{source}@{start}",
        "pass_mark": 80,
    }
    return ObligationSpan(
        id=f"{source}@{start}",
        source_kind=kind,
        source=code,
        valid_from=at(start, zone),
        valid_to=None if end is None else at(end, zone),
        methods=methods(letters),
        interval_months=int(months) if months else None,
        **{**values, **more},
    )


def version(
    number: int,
    opens: str | None,
    effective: str | None,
    decision: str = "read",
    zone: str = AMSTERDAM,
    **more: Any,
) -> Version:
    values: dict[str, Any] = {
        key: at(value, zone) if key.endswith("_at") else value for key, value in more.items()
    }
    return Version(
        number,
        None if opens is None else at(opens, zone),
        None if effective is None else at(effective, zone),
        decision=TrainingDecision(decision),
        **values,
    )


def record(
    number: int, when: str, letters: str = "R", zone: str = AMSTERDAM, id: str | None = None, **more: Any
) -> TrainingRecord:
    score = more.pop("score", 90.0 if "Q" in letters else None)
    return TrainingRecord(
        id or f"{number}-{letters}-{when}", number, methods(letters), at(when, zone), zone, score, **more
    )


V3 = version(3, "2025-05-18", "2025-06-01")
V4 = version(4, "2026-03-02T10:00:00+00:00", "2026-03-16", change="CC-7")
SOP_101 = prepare([V3, V4])
"""Item of fixture F at NL1."""


def cell(
    obligations: Iterable[ObligationSpan] | None = None,
    records: Iterable[TrainingRecord] = (),
    timeline: Timeline[Version] = SOP_101,
    who: PersonFacts | None = None,
    place: Place = NL1,
    **more: Any,
) -> CellFacts:
    return CellFacts(
        who if who is not None else person(),
        "SOP-101",
        place,
        timeline,
        tuple(obligations) if obligations is not None else (span(),),
        tuple(records),
        **more,
    )


NOW = at("2026-03-05 12:00")


def answer(facts: CellFacts, when: str, zone: str = AMSTERDAM) -> Segment:
    """The cell at a local time."""
    return cell_at(derive(facts, NOW).timeline, at(when, zone))


def status(facts: CellFacts, when: str, zone: str = AMSTERDAM) -> str:
    return answer(facts, when, zone).status.value


def outcome(facts: CellFacts, now: str, zone: str = AMSTERDAM) -> Outcome:
    return derive(facts, at(now, zone))


def tasks(facts: CellFacts, now: str, zone: str = AMSTERDAM) -> dict[int, Assignment]:
    """Assignments by target version; one a version."""
    found = outcome(facts, now, zone).assignments
    assert len({one.target_version for one in found}) == len(found)
    return {one.target_version: one for one in found}


def more(facts: CellFacts, **fields: Any) -> CellFacts:
    return replace(facts, **fields)
