"""Whether a person may do a regulated task (C-27): the worst verdict over its cells, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from .qualification import cell_at
from .timeline import Segment
from .vocabulary import Method, Status, Verdict

_RANK = {Verdict.ALLOW: 0, Verdict.ALLOW_WITH_CONDITION: 1, Verdict.DENY: 2, Verdict.NONE: 2}


class ItemReason(NamedTuple):
    """Why not simply ALLOW: the item, or "" for the task as a whole, a code, and the id it speaks of."""

    item: str
    code: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class ActiveSpell:
    """A stretch ``[start, end)`` of instants over which a function, equipment or overlay is held."""

    code: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A regulated task: its function, None: any; its items; its equipment, empty: any."""

    task: str
    items: tuple[str, ...]
    job_function: str | None = None
    equipment: frozenset[str] = frozenset()
    active: bool = True


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The supervisor: cells by item and place, and spells of the overlay TRN (AE-20)."""

    person: str
    cells: Mapping[str, Mapping[str, Sequence[Segment]]]
    trainer_spells: tuple[ActiveSpell, ...]


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """All that one check reads.

    ``task`` None: unknown. ``cells``: timelines by item and place, narrowed to the site that was asked for.
    ``items``: further items, asked for by name or required of the person by the asset (MX-03), which
    requires more from the instants ``further_from`` on. ``unknown_items`` are in the task but not known.
    ``asset_known`` None: no asset was named. ``watermarks``: by input, until when it is complete.
    """

    person: str
    person_known: bool
    task: TaskFacts | None
    cells: Mapping[str, Mapping[str, Sequence[Segment]]]
    functions: tuple[ActiveSpell, ...] = ()
    equipment: tuple[ActiveSpell, ...] = ()
    asset: str | None = None
    asset_known: bool | None = None
    items: tuple[str, ...] = ()
    further_from: tuple[datetime, ...] = ()
    unknown_items: frozenset[str] = frozenset()
    supervisor: Supervisor | None = None
    open_ojt: frozenset[str] = frozenset()
    watermarks: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. ``reasons`` by (item, code); ``conditions`` under which ALLOW_WITH_CONDITION holds;
    ``governing`` the version per item and place; ``valid_until`` the first instant at which the verdict may
    stop being what it is by facts known now, None for DENY or when there is none."""

    verdict: Verdict
    reasons: tuple[ItemReason, ...]
    conditions: tuple[str, ...]
    governing: Mapping[str, Mapping[str, int | None]]
    valid_until: datetime | None


def decide(
    facts: CheckFacts, at: datetime, now: datetime, max_staleness: timedelta = timedelta(minutes=10)
) -> Decision:
    """Decide one check at ``at``; ``now`` is only compared with the watermarks (law 7).

    It fails closed: anything unknown, no active spell, an item that is not owed, and an input that is
    older than ``max_staleness`` are DENY.
    """
    reasons = _preconditions(facts, at)
    for name, watermark in facts.watermarks.items():
        if now - watermark > max_staleness:
            reasons.append(ItemReason("", "STORE_STALE", name))
    worst = Verdict.DENY if reasons else Verdict.ALLOW
    conditions: list[str] = []
    governing: dict[str, dict[str, int | None]] = {}
    ends: list[datetime] = []
    if facts.task is not None and facts.person_known:
        for item in sorted({*facts.task.items, *facts.items}):
            if item in facts.unknown_items:
                reasons.append(ItemReason(item, "ITEM_UNKNOWN"))
                worst = Verdict.DENY
                continue
            verdict = _item(facts, item, at, reasons, conditions, governing, ends)
            if _RANK[verdict] > _RANK[worst]:
                worst = verdict
    until: datetime | None = None
    if worst is not Verdict.DENY and facts.task is not None:
        if facts.task.job_function is not None:
            ends += _end_of_spell(facts.functions, facts.task.job_function, at)
        if facts.asset is not None:
            ends += _end_of_spell(facts.equipment, facts.asset, at)
        until = min([*ends, *facts.further_from], default=None)
    return Decision(
        worst,
        tuple(sorted(set(reasons), key=lambda reason: (reason.item, reason.code, reason.detail or ""))),
        tuple(sorted(set(conditions))) if worst is Verdict.ALLOW_WITH_CONDITION else (),
        governing,
        until,
    )


def _preconditions(facts: CheckFacts, at: datetime) -> list[ItemReason]:
    reasons: list[ItemReason] = []
    task = facts.task
    if not facts.person_known:
        reasons.append(ItemReason("", "PERSON_UNKNOWN"))
    if task is None:
        reasons.append(ItemReason("", "TASK_UNKNOWN"))
        return reasons
    if not task.active:
        reasons.append(ItemReason("", "TASK_NOT_ACTIVE", task.task))
    if not task.items and not facts.items:
        reasons.append(ItemReason("", "TASK_WITHOUT_ITEMS", task.task))
    if facts.asset is not None and not facts.asset_known:
        reasons.append(ItemReason("", "ASSET_UNKNOWN", facts.asset))
    elif facts.asset is not None and task.equipment and facts.asset not in task.equipment:
        reasons.append(ItemReason("", "ASSET_NOT_OF_TASK", facts.asset))
    if not facts.person_known:
        return reasons
    if task.job_function is not None and not _held(facts.functions, task.job_function, at):
        reasons.append(ItemReason("", "NO_ACTIVE_SPELL", task.job_function))
    if facts.asset is not None and facts.asset_known and not _held(facts.equipment, facts.asset, at):
        reasons.append(ItemReason("", "NO_ACTIVE_SPELL", facts.asset))
    return reasons


