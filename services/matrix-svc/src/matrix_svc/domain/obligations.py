"""Obligations: what a person must satisfy because of which sources, over valid time. Derived, never edited.

`spans` crosses rules with spells. The site, department and area of a person hold with the place spell, a job function
with its own, overlays and equipment with theirs; nothing is required outside employment (C-05). Sources are kept
apart: merging them (strictest wins, MX-05) is the engine's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from plantkit.sites import Sites

from matrix_svc.domain.rules import Question, Rule, SourceKind
from matrix_svc.domain.spells import Spell, SpellKind, standing


class Trigger(StrEnum):
    """The trigger that the beginning of a span stands for (C-24b)."""

    NEW_HIRE = "NEW_HIRE"
    ROLE_CHANGE = "ROLE_CHANGE"
    MATRIX_ENROLMENT = "MATRIX_ENROLMENT"
    MATRIX_CHANGE = "MATRIX_CHANGE"


@dataclass(frozen=True, slots=True)
class Span:
    """An obligation of one source at one place, `[valid_from, valid_to)`.

    recorded_at: when the latest of the facts that make it became known. cause: the id of the fact that begins it.
    spell_from: the local day on which the source's spell begins (the base of due dates).
    """

    place: str
    rule: Rule
    valid_from: datetime
    valid_to: datetime | None
    trigger: Trigger
    cause: str
    spell_from: date
    recorded_at: datetime

    @property
    def id(self) -> str:
        return f"{self.rule.id}@{self.place}@{self.valid_from.isoformat()}"


type RuleIndex = Mapping[tuple[SourceKind, str], Iterable[Rule]]

_SOURCE_OF = {
    SpellKind.JOB_FUNCTION: SourceKind.JOB_FUNCTION,
    SpellKind.OVERLAY: SourceKind.OVERLAY,
    SpellKind.EQUIPMENT: SourceKind.EQUIPMENT,
}


def spans(spells: Iterable[Spell], rules: RuleIndex, zones: Sites) -> dict[str, list[Span]]:
    """All obligations of one person by item, each list in a stable order."""
    kept = standing(spells)
    employments = [s for s in kept if s.kind == SpellKind.EMPLOYMENT]
    places = [s for s in kept if s.kind == SpellKind.PLACE]
    found: dict[str, list[Span]] = {}
    for spell, kind, source in sources_of(kept):
        for rule in rules.get((kind, source), ()):
            for span in _cross(spell, rule, employments, places, zones):
                found.setdefault(rule.item, []).append(span)
    for item in found:
        found[item].sort(key=lambda s: (s.place, s.valid_from, s.rule.source_kind, s.rule.source, s.rule.id))
    return found


@dataclass(frozen=True, slots=True)
class QuestionSpan:
    """An open question of one source that concerns the person at one place, `[valid_from, valid_to)`."""

    place: str
    question: Question
    valid_from: datetime
    valid_to: datetime | None


def question_spans(
    spells: Iterable[Spell], questions: Mapping[tuple[SourceKind, str], Iterable[Question]], zones: Sites
) -> dict[str, list[QuestionSpan]]:
    """By item, where and when nobody knows whether it is required: as long as the source would oblige (C-34, C-05)."""
    by_id = {question.id: question for found in questions.values() for question in found}
    rules = {source: [_as_rule(question) for question in found] for source, found in questions.items()}
    return {
        item: [QuestionSpan(s.place, by_id[s.rule.id], s.valid_from, s.valid_to) for s in found]
        for item, found in spans(spells, rules, zones).items()
    }


def _as_rule(question: Question) -> Rule:
    """A rule that asks for nothing: it holds whenever a readable cell would."""
    return Rule(
        id=question.id,
        rule_version=1,
        matrix_version=1,
        source_kind=question.source_kind,
        source=question.source,
        item=question.item,
        methods=frozenset(),
        interval_months=None,
        pass_mark=None,
        valid_from=None,
        valid_to=question.answered_from,
        baseline=True,
        recorded_at=question.recorded_at,
    )


def sources_of(spells: Iterable[Spell]) -> Iterator[tuple[Spell, SourceKind, str]]:
    """Each spell with the sources of requirements that it brings: a place brings its site, area and department."""
    for spell in spells:
        if spell.kind in _SOURCE_OF:
            yield spell, _SOURCE_OF[spell.kind], spell.value
        elif spell.kind == SpellKind.PLACE:
            yield spell, SourceKind.SITE, spell.value
            if spell.area:
                yield spell, SourceKind.AREA, f"{spell.value}/{spell.area}"
            if spell.department:
                yield spell, SourceKind.DEPARTMENT, spell.department


def _cross(
    spell: Spell, rule: Rule, employments: Iterable[Spell], places: Iterable[Spell], zones: Sites
) -> Iterator[Span]:
    for employment in employments:
        for place in places if spell.kind != SpellKind.PLACE else (spell,):
            first = max(spell.from_on, employment.from_on, place.from_on)
            ends = [s.to_on for s in (spell, employment, place) if s.to_on is not None]
            last = min(ends, default=None)
            if last is not None and last <= first:
                continue
            from_at = zones.start_of_day(place.value, first)
            to_at = None if last is None else zones.start_of_day(place.value, last)
            if rule.valid_to is not None:
                to_at = rule.valid_to if to_at is None else min(to_at, rule.valid_to)
            begins_with_rule = rule.valid_from is not None and rule.valid_from > from_at
            if begins_with_rule:
                assert rule.valid_from is not None
                from_at = rule.valid_from
            if to_at is not None and to_at <= from_at:
                continue
            trigger, cause = _beginning(
                spell, employment, place, rule, first, begins_with_rule=begins_with_rule
            )
            yield Span(
                place=place.value,
                rule=rule,
                valid_from=from_at,
                valid_to=to_at,
                trigger=trigger,
                cause=cause,
                spell_from=first,
                recorded_at=max(
                    rule.recorded_at, spell.recorded_at, employment.recorded_at, place.recorded_at
                ),
            )


def _beginning(
    spell: Spell, employment: Spell, place: Spell, rule: Rule, first: date, *, begins_with_rule: bool
) -> tuple[Trigger, str]:
    """Which fact the span begins with, and what that is called."""
    if begins_with_rule:
        return (Trigger.MATRIX_ENROLMENT if rule.baseline else Trigger.MATRIX_CHANGE), rule.id
    if first == employment.from_on:
        return Trigger.NEW_HIRE, employment.id
    if spell.kind == SpellKind.JOB_FUNCTION and first == spell.from_on:
        return Trigger.ROLE_CHANGE, spell.id
    # A move alone is no change of role: a revision that is due stays due before it takes effect there.
    return Trigger.MATRIX_ENROLMENT, spell.id if first == spell.from_on else place.id
