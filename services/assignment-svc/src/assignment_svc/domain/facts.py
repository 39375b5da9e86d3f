"""The facts of one cell: what the rules read, and nothing else.

Instants are aware ``datetime`` values in UTC with microseconds; local days are ``date`` values, half-open
``[start, end)`` (C-02). The caller chooses the facts by record time (C-14): everything in here is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from plantkit.governing import Timeline, VersionAtPlace
from plantkit.time import end_of_day, local_date

from .vocabulary import (
    Basis,
    Method,
    SourceClass,
    SuspendPolicy,
    TrainingDecision,
    Trigger,
)

DEFAULT_PASS_MARK = 80
"""Percent; used where no source in force says otherwise (C-08)."""


@dataclass(frozen=True, slots=True)
class DaySpell:
    """A stretch of local days ``[start, end)``; ``end`` None is open (C-02)."""

    start: date
    end: date | None = None
    id: str = ""
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShiftSpell:
    """On a shift letter over local days ``[start, end)`` (C-20). ``told_at``: record time of its beginning."""

    shift: str
    start: date
    end: date | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShiftHours:
    """Wall-clock hours of a shift; an end not after the start is on the next day. ``moved_at``: record time of
    their last change; None: never changed."""

    starts: time
    ends: time
    moved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A site, or a study at a site: its IANA zone and its shifts by letter (C-01)."""

    code: str
    zone: str
    shifts: Mapping[str, ShiftHours] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """One person. ``roster`` maps a local day to a shift letter, or None for a day off; where it has a
    day it wins over the letter (C-20). ``roster_moved`` has the record time of the last statement that
    changed the day, for the days that were changed (R-70)."""

    person: str
    employments: tuple[DaySpell, ...]
    leaves: tuple[DaySpell, ...] = ()
    shifts: tuple[ShiftSpell, ...] = ()
    roster: Mapping[date, str | None] = field(default_factory=dict)
    roster_moved: Mapping[date, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObligationSpan:
    """One source that requires the item at the place over ``[valid_from, valid_to)``.

    ``trigger`` is the kind of fact that the start stands for and ``cause`` its id (C-24 b);
    ``spell_from`` is the first local day of the person's spell behind it, the base of due dates (C-21).
    ``interval_months`` None never ends; ``pass_mark`` in percent.
    """

    id: str
    source_kind: str
    source: str
    valid_from: datetime
    methods: frozenset[Method]
    trigger: Trigger
    spell_from: date
    valid_to: datetime | None = None
    interval_months: int | None = None
    pass_mark: int | None = None
    cause: str = ""
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Version(VersionAtPlace):
    """One version of the item, as it stands at one place, with what it asks to be trained.

    ``voids_all`` is True where the decision is known only as none or not none (imported versions): every
    part is then trained anew (R-45). ``moved_at`` is the record time of the last move of the effective date
    (C-23). ``trigger`` is REVISION, MOC or STUDY_AMENDMENT. ``change`` is the change control.
    """

    decision: TrainingDecision = TrainingDecision.READ
    voids_all: bool = False
    moved_at: datetime | None = None
    trigger: Trigger = Trigger.REVISION
    change: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A completion bound to an exact version.

    ``valid_from`` is the instant from which it counts: the completion, or the ink signature of a late
    entry (R-18). ``zone`` is the zone of the person's place at that time (C-09). ``score`` in percent.
    ``supervised`` marks an OJT record at level *supervised* (MX-13). ``made_for`` is the trigger of the
    assignment that it fulfilled (R-30); None: voluntary or unknown. ``counts`` False: a migrated record of a batch
    that was accepted with the policy that its records allow nothing (R-62, C-36).
    """

    id: str
    version: int
    methods: frozenset[Method]
    valid_from: datetime
    zone: str
    score: float | None = None
    passed: bool = True
    source_class: SourceClass = SourceClass.NATIVE
    supervised: bool = False
    basis: Basis = Basis.TRAINING
    made_for: Trigger | None = None
    entered_in_error: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Hold:
    """Suspends the cell over ``[start, end)`` (R-71). ``code`` is HOLD or RESTRICTION."""

    id: str
    start: datetime
    end: datetime | None = None
    code: str = "HOLD"


@dataclass(frozen=True, slots=True)
class Exemption:
    """The person does not do this task and may not, over ``[start, end)`` (R-12)."""

    id: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A risk accepted for one version over ``[start, end)`` under a signed condition (R-12, AE-12)."""

    id: str
    version: int
    start: datetime
    end: datetime
    condition: str


@dataclass(frozen=True, slots=True)
class RetrainingOrder:
    """An order to train again, a need of its own (C-24 c, R-26, R-72).

    Only records from ``start`` on satisfy it, on the version named or a later one that governs or is next
    when it is signed; ``this_version_only`` narrows to the one named. ``due_on`` None: 30 days (C-21).
    ``methods`` None: those of the obligation. ``ended_at`` and ``ended_reason`` when it was called off.
    """

    id: str
    trigger: Trigger
    start: datetime
    due_on: date | None
    version: int | None = None
    this_version_only: bool = False
    suspend: SuspendPolicy = SuspendPolicy.DUE
    methods: frozenset[Method] | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None

    def due_day(self, zone: str) -> date:
        """The last local day on which it is not overdue (C-21)."""
        if self.due_on is not None:
            return self.due_on
        return local_date(self.start, zone) + timedelta(days=30)

    def due_at(self, zone: str) -> datetime:
        """The instant at which it is overdue: the end of its due day at the place."""
        return end_of_day(self.due_day(zone), zone)


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Records of another item credit versions ``targets`` while ``[start, end)`` holds (MX-15, R-11)."""

    id: str
    targets: frozenset[int]
    start: datetime
    end: datetime | None
    source_item: str
    source_versions: frozenset[int]
    records: tuple[TrainingRecord, ...]


@dataclass(frozen=True, slots=True)
class CategoryPolicy:
    """What the training category says.

    ``expiry_lead_days``: calendar days before the end that EXPIRING begins (C-03 row 4).
    ``revision_is_refresher`` False: revision training does not restart the interval (R-30).
    ``rehire_gap_months``: after a longer gap in employment earlier records count no more (AE-11).
    ``anchor_days``: a record made at most so many days early keeps the anniversary (R-28); None: off.
    """

    expiry_lead_days: int = 30
    revision_is_refresher: bool = True
    rehire_gap_months: int = 12
    anchor_days: int | None = None


DEFAULT_POLICY = CategoryPolicy()


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A stretch of time `[start, end)` in which an unreadable cell of the matrix leaves open whether the item is
    required (C-34); ``end`` None: until it is answered."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class CellFacts:
    """All that decides the cell (person, item, place). The order within the tuples means nothing."""

    person: PersonFacts
    item: str
    place: Place
    timeline: Timeline[Version]
    obligations: tuple[ObligationSpan, ...]
    records: tuple[TrainingRecord, ...] = ()
    holds: tuple[Hold, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    orders: tuple[RetrainingOrder, ...] = ()
    equivalences: tuple[Equivalence, ...] = ()
    policy: CategoryPolicy = DEFAULT_POLICY
    questions: tuple[OpenQuestion, ...] = ()
