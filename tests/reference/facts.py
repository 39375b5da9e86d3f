"""The facts from which a qualification cell follows, as plain immutable values.

A `World` may be loaded from a plant's files or written by hand. Every fact has a record time;
`as_known` leaves what the system knew at an instant (C-14).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import cached_property
from typing import Any

from .clock import BEGINNING, Bound

READ, QUIZ, OJT = "read", "quiz", "ojt"
ALL_METHODS = frozenset({READ, QUIZ, OJT})
NO_TRAINING: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Known from `recorded_at` until `retracted_at` (replaced, or marked as entered in error)."""

    recorded_at: datetime = BEGINNING
    retracted_at: datetime | None = None


@dataclass(frozen=True)
class Place:
    code: str
    zone: str


@dataclass(frozen=True)
class Shift:
    """Local wall-clock times; one that ends at or before its start passes midnight."""

    place: str
    letter: str
    starts: time
    ends: time


@dataclass(frozen=True)
class Item:
    """`lead_days`: calendar days before the last valid day from which a credit is expiring (C-03 row 4)."""

    code: str
    lead_days: int = 30
    retired: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class Version(Fact):
    """`voids`: the methods that its training decision asks again; empty means decision `none` (R-45).

    `effective` is None while the release is gated; `window_opens` None means with the approval;
    `places` None means every place.
    """

    item: str
    number: str
    approved: Bound
    effective: Bound | None
    window_opens: Bound | None = None
    voids: frozenset[str] = ALL_METHODS
    places: frozenset[str] | None = None
    ended: Bound | None = None
    withdrawn: Bound | None = None

    @property
    def rank(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.number.split("."))


@dataclass(frozen=True, kw_only=True)
class Employment(Fact):
    """`shift` is a letter of the place's shifts; empty means that nothing is rostered (C-20)."""

    person: str
    place: str
    start: Bound
    end: Bound | None = None
    shift: str = ""


@dataclass(frozen=True, kw_only=True)
class Spell(Fact):
    """A person's time in a unit of a matrix level; `place` None follows the employment."""

    person: str
    level: str
    unit: str
    start: Bound
    end: Bound | None = None
    place: str | None = None


@dataclass(frozen=True, kw_only=True)
class Leave(Fact):
    person: str
    start: Bound
    end: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class Rule(Fact):
    """A cell of the matrix; `months` None means no recurrence, `pass_mark` in percent."""

    level: str
    unit: str
    item: str
    methods: frozenset[str]
    months: int | None = None
    pass_mark: int = 80
    start: Bound | None = None
    end: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class Record(Fact):
    """A training record. `completed_at` is when it is valid from (for a late entry: the ink signature).

    `origin`: NATIVE, MIGRATED or LATE_ENTRY. `supervised` marks an OJT that allows work under
    supervision only.
    """

    person: str
    item: str
    version: str
    completed_at: datetime
    methods: frozenset[str]
    score: int | None = None
    origin: str = "NATIVE"
    supervised: bool = False
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Grant(Fact):
    """A credit without records: RPL, GRANDFATHERED or BOOTSTRAP; runs from `granted_at`."""

    person: str
    item: str
    version: str
    kind: str
    granted_at: datetime
    end: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class Equivalence(Fact):
    """Records on `source_versions` of `source` credit `target_versions` of `target` (R-11)."""

    source: str
    source_versions: frozenset[str]
    target: str
    target_versions: frozenset[str]
    start: Bound
    end: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class Waiver(Fact):
    person: str
    item: str
    version: str
    start: Bound
    end: Bound


@dataclass(frozen=True, kw_only=True)
class Exemption(Fact):
    person: str
    item: str
    start: Bound
    end: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class Hold(Fact):
    """A hold or a restriction; `items` None means everything the person does."""

    person: str
    items: frozenset[str] | None
    start: Bound
    end: Bound | None = None
    reason: str = "HOLD"


@dataclass(frozen=True, kw_only=True)
class Order(Fact):
    """A retraining order. `suspend`: `at_due`, `now` or `never` (R-72). `kind` is its trigger."""

    person: str
    item: str
    version: str
    started_at: datetime
    due_at: datetime
    kind: str = "CAPA"
    suspend: str = "at_due"
    this_version_only: bool = False


@dataclass(frozen=True)
class World:
    """Everything that is true; `unresolved` names (level, unit, item) whose matrix cell was refused."""

    places: tuple[Place, ...] = ()
    shifts: tuple[Shift, ...] = ()
    items: tuple[Item, ...] = ()
    versions: tuple[Version, ...] = ()
    employments: tuple[Employment, ...] = ()
    spells: tuple[Spell, ...] = ()
    leaves: tuple[Leave, ...] = ()
    rules: tuple[Rule, ...] = ()
    records: tuple[Record, ...] = ()
    grants: tuple[Grant, ...] = ()
    equivalences: tuple[Equivalence, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    holds: tuple[Hold, ...] = ()
    orders: tuple[Order, ...] = ()
    unresolved: frozenset[tuple[str, str, str]] = frozenset()
    migrated_counts: bool = True
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def zone(self, place: str) -> str:
        return self.zones[place]

    @cached_property
    def zones(self) -> dict[str, str]:
        return {place.code: place.zone for place in self.places}

    @cached_property
    def item_of(self) -> dict[str, Item]:
        return {item.code: item for item in self.items}

    @cached_property
    def versions_of(self) -> dict[str, list[Version]]:
        return _grouped(self.versions, lambda fact: fact.item)

    @cached_property
    def employments_of(self) -> dict[str, list[Employment]]:
        return _grouped(self.employments, lambda fact: fact.person)

    @cached_property
    def spells_of(self) -> dict[str, list[Spell]]:
        return _grouped(self.spells, lambda fact: fact.person)

    @cached_property
    def leaves_of(self) -> dict[str, list[Leave]]:
        return _grouped(self.leaves, lambda fact: fact.person)

    @cached_property
    def rules_of(self) -> dict[tuple[str, str, str], list[Rule]]:
        return _grouped(self.rules, lambda fact: (fact.level, fact.unit, fact.item))

    @cached_property
    def items_of_unit(self) -> dict[tuple[str, str], set[str]]:
        units: dict[tuple[str, str], set[str]] = defaultdict(set)
        for rule in self.rules:
            units[rule.level, rule.unit].add(rule.item)
        return units

    @cached_property
    def records_of(self) -> dict[tuple[str, str], list[Record]]:
        return _grouped(self.records, lambda fact: (fact.person, fact.item))


def _grouped[F, K](facts: Iterable[F], key: Callable[[F], K]) -> dict[K, list[F]]:
    groups: dict[K, list[F]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return groups


def as_known(world: World, known_at: datetime) -> World:
    """The world of the facts that were recorded by `known_at` and not yet retracted then (C-14)."""

    def known[F: Fact](facts: tuple[F, ...]) -> tuple[F, ...]:
        return tuple(
            fact
            for fact in facts
            if fact.recorded_at <= known_at and (fact.retracted_at is None or known_at < fact.retracted_at)
        )

    return replace(
        world,
        versions=known(world.versions),
        employments=known(world.employments),
        spells=known(world.spells),
        leaves=known(world.leaves),
        rules=known(world.rules),
        records=known(world.records),
        grants=known(world.grants),
        equivalences=known(world.equivalences),
        waivers=known(world.waivers),
        exemptions=known(world.exemptions),
        holds=known(world.holds),
        orders=known(world.orders),
        memo={},
    )
