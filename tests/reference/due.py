"""The open assignments of a cell at one instant: C-20 to C-24, by walking back from that instant.

A need that a coming change will raise (a shorter interval, a future role) is told from the instant
it is true, not from its announcement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from .clock import TICK, Bound, covers, day_start, instant, local_day
from .credits import Case, effective_at, employment, governing, has_come, is_over, obligation
from .facts import Employment, Fact, Shift, Version, World
from .model import edges, exempt, lead_start, next_version, order_satisfied, versions_here, waived_until

TIES = (
    "CAPA",
    "DEVIATION",
    "AUDIT_FINDING",
    "MOC",
    "STUDY_AMENDMENT",
    "REVISION",
    "NEW_HIRE",
    "ROLE_CHANGE",
    "RETURN_FROM_LEAVE",
    "MATRIX_CHANGE",
    "MATRIX_ENROLMENT",
    "RECURRENCE",
    "SELF",
    "MANUAL",
)


@dataclass(frozen=True)
class Due:
    """An open assignment; `since` is the start of its cycle, `due_at` None while it is PAUSED."""

    target: str
    trigger: str
    since: datetime
    due_at: datetime | None
    state: str = "OPEN"


@dataclass(frozen=True)
class Cause:
    trigger: str
    due_at: datetime


def due(world: World, person: str, item: str, place: str, at: datetime) -> list[Due]:
    """What is open on the cell at `at`: needs of the governing and next version, then orders."""
    at = at.astimezone(UTC)
    case = _case(world, person, item, place, at)
    if case is None:
        return []
    found: list[Due] = []
    for version in _targets(case, at):
        since = _since(case, version, at)
        if since is not None:
            found.append(_from_need(case, version, since, at))
    found += _recurrence(case, at)
    for order in world.orders:
        given = (order.person, order.item) == (person, item) and order.started_at <= at
        if given and not order_satisfied(case, order, at):
            started, by = order.started_at.astimezone(UTC), order.due_at.astimezone(UTC)
            found.append(Due(order.version, order.kind, started, *_paused(case, started, by, at)))
    return found


def _case(world: World, person: str, item: str, place: str, at: datetime) -> Case | None:
    owed = obligation(world, person, item, place, at)
    if owed is None or exempt(world, person, item, place, at):
        return None
    return Case(world, person, item, place, at, owed)


def _window_opens(case: Case, version: Version) -> datetime:
    opens = version.approved if version.window_opens is None else version.window_opens
    return max(instant(opens, case.zone), instant(version.approved, case.zone))


def _targets(case: Case, at: datetime) -> list[Version]:
    governs = governing(case.world, case.item, case.place, at)
    coming = next_version(case, at)
    if coming is not None and (not coming.voids or _window_opens(case, coming) > at):
        coming = None
    return [version for version in (governs, coming) if version is not None]


def _needs(case: Case, version: Version, at: datetime) -> bool:
    """Whether the version is owed and nothing meets it at `at`, judged by the obligation of then."""
    then = _case(case.world, case.person, case.item, case.place, at)
    if then is None or version not in _targets(then, at):
        return False
    governs = governing(case.world, case.item, case.place, at)
    credit = then.best(governs, at) if governs is not None else None
    holds = credit is not None and credit.valid(at)
    if version is governs:
        return not holds and waived_until(then, version, at) is None
    renewed = then.renewed(version, credit, at) if credit is not None and holds and credit.methods else None
    return not then.direct(version, at) and renewed is None


def _since(case: Case, version: Version, at: datetime) -> datetime | None:
    """The instant at which the need turned true and stayed so until `at` (C-24)."""
    if not _needs(case, version, at):
        return None
    since = None
    for edge in reversed([edge for edge in _edges(case) if edge <= at]):
        if not _needs(case, version, edge):
            break
        since = edge
    return since


def _edges(case: Case) -> list[datetime]:
    key = ("edges", case.person, case.item, case.place)
    if key not in case.world.memo:
        case.world.memo[key] = edges(case.world, case.person, case.item, case.place)
    return case.world.memo[key]


def _from_need(case: Case, version: Version, since: datetime, at: datetime) -> Due:
    cycle_of, since = _inherited(case, version, since)
    trigger, by = _trigger_and_due(case, cycle_of, since)
    opened = _announced_from(case, cycle_of, since) if trigger == "RECURRENCE" else since
    return Due(version.number, trigger, since, *_paused(case, opened, by, at))


def _announced_from(case: Case, version: Version, lapse: datetime) -> datetime:
    """A lapse is opened by its lead: a leave that ends between the two moves the due, too (C-22, C-24 b)."""
    credit = case.best(version, lapse)
    if credit is None or credit.ends != lapse:
        return lapse
    return lead_start(case.world, case.item, lapse, credit.zone)


def _inherited(case: Case, version: Version, since: datetime) -> tuple[Version, datetime]:
    """An editorial version takes over the open assignment of the one before, clock and all (R-74); so does the
    next editorial version, and so on."""
    if version.voids or since != effective_at(version, case.zone):
        return version, since
    old = governing(case.world, case.item, case.place, since - TICK)
    old_since = _since(case, old, since - TICK) if old is not None else None
    if old is None or old_since is None:
        return version, since
    return _inherited(case, old, old_since)


def _trigger_and_due(case: Case, version: Version, since: datetime) -> tuple[str, datetime]:
    """The first by the ties names the trigger; the earliest of all that apply is the due (C-21, C-24).

    A version still to come is due by its effective instant too, whatever opened the cycle (DEV's v4).
    """
    causes = list(_begun(case, version, since)) or [Cause("RECURRENCE", since)]
    dues = [cause.due_at for cause in causes]
    effective = effective_at(version, case.zone)
    if effective > since:
        dues.append(_before(case, effective, since))
    return min((cause.trigger for cause in causes), key=TIES.index), min(dues)


def _begun(case: Case, version: Version, since: datetime) -> Iterator[Cause]:
    world, zone = case.world, case.zone
    effective = effective_at(version, zone)
    others = [other for other in versions_here(case) if other is not version]
    if since in (_window_opens(case, version), effective):
        yield Cause("REVISION", _before(case, effective, since))
    elif any(is_over(other, zone, since) and not is_over(other, zone, since - TICK) for other in others):
        yield Cause("REVISION", since)
    elif any(has_come(other, zone, since) and not has_come(other, zone, since - TICK) for other in others):
        yield Cause("REVISION", _before(case, effective, since))

    thirty_days = _end_of_day_after(case, since, 30)
    hired = employment(world, case.person, since - TICK) is None
    for employed in world.employments_of.get(case.person, []):
        if _starts(employed.start, world.zone(employed.place), since):
            yield Cause("NEW_HIRE" if hired else "MATRIX_ENROLMENT", thirty_days)
    for spell in world.spells_of.get(case.person, []):
        rules = world.rules_of.get((spell.level, spell.unit, case.item), [])
        if rules and not hired and _starts(spell.start, zone, since):
            if spell.level == "job_function":
                yield Cause("ROLE_CHANGE", _announced(case, spell, since))
            else:
                yield Cause("MATRIX_ENROLMENT", thirty_days)
        if not covers(spell.start, spell.end, zone, since):
            continue
        for rule in rules:
            if rule.start is not None and _starts(rule.start, zone, since):
                yield Cause("MATRIX_CHANGE", _announced(case, rule, since))
    for exemption in world.exemptions:
        ours = (exemption.person, exemption.item) == (case.person, case.item)
        if ours and exemption.end is not None and _starts(exemption.end, zone, since):
            yield Cause("MATRIX_ENROLMENT", thirty_days)


def _starts(bound: Bound, zone: str, since: datetime) -> bool:
    return instant(bound, zone) == since


def _announced(case: Case, fact: Fact, start: datetime) -> datetime:
    """Last shift before the start; known only when it had started: end of that day + 30 (C-21)."""
    if fact.recorded_at < start:
        return _before(case, start, fact.recorded_at)
    return _end_of_day_after(case, fact.recorded_at, 30)


def _end_of_day_after(case: Case, at: datetime, days: int) -> datetime:
    return day_start(local_day(at, case.zone) + timedelta(days=days + 1), case.zone)


def _before(case: Case, limit: datetime, opened: datetime) -> datetime:
    """The end of the last shift that ends after `opened` and by `limit`; none: `limit` (C-20)."""
    employed = employment(case.world, case.person, max(opened, _hired(case, limit)))
    letter = employed.shift if employed is not None else ""
    shifts = [shift for shift in case.world.shifts if (shift.place, shift.letter) == (case.place, letter)]
    for shift in shifts:
        last = local_day(limit, case.zone)
        days = [last - timedelta(days=back) for back in range(3)]
        # A night shift that began on the eve of the hire is nobody's.
        ends = [_shift_end(shift, day, case.zone) for day in days if _works(employed, case, day)]
        ended = [end for end in ends if opened < end <= limit]
        if ended:
            return max(ended)
    return limit


def _works(employed: Employment | None, case: Case, day: date) -> bool:
    """Hers from the spell's first day on; what lies after its last concerns nobody, all is closed then."""
    if employed is None:
        return False
    return covers(employed.start, None, case.world.zone(employed.place), day_start(day, case.zone))


def _hired(case: Case, limit: datetime) -> datetime:
    """The latest start of employment by `limit`: a shift is that of the spell in which one works."""
    starts = [
        instant(spell.start, case.world.zone(spell.place))
        for spell in case.world.employments_of.get(case.person, [])
    ]
    return max((start for start in starts if start <= limit), default=limit)


def _shift_end(shift: Shift, day: date, zone: str) -> datetime:
    """When the shift that starts on the local `day` ends."""
    overnight = shift.ends <= shift.starts
    end_day = day + timedelta(days=1) if overnight else day
    return datetime.combine(end_day, shift.ends, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _recurrence(case: Case, at: datetime) -> list[Due]:
    """A lapse is announced by its lead, unless the next version takes effect by then (C-24, R-73)."""
    governs = governing(case.world, case.item, case.place, at)
    credit = case.best(governs, at) if governs is not None else None
    if governs is None or credit is None or credit.ends is None or not credit.valid(at):
        return []
    opened = lead_start(case.world, case.item, credit.ends, credit.zone)
    if at < opened:
        return []
    for coming in _targets(case, at):
        if coming is not governs and effective_at(coming, case.zone) <= credit.ends:
            return []
    since = credit.ends
    return [Due(governs.number, "RECURRENCE", since, *_paused(case, opened, since, at))]


def _paused(case: Case, since: datetime, by: datetime, at: datetime) -> tuple[datetime | None, str]:
    """On leave no due date and PAUSED; after it not before the end of (return day + 7) (C-22)."""
    for leave in case.world.leaves_of.get(case.person, []):
        if covers(leave.start, leave.end, case.zone, at):
            return None, "PAUSED"
        if leave.end is not None:
            back = instant(leave.end, case.zone)
            if since < back <= at:
                by = max(by, _end_of_day_after(case, back, 7))
    return by, "OPEN"
