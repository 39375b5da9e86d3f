"""What a person holds on a version of an item at one instant: met, carried, equivalent (C-05 to C-12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from .clock import BEGINNING, FOREVER, TICK, Bound, add_months, covers, day_start, instant, local_day
from .facts import QUIZ, READ, Employment, Item, Record, Rule, Version, World


@dataclass(frozen=True)
class Credit:
    """`version` is the one that the records are on; `ends` None means never (C-09, C-13)."""

    kind: str
    version: str
    completed_at: datetime
    ends: datetime | None
    zone: str
    methods: tuple[tuple[str, Record], ...] = ()
    origins: frozenset[str] = frozenset()

    def valid(self, at: datetime) -> bool:
        return self.ends is None or at < self.ends


@dataclass(frozen=True)
class Obligation:
    """The union of the active sources: all methods, the shortest interval in months (C-05)."""

    methods: frozenset[str]
    months: int | None
    sources: tuple[tuple[str, str], ...]


def employment(world: World, person: str, at: datetime) -> Employment | None:
    """The employment spell that holds at `at`, wherever it is."""
    for spell in world.employments_of.get(person, []):
        if covers(spell.start, spell.end, world.zone(spell.place), at):
            return spell
    return None


def active_units(world: World, person: str, place: str | None, at: datetime) -> list[tuple[str, str]]:
    """The (level, unit) pairs that the person works in at `at`; `place` None means at any place."""
    employed = employment(world, person, at)
    if employed is None:
        return []
    units: list[tuple[str, str]] = []
    for spell in world.spells_of.get(person, []):
        where = spell.place or employed.place
        if place is not None and where != place:
            continue
        if covers(spell.start, spell.end, world.zone(where), at):
            units.append((spell.level, spell.unit))
    return units


def sources(
    world: World, person: str, item: str, place: str | None, at: datetime
) -> list[tuple[tuple[str, str], Rule]]:
    """The matrix rules that oblige the person at `at` (C-05), each with the unit it comes from."""
    found: list[tuple[tuple[str, str], Rule]] = []
    for level, unit in active_units(world, person, place, at):
        for rule in world.rules_of.get((level, unit, item), []):
            zone = _zone_at(world, person, place, at)
            if covers(rule.start, rule.end, zone, at):
                found.append(((level, unit), rule))
    return found


def obligation(world: World, person: str, item: str, place: str, at: datetime) -> Obligation | None:
    """What the person owes on the item at the place at `at`; None when no source is active."""
    found = sources(world, person, item, place, at)
    if not found:
        return None
    intervals = [rule.months for _, rule in found if rule.months is not None]
    return Obligation(
        methods=frozenset().union(*(rule.methods for _, rule in found)),
        months=min(intervals) if intervals else None,
        sources=tuple(sorted({unit for unit, _ in found})),
    )


def _zone_at(world: World, person: str, place: str | None, at: datetime) -> str:
    """The zone of the place where the person was; outside employment, that of the cell's place (C-09)."""
    employed = employment(world, person, at)
    if employed is not None:
        return world.zone(employed.place)
    assert place is not None
    return world.zone(place)


def at_place(versions: list[Version], place: str) -> list[Version]:
    return [version for version in versions if version.places is None or place in version.places]


def governing(world: World, item: str, place: str, at: datetime) -> Version | None:
    """The version that governs the item at the place at `at`, if any (C-06)."""
    zone = world.zone(place)
    retired = world.item_of.get(item, Item(item)).retired
    if retired is not None and at >= instant(retired, zone):
        return None
    candidates = [
        version
        for version in at_place(world.versions_of.get(item, []), place)
        if has_come(version, zone, at) and not is_over(version, zone, at)
    ]
    if not candidates:
        return None
    return max(candidates, key=lambda version: (effective_at(version, zone), version.rank))


def effective_at(version: Version, zone: str) -> datetime:
    return FOREVER if version.effective is None else instant(version.effective, zone)


def has_come(version: Version, zone: str, at: datetime) -> bool:
    return effective_at(version, zone) <= at


