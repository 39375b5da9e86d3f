"""The slow reference of the qualification cell: C-01 to C-14, asked at one instant.

It knows no timelines: every question starts from the facts again. It shares no code with the
programs that it judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

from .clock import BEGINNING, FOREVER, Bound, add_months, covers, day_start, instant, local_day
from .credits import (
    Case,
    Credit,
    active_units,
    at_place,
    effective_at,
    governing,
    has_come,
    is_over,
    obligation,
    sources,
)
from .facts import OJT, Item, Order, Version, World

VERDICTS = {
    "NOT_REQUIRED": "NONE",
    "SUSPENDED": "DENY",
    "IN_WINDOW": "ALLOW",
    "EXPIRING": "ALLOW",
    "CARRIED_FORWARD": "ALLOW",
    "QUALIFIED": "ALLOW",
    "WAIVED": "ALLOW_WITH_CONDITION",
    "SUPERVISED_ONLY": "ALLOW_WITH_CONDITION",
    "LAPSED": "DENY",
    "SUPERSEDED": "DENY",
    "INCOMPLETE": "DENY",
    "NEVER_TRAINED": "DENY",
}


@dataclass(frozen=True)
class Row:
    """One cell at one instant; instants are in UTC, absent values None (C-03, C-04, C-13)."""

    status: str
    verdict: str
    governing_version: str | None = None
    completed_version: str | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    flags: tuple[str, ...] = ()


def cell(world: World, person: str, item: str, place: str, at: datetime) -> Row:
    """The cell of a person, an item and a place at an instant, by the facts in `world`.

    Ask `as_known(world, known_at)` for an earlier record time. A person whom the world does not
    hold is NOT_REQUIRED.
    """
    at = at.astimezone(UTC)
    unresolved = _unresolved(world, person, item, place, at)
    owed = obligation(world, person, item, place, at)
    governs = governing(world, item, place, at)
    if owed is None or governs is None or exempt(world, person, item, place, at):
        return Row("NOT_REQUIRED", "NONE", flags=unresolved)

    case = Case(world, person, item, place, at, owed)
    credit = case.best(governs, at)
    in_window = _in_window(case, governs, credit, at)
    expiring = _expiring(world, item, credit, at)
    partial = _partial(case, at)
    superseded_by = _superseded(case, governs, at)

    flags = set(unresolved)
    if in_window:
        flags.add("IN_WINDOW")
    if expiring:
        flags.add("EXPIRING")
    if credit is not None and credit.valid(at) and credit.kind == "CARRIED":
        flags.add("CARRIED_FORWARD")
    if partial and credit is None and superseded_by is None:
        flags.add("INCOMPLETE")
    if _pretrained(case, at):
        flags.add("PRETRAINED_NEXT")
    rests_on = credit or superseded_by
    if rests_on is not None:
        flags |= rests_on.origins & {"MIGRATED", "LATE_ENTRY"}
        flags |= {rests_on.kind} & {"GRANDFATHERED"}

    def row(status: str, rests: Credit | None, expires: datetime | None, version: str | None = None) -> Row:
        return Row(
            status=status,
            verdict=VERDICTS[status],
            governing_version=governs.number,
            completed_version=version or (rests.version if rests else None),
            completed_at=rests.completed_at if rests else None,
            expires_at=expires,
            flags=tuple(sorted(flags - {status})),
        )

    ends = credit.ends if credit is not None else None
    if _suspended(case, governs, at):
        return row("SUSPENDED", credit, ends)
    if credit is not None and credit.valid(at):
        if in_window:
            return row("IN_WINDOW", credit, ends)
        if expiring:
            return row("EXPIRING", credit, ends)
        if credit.kind == "CARRIED":
            return row("CARRIED_FORWARD", credit, ends)
        return row("QUALIFIED", credit, ends)
    waiver_ends = waived_until(case, governs, at)
    if waiver_ends is not None:
        return row("WAIVED", None, waiver_ends)
    supervised = _supervised(case, governs, at)
    if supervised is not None:
        return row("SUPERVISED_ONLY", supervised, supervised.ends)
    if credit is not None:
        return row("LAPSED", credit, ends)
    if superseded_by is not None:
        return row("SUPERSEDED", superseded_by, None)
    if partial:
        return row("INCOMPLETE", None, None)
    return row("NEVER_TRAINED", None, None)


def _unresolved(world: World, person: str, item: str, place: str, at: datetime) -> tuple[str, ...]:
    if not world.unresolved:
        return ()
    units = active_units(world, person, place, at)
    return ("MATRIX_UNRESOLVED",) if any((*unit, item) in world.unresolved for unit in units) else ()


def exempt(world: World, person: str, item: str, place: str, at: datetime) -> bool:
    zone = world.zone(place)
    return any(
        (fact.person, fact.item) == (person, item) and covers(fact.start, fact.end, zone, at)
        for fact in world.exemptions
    )


def next_version(case: Case, at: datetime) -> Version | None:
    """The version that will govern next: the earliest effective one still to come, gated ones last."""
    coming = [version for version in versions_here(case) if _to_come(version, case, at)]
    return min(coming, key=lambda version: (effective_at(version, case.zone), version.rank), default=None)


def versions_here(case: Case) -> list[Version]:
    return at_place(case.world.versions_of.get(case.item, []), case.place)


def _to_come(version: Version, case: Case, at: datetime) -> bool:
    approved = instant(version.approved, case.zone) <= at
    return approved and not has_come(version, case.zone, at) and not is_over(version, case.zone, at)


def _in_window(case: Case, governs: Version, credit: Credit | None, at: datetime) -> bool:
    """C-03 row 3."""
    if credit is None or not credit.valid(at):
        return False
    coming = next_version(case, at)
    if coming is None or not coming.voids:
        return False
    opens = coming.approved if coming.window_opens is None else coming.window_opens
    if instant(opens, case.zone) > at:
        return False
    met = case.direct(coming, at) or (credit.methods and case.renewed(coming, credit, at))
    return not met


def _expiring(world: World, item: str, credit: Credit | None, at: datetime) -> bool:
    """C-03 row 4: from the start of the local day (last valid day - lead)."""
    if credit is None or credit.ends is None or not credit.valid(at):
        return False
    return at >= lead_start(world, item, credit.ends, credit.zone)


def lead_start(world: World, item: str, ends: datetime, zone: str) -> datetime:
    lead = world.item_of.get(item, Item(item)).lead_days
    last_valid_day = local_day(ends - timedelta(microseconds=1), zone)
    return day_start(last_valid_day - timedelta(days=lead), zone)


def _superseded(case: Case, governs: Version, at: datetime) -> Credit | None:
    """C-03 row 10: the highest other version, governing no longer, that was fully met."""
    for version in sorted(versions_here(case), key=lambda version: version.rank, reverse=True):
        if version is governs:
            continue
        if has_come(version, case.zone, at) or is_over(version, case.zone, at):
            met = case.fully_met(version, at)
            if met is not None:
                return met
    return None


def _partial(case: Case, at: datetime) -> bool:
    """C-03 row 11: something passed on a version that governs or governed."""
    return any(
        has_come(version, case.zone, at) and case.any_record(version.number, at)
        for version in versions_here(case)
    )


def _pretrained(case: Case, at: datetime) -> bool:
    """C-03 row 12 speaks of records on a version still to come, not of all that it will need."""
    return any(
        _to_come(version, case, at) and case.any_record(version.number, at) for version in versions_here(case)
    )


def _suspended(case: Case, governs: Version, at: datetime) -> bool:
    """C-03 row 2: leave, hold or restriction, retraining overdue."""
    world, person, item, zone = case.world, case.person, case.item, case.zone
    if any(covers(leave.start, leave.end, zone, at) for leave in world.leaves_of.get(person, [])):
        return True
    for hold in world.holds:
        concerned = hold.person == person and (hold.items is None or item in hold.items)
        if concerned and covers(hold.start, hold.end, zone, at):
            return True
    return any(_order_suspends(case, order, at) for order in world.orders)


def _order_suspends(case: Case, order: Order, at: datetime) -> bool:
    """R-72: from its due instant (or at once) until a record satisfies it."""
    if (order.person, order.item) != (case.person, case.item) or order.suspend == "never":
        return False
    since = order.started_at if order.suspend == "now" else order.due_at
    return at >= since and not order_satisfied(case, order, at)


def order_satisfied(case: Case, order: Order, at: datetime) -> bool:
    """R-26: done after the start, on the version named or a later one that governed or was next then."""
    versions = versions_here(case)
    named = next((version.rank for version in versions if version.number == order.version), ())
    for version in versions:
        if version.rank < named or (order.this_version_only and version.number != order.version):
            continue
        done = {
            method
            for record in case.records()
            if record.version == version.number and order.started_at < record.completed_at <= at
            for method in case.owed.methods
            if case.passes(record, method) and _current(case, version, record.completed_at)
        }
        if done == case.owed.methods:
            return True
    return False


def _current(case: Case, version: Version, at: datetime) -> bool:
    governs = governing(case.world, case.item, case.place, at)
    return version in (governs, next_version(case, at))


def waived_until(case: Case, governs: Version, at: datetime) -> datetime | None:
    """The end of a valid waiver; it is written for one version and ends with it (AE-12)."""
    ends = [
        instant(waiver.end, case.zone)
        for waiver in case.world.waivers
        if (waiver.person, waiver.item, waiver.version) == (case.person, case.item, governs.number)
        and covers(waiver.start, waiver.end, case.zone, at)
    ]
    return max(ends, default=None)


def _supervised(case: Case, governs: Version, at: datetime) -> Credit | None:
    """C-03 row 8: OJT signed at level supervised on the governing version, other methods met."""
    if OJT not in case.owed.methods:
        return None
    others = case.latest(governs.number, case.owed.methods - {OJT}, at)
    if set(others) != case.owed.methods - {OJT}:
        return None
    signed = [
        record
        for record in case.records()
        if record.version == governs.number
        and record.supervised
        and OJT in record.methods
        and record.completed_at <= at
    ]
    if not signed:
        return None
    ojt = max(signed, key=lambda record: record.completed_at)
    credit = case.from_records("SUPERVISED", governs.number, others | {OJT: ojt})
    return credit if credit.valid(at) else None


def all_cells(world: World) -> Iterator[tuple[str, str, str]]:
    """Every (person, item, place) that any source obliges at some instant, in that order."""
    for person in sorted(world.employments_of):
        found: set[tuple[str, str]] = set()
        employments = world.employments_of[person]
        for spell in world.spells_of.get(person, []):
            for item in world.items_of_unit.get((spell.level, spell.unit), ()):
                places = [spell.place] if spell.place else [employed.place for employed in employments]
                for place in places:
                    if (item, place) not in found and _ever_obliged(world, person, item, place):
                        found.add((item, place))
        for item, place in sorted(found):
            yield person, item, place


def questioned_cells(world: World) -> Iterator[tuple[str, str, str]]:
    """Every (person, item, place) of which an unreadable matrix cell leaves open, at some instant, whether it is
    required (C-34)."""
    for person in sorted(world.employments_of):
        for spell in world.spells_of.get(person, []):
            for level, unit, item in sorted(world.unresolved):
                if (level, unit) != (spell.level, spell.unit):
                    continue
                for place in sorted({spell.place or one.place for one in world.employments_of[person]}):
                    if any(
                        _unresolved(world, person, item, place, at)
                        for at in edges(world, person, item, place)
                    ):
                        yield person, item, place


def _ever_obliged(world: World, person: str, item: str, place: str) -> bool:
    """An obligation begins where one of its conditions begins, so only those instants are asked."""
    zone = world.zone(place)
    starts: set[datetime] = set()
    for spell in world.spells_of.get(person, []):
        starts.add(instant(spell.start, zone))
        for rule in world.rules_of.get((spell.level, spell.unit, item), []):
            starts.add(BEGINNING if rule.start is None else instant(rule.start, zone))
    for employed in world.employments_of.get(person, []):
        starts.add(instant(employed.start, world.zone(employed.place)))
    return any(sources(world, person, item, place, at) for at in sorted(starts))


def edges(world: World, person: str, item: str, place: str) -> list[datetime]:
    """All instants (UTC, sorted) at which the answer of the cell could change; some will not."""
    zones = {world.zone(place)} | {world.zone(spell.place) for spell in world.employments_of.get(person, [])}
    bounds: set[Bound | None] = set()
    months: set[int | None] = {None}
    for fact in (*world.employments_of.get(person, []), *world.leaves_of.get(person, [])):
        bounds |= {fact.start, fact.end}
    for spell in world.spells_of.get(person, []):
        rules = world.rules_of.get((spell.level, spell.unit, item), [])
        if rules or (spell.level, spell.unit, item) in world.unresolved:
            bounds |= {spell.start, spell.end}
        for rule in rules:
            bounds |= {rule.start, rule.end}
            months.add(rule.months)
    for version in at_place(world.versions_of.get(item, []), place):
        bounds |= {
            version.approved,
            version.window_opens,
            version.effective,
            version.ended,
            version.withdrawn,
        }
    bounds.add(world.item_of.get(item, Item(item)).retired)
    for fact in (*world.waivers, *world.exemptions):
        if (fact.person, fact.item) == (person, item):
            bounds |= {fact.start, fact.end}
    for hold in world.holds:
        if hold.person == person:
            bounds |= {hold.start, hold.end}
    for order in world.orders:
        if (order.person, order.item) == (person, item):
            bounds |= {order.started_at, order.due_at}

    cuts: set[Bound] = set()
    bases = {record.completed_at for record in world.records_of.get((person, item), [])}
    for rule in world.equivalences:
        if rule.target == item:
            bases |= {record.completed_at for record in world.records_of.get((person, rule.source), [])}
            bounds.add(rule.start)
            cuts |= {rule.end} if rule.end is not None else set()
    for grant in world.grants:
        if (grant.person, grant.item) == (person, item):
            bases.add(grant.granted_at)
            cuts |= {grant.end} if grant.end is not None else set()

    found = set(bases)
    for zone in zones:
        found |= {instant(bound, zone) for bound in bounds if bound is not None}
        ends = {instant(bound, zone) for bound in cuts}
        for base, interval in product(bases, months):
            if interval is not None:
                ends.add(day_start(add_months(local_day(base, zone), interval) + timedelta(days=1), zone))
        found |= ends | {lead_start(world, item, end, zone) for end in ends}
    return sorted({at.astimezone(UTC) for at in found if BEGINNING < at < FOREVER})
