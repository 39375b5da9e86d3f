"""Own changes -> what contracts say of them. `OUTBOUND` at the foot is the table of what this service announces.

Events are made by the constructors of `attest_contracts.events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from attest_contracts.events import (
    matrix_obligation,
    matrix_organisation,
    matrix_person,
    matrix_person_name,
    matrix_requirement,
    matrix_roster,
    matrix_task,
)
from attest_contracts.outgoing import Announcement

from matrix_svc.domain.obligations import QuestionSpan, Span
from matrix_svc.domain.roster import RosterDay, first_told
from matrix_svc.domain.rules import Question
from matrix_svc.domain.spells import Spell, SpellKind, standing


def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, as all contracts write it."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def change(
    kind: str, *, reason: str | None = None, valid_from: str | None = None, cause: str | None = None
) -> dict:
    return {"kind": kind, "reason": reason, "valid_from": valid_from, "cause": cause}


def organisation(row: Mapping[str, Any], what: Mapping[str, Any]) -> Announcement:
    state = {
        name: row[name]
        for name in ("unit", "kind", "code", "title", "site", "area", "department", "time_zone", "active")
    }
    state["shifts"] = row["shifts"] or []
    state["expiry_lead_days"] = row["expiry_lead_days"]
    return matrix_organisation.organisation_changed(state, what)


_LISTS = {
    SpellKind.EMPLOYMENT: "employments",
    SpellKind.PLACE: "places",
    SpellKind.JOB_FUNCTION: "functions",
    SpellKind.OVERLAY: "overlays",
    SpellKind.EQUIPMENT: "equipment",
    SpellKind.LEAVE: "leaves",
    SpellKind.SHIFT: "shifts",
}
_VALUE = {
    SpellKind.PLACE: "site",
    SpellKind.JOB_FUNCTION: "job_function",
    SpellKind.OVERLAY: "overlay",
    SpellKind.EQUIPMENT: "equipment",
    SpellKind.LEAVE: "kind",
    SpellKind.SHIFT: "shift",
}


def person_state(row: Mapping[str, Any], spells: Iterable[Spell]) -> dict[str, Any]:
    """spells: every fact about the person, those that were replaced included."""
    spells = list(spells)
    kept = standing(spells)
    employments = [s for s in kept if s.kind == SpellKind.EMPLOYMENT]
    state: dict[str, Any] = {
        "person": row["person"],
        "employment": employments[-1].value if employments else "employee",
        "language": row["language"],
        "supervisor": row["supervisor"],
    } | {name: [] for name in _LISTS.values()}
    for spell in kept:
        entry: dict[str, Any] = {"id": spell.id, "from": day(spell.from_on), "to": day(spell.to_on)}
        if spell.kind in _VALUE:
            entry[_VALUE[spell.kind]] = spell.value
        if spell.kind == SpellKind.PLACE:
            entry |= {"department": spell.department, "area": spell.area}
        if spell.kind == SpellKind.SHIFT and (told := first_told(spell, spells)) != spell.recorded_at:
            entry["told_at"] = instant(told)
        state[_LISTS[spell.kind]].append(entry | {"recorded_at": instant(spell.recorded_at)})
    return state


def roster(person: str, month: str, days: Iterable[RosterDay], what: Mapping[str, Any]) -> Announcement:
    """month: e.g. 2026-03. days: all rostered days of the month."""
    state = {"person": person, "month": month, "days": [_roster_day(one) for one in days]}
    return matrix_roster.roster_changed(state, what)


def _roster_day(one: RosterDay) -> dict[str, Any]:
    told = {"date": day(one.day), "shift": one.shift}
    return told if one.moved_at is None else told | {"moved_at": instant(one.moved_at)}


def person_name(row: Mapping[str, Any], what: Mapping[str, Any]) -> Announcement:
    state = {name: row[name] for name in ("person", "given_name", "family_name", "email", "badge")}
    return matrix_person_name.person_name_changed(state, what)


def rule_state(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rule": str(row["id"]),
        "rule_version": row["rule_version"],
        "source_kind": row["source_kind"],
        "source": row["source"],
        "methods": sorted(row["methods"]),
        "interval_months": row["interval_months"],
        "pass_mark": row["pass_mark"],
        "valid_from": instant(row["valid_from"]),
        "valid_to": instant(row["valid_to"]),
        "baseline": row["baseline"],
        "recorded_at": instant(row["recorded_at"]),
    }


def question_state(question: Question) -> dict[str, Any]:
    return {
        "source_kind": question.source_kind.value,
        "source": question.source,
        "value": question.value,
        "answered_from": instant(question.answered_from),
    }


def obligation_state(
    person_id: str, item: str, spans: Sequence[Span], questions: Sequence[QuestionSpan] = ()
) -> dict[str, Any]:
    state: dict[str, Any] = {
        "person": person_id,
        "item": item,
        "unresolved": bool(questions),
        "spans": [
            {
                "id": span.id,
                "place": span.place,
                "source_kind": span.rule.source_kind.value,
                "source": span.rule.source,
                "rule": span.rule.id,
                "rule_version": span.rule.rule_version,
                "matrix_version": span.rule.matrix_version,
                "methods": sorted(span.rule.methods),
                "interval_months": span.rule.interval_months,
                "pass_mark": span.rule.pass_mark,
                "valid_from": instant(span.valid_from),
                "valid_to": instant(span.valid_to),
                "trigger": span.trigger.value,
                "cause": span.cause,
                "spell_from": day(span.spell_from),
                "recorded_at": instant(span.recorded_at),
            }
            for span in spans
        ],
    }
    if questions:
        state["unresolved_spans"] = [
            {
                "place": span.place,
                "source_kind": span.question.source_kind.value,
                "source": span.question.source,
                "valid_from": instant(span.valid_from),
                "valid_to": instant(span.valid_to),
            }
            for span in questions
        ]
    return state


def task(row: Mapping[str, Any], what: Mapping[str, Any]) -> Announcement:
    state = {name: row[name] for name in ("task", "title", "job_function", "items", "equipment", "active")}
    return matrix_task.task_changed(state, what)


OUTBOUND = {
    topic.TOPIC: topic
    for topic in (
        matrix_obligation,
        matrix_organisation,
        matrix_person,
        matrix_person_name,
        matrix_requirement,
        matrix_roster,
        matrix_task,
    )
}