def _held(spells: Sequence[ActiveSpell], code: str, at: datetime) -> bool:
    return any(
        spell.code == code and spell.start <= at and (spell.end is None or at < spell.end) for spell in spells
    )


def _end_of_spell(spells: Sequence[ActiveSpell], code: str, at: datetime) -> list[datetime]:
    """When the spell is held no longer; spells that follow each other without a gap are one."""
    until = at
    for spell in sorted((spell for spell in spells if spell.code == code), key=lambda spell: spell.start):
        if spell.start <= until:
            if spell.end is None:
                return []
            until = max(until, spell.end)
    return [until]


def _item(
    facts: CheckFacts,
    item: str,
    at: datetime,
    reasons: list[ItemReason],
    conditions: list[str],
    governing: dict[str, dict[str, int | None]],
    ends: list[datetime],
) -> Verdict:
    """The worst verdict over the places at which the item is owed; owed nowhere: DENY."""
    places = facts.cells.get(item, {})
    worst = Verdict.ALLOW
    owed = False
    for place in sorted(places):
        timeline = places[place]
        segment = cell_at(timeline, at)
        if segment.status is Status.NOT_REQUIRED:
            # The cell of a former place; it matters again from the instant at which it is owed there.
            ends += _first_worse(timeline, at, {Verdict.ALLOW, Verdict.NONE})
            continue
        owed = True
        governing.setdefault(item, {})[place] = segment.governing_version
        verdict = segment.verdict
        if verdict is Verdict.DENY and _may_be_supervised(facts, item, segment, at):
            verdict = Verdict.ALLOW_WITH_CONDITION
        if segment.status is Status.SUPERVISED_ONLY and not _supervised(facts, item, at):
            verdict = Verdict.DENY
        if verdict is not Verdict.ALLOW:
            reasons.extend(
                ItemReason(item, segment.status.value, _detail(reason)) for reason in segment.reasons
            )
        if verdict is Verdict.ALLOW_WITH_CONDITION:
            waived = segment.status is Status.WAIVED
            conditions.append(
                f"{item}: waiver {segment.reasons[0].detail}"
                if waived
                else f"{item}: supervised by {facts.supervisor.person if facts.supervisor else ''}"
            )
            ends += [] if segment.end is None else [segment.end]
            if not waived and facts.supervisor is not None:
                ends += _end_of_supervision(facts.supervisor, item, at)
        else:
            ends += _first_worse(timeline, at, {Verdict.ALLOW})
        if _RANK[verdict] > _RANK[worst]:
            worst = verdict
    if not owed:
        reasons.append(ItemReason(item, "NOT_OBLIGED"))
        return Verdict.DENY
    return worst


def _detail(reason: tuple[str, str | None]) -> str:
    code, detail = reason
    return code if detail is None else f"{code}:{detail}"


def _first_worse(timeline: Sequence[Segment], at: datetime, good: set[Verdict]) -> list[datetime]:
    for segment in timeline:
        if (segment.end is None or segment.end > at) and segment.verdict not in good:
            return [segment.start] if segment.start > at else []
    return []


def _supervised(facts: CheckFacts, item: str, at: datetime) -> bool:
    """Another person, ALLOW on the item wherever it is owed, and a trainer (AE-20)."""
    supervisor = facts.supervisor
    if supervisor is None or supervisor.person == facts.person:
        return False
    trainer = any(
        spell.start <= at and (spell.end is None or at < spell.end) for spell in supervisor.trainer_spells
    )
    segments = [cell_at(timeline, at) for timeline in supervisor.cells.get(item, {}).values()]
    verdicts = {segment.verdict for segment in segments} - {Verdict.NONE}
    return trainer and verdicts == {Verdict.ALLOW}


def _end_of_supervision(supervisor: Supervisor, item: str, at: datetime) -> list[datetime]:
    """When the supervisor may supervise no longer: no trainer any more, or not ALLOW where the item is owed."""
    ends: list[datetime] = []
    for code in {spell.code for spell in supervisor.trainer_spells}:
        ends += _end_of_spell(supervisor.trainer_spells, code, at)
    for timeline in supervisor.cells.get(item, {}).values():
        owed = cell_at(timeline, at).verdict is not Verdict.NONE
        ends += _first_worse(timeline, at, {Verdict.ALLOW} if owed else {Verdict.ALLOW, Verdict.NONE})
    return ends


def _may_be_supervised(facts: CheckFacts, item: str, segment: Segment, at: datetime) -> bool:
    """INCOMPLETE with open OJT: nothing but the on-the-job part is missing, and it is being assessed."""
    if segment.status is not Status.INCOMPLETE or item not in facts.open_ojt:
        return False
    missing = {reason.detail for reason in segment.reasons if reason.code == "METHOD_MISSING"}
    return missing == {Method.O.value} and _supervised(facts, item, at)