def is_over(version: Version, zone: str, at: datetime) -> bool:
    """Withdrawn, or a temporary version that has ended."""
    ends = [bound for bound in (version.withdrawn, version.ended) if bound is not None]
    return any(instant(bound, zone) <= at for bound in ends)


class Case:
    """One person, item and place, judged by the obligation of one instant (C-07)."""

    def __init__(self, world: World, person: str, item: str, place: str, at: datetime, owed: Obligation):
        self.world = world
        self.person = person
        self.item = item
        self.place = place
        self.zone = world.zone(place)
        self.owed = owed
        self.counts_from = self._counts_from(at)

    def _counts_from(self, at: datetime) -> datetime:
        """After a gap of more than 12 months in employment, earlier records do not count (AE-11)."""
        held = self.world.employments_of.get(self.person, [])
        spells = sorted(
            ((instant(spell.start, self.world.zone(spell.place)), spell) for spell in held),
            key=lambda pair: pair[0],
        )
        start = BEGINNING
        for (_, before), (began, after) in pairwise(spells):
            if began > at or before.end is None:
                continue
            zone = self.world.zone(after.place)
            left = local_day(instant(before.end, self.world.zone(before.place)), zone)
            if local_day(began, zone) > add_months(left, 12):
                start = began
        return start

    def records(self, item: str | None = None) -> list[Record]:
        found = self.world.records_of.get((self.person, item or self.item), [])
        return [record for record in found if record.completed_at >= self.counts_from]

    def pass_mark(self, record: Record) -> int:
        """The highest mark in force for the person at the attempt (C-05, R-68)."""
        key = (self.person, self.item, record.completed_at)
        if key not in self.world.memo:
            then = sources(self.world, self.person, self.item, None, record.completed_at)
            self.world.memo[key] = max((rule.pass_mark for _, rule in then), default=80)
        return self.world.memo[key]

    def passes(self, record: Record, method: str) -> bool:
        """Whether a record passes a method: one that it names, at the mark (C-08)."""
        if method not in record.methods or record.supervised:
            return False
        if record.origin == "MIGRATED" and not self.world.migrated_counts:
            return False
        if method != QUIZ:
            return True
        if record.score is None:
            return record.origin == "MIGRATED"
        return record.score >= self.pass_mark(record)

    def latest(
        self, version: str, methods: frozenset[str], at: datetime, item: str | None = None
    ) -> dict[str, Record]:
        """For each method the latest passing record on the version by `at` (C-08)."""
        found: dict[str, Record] = {}
        for record in self.records(item):
            if record.version != version or record.completed_at > at:
                continue
            for method in methods:
                if self.passes(record, method):
                    held = found.get(method)
                    if held is None or record.completed_at > held.completed_at:
                        found[method] = record
        return found

    def any_record(self, version: str, at: datetime) -> bool:
        """A passing record of at least one required method on the version (C-03 row 11)."""
        return bool(self.latest(version, self.owed.methods, at))

    def end_of(self, base: datetime, zone: str) -> datetime | None:
        """The instant at which a credit based on `base` no longer counts (C-09)."""
        if self.owed.months is None:
            return None
        return day_start(add_months(local_day(base, zone), self.owed.months) + timedelta(days=1), zone)

    def from_records(self, kind: str, version: str, by_method: dict[str, Record]) -> Credit:
        base = min(by_method.values(), key=lambda record: record.completed_at).completed_at
        zone = _zone_at(self.world, self.person, self.place, base)
        return Credit(
            kind=kind,
            version=version,
            completed_at=max(record.completed_at for record in by_method.values()),
            ends=self.end_of(base, zone),
            zone=zone,
            methods=tuple(sorted(by_method.items())),
            origins=frozenset(record.origin for record in by_method.values()),
        )

    def own(self, version: Version, at: datetime) -> Credit | None:
        """Every needed method has a passing record on this very version (C-08)."""
        found = self.latest(version.number, self.owed.methods, at)
        if set(found) != self.owed.methods:
            return None
        return self.from_records("OWN", version.number, found)

    def asked_again(self, version: Version) -> frozenset[str]:
        """The methods that holders of the version before must do on this one (R-45); empty: none."""
        if not version.voids:
            return frozenset()
        return (self.owed.methods & version.voids) or frozenset({READ})

    def renewed(self, version: Version, held: Credit, at: datetime) -> Credit | None:
        """The parts asked again are done on this version, the others keep their dates (R-45)."""
        asked = self.asked_again(version)
        done = self.latest(version.number, asked, at)
        if set(done) != asked:
            return None
        return self.from_records("OWN", version.number, dict(held.methods) | done)

    def inherited(self, version: Version, at: datetime) -> Credit | None:
        """The credit that the version before hands to this one at its effective instant (C-11, R-45)."""
        asked = self.asked_again(version)
        if asked >= self.owed.methods:
            return None
        before = effective_at(version, self.zone) - TICK
        previous = governing(self.world, self.item, self.place, before)
        if previous is None:
            return None
        held = self.best(previous, before)
        if held is None or not held.valid(before):
            return None
        if not asked:
            return Credit(
                "CARRIED", held.version, held.completed_at, held.ends, held.zone, held.methods, held.origins
            )
        return self.renewed(version, held, at) if held.methods else None

    def equivalents(self, version: Version, at: datetime) -> list[Credit]:
        """Credits by equivalence rules whose period has begun; a rule's end ends them (R-11, MX-15)."""
        found: list[Credit] = []
        for rule in self.world.equivalences:
            if rule.target != self.item or version.number not in rule.target_versions:
                continue
            begins = instant(rule.start, self.zone)
            if at < begins:
                continue
            # A record made after the rule has ended credits nothing, so the last look is inside it.
            seen = at if rule.end is None else min(at, instant(rule.end, self.zone) - TICK)
            for source_version in rule.source_versions:
                done = self.latest(source_version, self.owed.methods, seen, item=rule.source)
                if set(done) != self.owed.methods:
                    continue
                credit = self._cut(self.from_records("EQUIVALENCE", version.number, done), rule.end)
                if credit.valid(begins):
                    found.append(credit)
        return found

    def granted(self, version: Version, at: datetime) -> list[Credit]:
        """RPL, grandfathering and bootstrap credits (R-10, R-12, R-20)."""
        found: list[Credit] = []
        for grant in self.world.grants:
            if (grant.person, grant.item, grant.version) != (self.person, self.item, version.number):
                continue
            if not self.counts_from <= grant.granted_at <= at:
                continue
            zone = _zone_at(self.world, self.person, self.place, grant.granted_at)
            credit = Credit(
                grant.kind, version.number, grant.granted_at, self.end_of(grant.granted_at, zone), zone
            )
            found.append(self._cut(credit, grant.end))
        return found

    def _cut(self, credit: Credit, bound: Bound | None) -> Credit:
        if bound is None:
            return credit
        end = instant(bound, self.zone)
        if credit.ends is not None and credit.ends <= end:
            return credit
        return Credit(
            credit.kind, credit.version, credit.completed_at, end, self.zone, credit.methods, credit.origins
        )

    def direct(self, version: Version, at: datetime) -> list[Credit]:
        """The ways to have met a version fully, other than carrying from the one before."""
        own = self.own(version, at)
        found = [own] if own is not None else []
        return found + self.equivalents(version, at) + self.granted(version, at)

    def best(self, version: Version, at: datetime) -> Credit | None:
        """The credit for the version that ends last, its own at a tie; it may have lapsed (C-12)."""
        found = self.direct(version, at)
        inherited = self.inherited(version, at)
        if inherited is not None:
            found.append(inherited)
        if not found:
            return None
        return max(found, key=lambda credit: (credit.ends or FOREVER, credit.kind == "OWN"))

    def fully_met(self, version: Version, at: datetime) -> Credit | None:
        """The credit that makes a version fully met, carried ones left out (C-03 row 10)."""
        found = self.direct(version, at)
        inherited = self.inherited(version, at) if has_come(version, self.zone, at) else None
        if inherited is not None and inherited.kind != "CARRIED":
            found.append(inherited)
        if not found:
            return None
        return max(found, key=lambda credit: (credit.ends or FOREVER, credit.kind == "OWN"))
