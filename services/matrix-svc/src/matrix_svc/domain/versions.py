"""The matrix as a controlled object: a draft of changed cells, signed by a second person, effective from an instant.

The author cannot approve (MX-08): rule `own-requirement` of the policy file. Rules take effect at the signature or
later, never before (R-35).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from servicekit.domain import RuleError, StateError

from matrix_svc.domain.rules import (
    LONGEST_INTERVAL_MONTHS,
    Cell,
    Place,
    Question,
    Rule,
    check_cell,
    starts_at,
)


class VersionState(StrEnum):
    DRAFT = "DRAFT"
    APPROVED = "APPROVED"


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    ANSWERED = "answered"
    """An open question of an import is answered by what already holds: by "not required", or by the rule in force."""


@dataclass(frozen=True, slots=True)
class Difference:
    change: Change
    cell: Cell
    before: Rule | None


@dataclass(frozen=True, slots=True)
class Draft:
    number: int
    author: str
    state: VersionState
    effective_at: datetime | None
    cells: Sequence[Cell]


def differences(
    cells: Iterable[Cell], in_force: Mapping[Place, Rule], questions: Iterable[Question] = ()
) -> list[Difference]:
    """What a draft changes. A cell equal to the rule in force is no change and is left out, unless it answers one of
    the open `questions` (C-34)."""
    asked = {question.at for question in questions}
    found: list[Difference] = []
    for cell in cells:
        check_cell(cell)
        place = (cell.source_kind, cell.source, cell.item)
        before = in_force.get(place)
        if before is None and cell.methods:
            found.append(Difference(Change.ADDED, cell, None))
        elif before is not None and not cell.methods:
            found.append(Difference(Change.REMOVED, cell, before))
        elif before is not None and not same_requirement(cell, before):
            found.append(Difference(Change.CHANGED, cell, before))
        elif place in asked:
            found.append(Difference(Change.ANSWERED, cell, before))
    return found


def is_stricter(change: Difference) -> bool:
    """Whether who met the requirement before may not meet it now: it is new, asks for a method more, for a shorter
    interval or for a higher pass mark (R-75, MX-05)."""
    cell, before = change.cell, change.before
    if not cell.methods or change.change is Change.ANSWERED:
        return False
    if before is None or cell.methods - before.methods:
        return True
    if cell.interval_months is not None and cell.interval_months < (
        before.interval_months or LONGEST_INTERVAL_MONTHS + 1
    ):
        return True
    return (cell.pass_mark or 0) > (before.pass_mark or 0)


def same_requirement(cell: Cell | Rule, rule: Rule) -> bool:
    """Whether both ask for the same."""
    return (cell.methods, cell.interval_months, cell.pass_mark) == (
        rule.methods,
        rule.interval_months,
        rule.pass_mark,
    )


def check_approval(draft: Draft, changes: Sequence[Difference]) -> None:
    """Raises when the draft cannot be approved as it is."""
    if draft.state != VersionState.DRAFT:
        raise StateError("not-a-draft", f"version {draft.number} of the matrix is {draft.state}")
    if not changes:
        raise RuleError("cells", "no-change", "the draft changes nothing")


@dataclass(frozen=True, slots=True)
class Approved:
    """The facts that an approval writes: new rules, the ends of the rules that they replace, and answered questions."""

    rules: Sequence[Rule]
    ends: Mapping[str, datetime]
    """Rule id -> first instant without."""
    answers: Mapping[str, datetime]
    """Question id -> first instant at which it is open no more."""


def approve(
    draft: Draft,
    changes: Sequence[Difference],
    *,
    signed_at: datetime,
    new_ids: Sequence[str],
    questions: Iterable[Question] = (),
) -> Approved:
    """The rules of the approved version. new_ids: one id a change. questions: those that are open."""
    begins = starts_at(draft.effective_at, signed_at)
    rules: list[Rule] = []
    ends: dict[str, datetime] = {}
    for change, rule_id in zip(changes, new_ids, strict=True):
        if change.change is Change.ANSWERED:
            continue
        if change.before is not None:
            ends[change.before.id] = begins
        if change.cell.methods:
            rules.append(
                Rule(
                    id=rule_id,
                    rule_version=1 if change.before is None else change.before.rule_version + 1,
                    matrix_version=draft.number,
                    source_kind=change.cell.source_kind,
                    source=change.cell.source,
                    item=change.cell.item,
                    methods=change.cell.methods,
                    interval_months=change.cell.interval_months,
                    pass_mark=change.cell.pass_mark,
                    valid_from=begins,
                    valid_to=None,
                    baseline=False,
                    recorded_at=signed_at,
                )
            )
    places = {(change.cell.source_kind, change.cell.source, change.cell.item) for change in changes}
    answers = {question.id: begins for question in questions if question.at in places}
    return Approved(rules, ends, answers)
