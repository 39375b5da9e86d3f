"""Credits: what a person's records are worth on each version (C-07 to C-12).

Everything is judged by the methods, interval and records that are in force at one time of the obligation,
also for past instants in a carry chain (C-07); a `CreditBook` holds the answers for one such set.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from plantkit.time import NEVER, add_months, end_of_day, local_date, start_of_day

from .facts import CellFacts, RetrainingOrder, TrainingRecord, Version
from .records import Passing, passing, supervised
from .validity import validity
from .vocabulary import METHODS_OF_DECISION, Method, TrainingDecision

_READ_ONLY = frozenset({Method.R})
_INSTANT = timedelta(microseconds=1)


class CreditKind(IntEnum):
    """Where a credit comes from; the lowest wins a tie (C-12)."""

    OWN = 0
    CARRIED = 1
    EQUIVALENCE = 2


class Credit(NamedTuple):
    """A credit for one version from ``start`` until ``expires``, both instants; NEVER: does not end.

    ``version`` is that of the records it rests on (C-13), ``parts`` the record behind each method,
    ``origin`` the rule and item behind an equivalence.
    """

    start: datetime
    expires: datetime
    lead_from: datetime
    completed_at: datetime
    version: int
    kind: CreditKind
    parts: dict[Method, Passing]
    origin: str = ""

    def valid_at(self, at: datetime) -> bool:
        """It has begun and has not ended; at ``expires`` it counts no more (C-09)."""
        return self.start <= at < self.expires

    def records(self) -> tuple[TrainingRecord, ...]:
        """The records it rests on, each once, by id."""
        found = {part.record.id: part.record for part in self.parts.values()}
        return tuple(found[key] for key in sorted(found))


class Trained(NamedTuple):
    """A version with a passing record or an equivalence: the first instants at which it was trained in
    part, fully met, and governed; None: never."""

    version: Version
    first_part: datetime | None
    met_from: datetime | None
    governed_from: datetime | None


class _Bridge(NamedTuple):
    """Parts that a revision leaves to those qualified on the version directly before it (R-45)."""

    void: frozenset[Method]
    donor: Credit
    effective: datetime


def best(credits: Sequence[Credit], at: datetime) -> Credit | None:
    """The credit that ends last among those that exist at ``at``, expired ones included; on a tie, the own one (C-12)."""
    found: Credit | None = None
    for credit in credits:
        if credit.start <= at and (
            found is None
            or credit.expires > found.expires
            or (credit.expires == found.expires and credit.kind == found.kind)
        ):
            found = credit
    return found


class CreditBook:
    """The credits of the records while ``methods`` and ``interval`` (months; None: never ends) are required.

    ``records`` are those that pass, by time. Those from before ``forget_before`` count no more (AE-11).
    """

    def __init__(
        self,
        facts: CellFacts,
        records: Sequence[Passing],
        methods: frozenset[Method],
        interval: int | None,
        forget_before: datetime | None,
    ) -> None:
        self.methods = methods
        self.interval = interval
        self._facts = facts
        self._policy = facts.policy
        self._timeline = facts.timeline
        self._forget_before = forget_before
        self.by_version = self._grouped(records)
        self._own: dict[int, list[Credit]] = {}
        self._all: dict[int, list[Credit]] = {}
        self._trained: list[Trained] | None = None

    def _grouped(self, records: Sequence[Passing]) -> dict[int, list[Passing]]:
        groups: dict[int, list[Passing]] = {}
        for one in records:
            if self._forget_before is None or one.at >= self._forget_before:
                groups.setdefault(one.record.version, []).append(one)
        return groups

    def own(self, number: int) -> list[Credit]:
        """Credits earned on the version itself, one from each instant at which they change (C-08, C-09)."""
        credits = self._own.get(number)
        if credits is None:
            records = self.by_version.get(number)
            credits = [] if records is None else self._steps(number, records, self._bridge(number))
            self._own[number] = credits
        return credits

    def all_credits(self, number: int) -> list[Credit]:
        """Every credit for the version, own ones first."""
        credits = self._all.get(number)
        if credits is None:
            credits = self.own(number)
            carried = self._carried(number)
            if carried is not None:
                credits = [*credits, carried]
            if self._facts.equivalences:
                credits = [*credits, *self._equivalent(number)]
            self._all[number] = credits
        return credits

    def valid_just_before(self, number: int, at: datetime) -> Credit | None:
        """The credit for the version that is valid one instant before ``at`` (C-11)."""
        before = at - _INSTANT
        credit = best(self.all_credits(number), before)
        return credit if credit is not None and before < credit.expires else None

    def _void(self, version: Version | None) -> frozenset[Method] | None:
        """The parts that the version's decision voids (R-45); None: all, or it asks for no training."""
        if version is None or version.voids_all or version.decision is TrainingDecision.NONE:
            return None
        void = (METHODS_OF_DECISION[version.decision] & self.methods) or _READ_ONLY
        return void if self.methods - void else None

    def _bridge(self, number: int) -> _Bridge | None:
        version = self._timeline.versions.get(number)
        void = self._void(version)
        previous = self._timeline.before.get(number)
        if void is None or previous is None or version is None or version.effective_at is None:
            return None
        donor = self.valid_just_before(previous.number, version.effective_at)
        return None if donor is None else _Bridge(void, donor, version.effective_at)

    def _steps(self, number: int, records: Sequence[Passing], bridge: _Bridge | None) -> list[Credit]:
        """Credits by sweeping the records by time; records of one instant count together."""
        latest: dict[Method, Passing] = {}
        steps: list[Credit] = []
        waiting = bridge is not None
        last = len(records) - 1
        for index, one in enumerate(records):
            at = one.at
            if waiting and bridge is not None and bridge.effective <= at:
                waiting = False
                self._step(steps, number, bridge.effective, latest, bridge)
            for method in one.methods:
                latest[method] = one
            if index == last or records[index + 1].at != at:
                self._step(steps, number, at, latest, None if waiting else bridge)
        if waiting and bridge is not None:
            self._step(steps, number, bridge.effective, latest, bridge)
        return steps

    def _step(
        self,
        steps: list[Credit],
        number: int,
        at: datetime,
        latest: dict[Method, Passing],
        bridge: _Bridge | None,
    ) -> None:
        parts: dict[Method, Passing] = {}
        for method in self.methods:
            one = latest.get(method)
            if one is None:
                break
            parts[method] = one
        else:
            self._append(steps, number, at, parts, None)
            return
        if bridge is None or not bridge.void <= latest.keys():
            return
        parts = {**bridge.donor.parts, **{m: latest[m] for m in latest if m in self.methods | bridge.void}}
        self._append(steps, number, at, parts, bridge.donor)

    def _append(
        self,
        steps: list[Credit],
        number: int,
        at: datetime,
        parts: dict[Method, Passing],
        donor: Credit | None,
    ) -> None:
        previous = steps[-1] if steps else donor
        if steps and steps[-1].parts == parts:
            return
        base: TrainingRecord | None = None
        completed_at: datetime | None = None
        for one in parts.values():
            if base is None or one.base.valid_from < base.valid_from:
                base = one.base
            if completed_at is None or one.at > completed_at:
                completed_at = one.at
        if base is None or completed_at is None:
            return
        expires = lead_from = NEVER
        if self.interval is not None:
            lead = self._policy.expiry_lead_days
            expires, lead_from = validity(base.valid_from, base.zone, self.interval, lead)
            if previous is not None and self._policy.anchor_days is not None:
                expires, lead_from = self._anchored(previous, base, expires, lead_from)
        steps.append(Credit(at, expires, lead_from, completed_at, number, CreditKind.OWN, parts))

    def _anchored(
        self, previous: Credit, base: TrainingRecord, expires: datetime, lead_from: datetime
    ) -> tuple[datetime, datetime]:
        """A renewal made a little early keeps the anniversary of the credit that it renews (R-28)."""
        if self.interval is None or previous.expires is NEVER:
            return expires, lead_from
        last_day = local_date(previous.expires - _INSTANT, base.zone)
        earliest = start_of_day(last_day - timedelta(days=self._policy.anchor_days or 0), base.zone)
        if not earliest <= base.valid_from < previous.expires:
            return expires, lead_from
        next_day = add_months(last_day, self.interval)
        lead_day = next_day - timedelta(days=self._policy.expiry_lead_days)
        return end_of_day(next_day, base.zone), start_of_day(lead_day, base.zone)

    def _carried(self, number: int) -> Credit | None:
        """The credit that a version without training takes over at its effective instant (C-11, R-07)."""
        version = self._timeline.versions.get(number)
        previous = self._timeline.before.get(number)
        if version is None or previous is None or version.effective_at is None:
            return None
        if version.decision is not TrainingDecision.NONE:
            return None
        donor = self.valid_just_before(previous.number, version.effective_at)
        return None if donor is None else donor._replace(start=version.effective_at, kind=CreditKind.CARRIED)

    def _equivalent(self, number: int) -> list[Credit]:
        """Credits by equivalence: while the rule holds, from the source's own records (MX-15, R-11)."""
        credits: list[Credit] = []
        for rule in sorted(self._facts.equivalences, key=lambda rule: rule.id):
            if number not in rule.targets:
                continue
            groups = self._grouped(passing(rule.records, self._facts.obligations))
            for version in sorted(rule.source_versions & groups.keys()):
                for step in self._steps(version, groups[version], None):
                    expires, lead_from = step.expires, step.lead_from
                    if rule.end is not None and rule.end < expires:
                        expires = rule.end
                        last_day = local_date(expires - _INSTANT, self._facts.place.zone)
                        lead_day = last_day - timedelta(days=self._policy.expiry_lead_days)
                        lead_from = start_of_day(lead_day, self._facts.place.zone)
                    start = max(step.start, rule.start)
                    if start < expires:
                        origin = f"{rule.id} {rule.source_item} v{version}"
                        credits.append(
                            Credit(
                                start,
                                expires,
                                lead_from,
                                step.completed_at,
                                version,
                                CreditKind.EQUIVALENCE,
                                step.parts,
                                origin,
                            )
                        )
        return credits

    def trained(self) -> list[Trained]:
        """The trained methods by version, lapsed ones included (C-03 rows 10 to 12)."""
        if self._trained is None:
            numbers = set(self.by_version)
            for rule in self._facts.equivalences:
                numbers |= rule.targets
            versions, governed_from = self._timeline.versions, self._timeline.governed_from
            self._trained = [
                Trained(
                    versions[number],
                    self.first_part(number),
                    self.met_from(number),
                    governed_from.get(number),
                )
                for number in sorted(numbers)
                if number in versions
            ]
        return self._trained

    def met_from(self, number: int) -> datetime | None:
        """The first instant at which the version was fully met, whether or not it lapsed since."""
        return min((credit.start for credit in self.earned(number)), default=None)

    def earned(self, number: int) -> list[Credit]:
        """The credits by which the version itself was met: none that it took over (C-03 row 10)."""
        if not self._facts.equivalences:
            return self.own(number)
        return [credit for credit in self.all_credits(number) if credit.kind is not CreditKind.CARRIED]

    def first_part(self, number: int) -> datetime | None:
        """The instant of the first passing record of a needed method on the version."""
        for one in self.by_version.get(number, ()):
            if not self.methods.isdisjoint(one.methods):
                return one.at
        return None

    def next_met_from(self, upcoming: Version, governing: Credit | None) -> datetime | None:
        """The instant from which the person has met a version still to come (C-03 row 3).

        Parts that its decision does not void need no new record when ``governing``, the credit for the
        version that governs now, will carry them (R-45).
        """
        records = self.by_version.get(upcoming.number)
        if records is None:
            return None
        asked = self._asked_of_next(upcoming, governing)
        have: set[Method] = set()
        for one in records:
            have |= one.methods
            if asked <= have:
                return one.at
        return None

    def _asked_of_next(self, upcoming: Version, governing: Credit | None) -> frozenset[Method]:
        void = self._void(upcoming)
        boundary = upcoming.boundary
        if void is not None and governing is not None and (boundary is None or governing.expires >= boundary):
            return void
        return self.methods

    def missing(self, number: int, at: datetime, governing: Credit | None = None) -> frozenset[Method]:
        """Methods asked for and not yet recorded on the version at ``at``.

        ``governing`` is the credit for the version that governs, where ``number`` is still to come.
        """
        version = self._timeline.versions.get(number)
        bridge = self._bridge(number)
        asked = self.methods
        if bridge is not None and bridge.effective <= at:
            asked = bridge.void
        elif governing is not None and version is not None:
            asked = self._asked_of_next(version, governing)
        have: set[Method] = set()
        for one in self.by_version.get(number, ()):
            if one.at <= at:
                have |= one.methods
        return asked - have

    def supervised(self, number: int) -> list[Credit]:
        """The credits on the version that there would be if OJT at level *supervised* were enough (C-03 row 8)."""
        if Method.O not in self.methods:
            return []
        extra = self._grouped(supervised(self._facts.records)).get(number)
        if extra is None:
            return []
        records = sorted([*self.by_version.get(number, ()), *extra], key=lambda one: (one.at, one.record.id))
        return self._steps(number, records, self._bridge(number))

    def order_satisfied_from(self, order: RetrainingOrder) -> datetime | None:
        """The first instant at which records made for the order satisfy it (R-26, R-72)."""
        asked = order.methods if order.methods is not None else self.methods
        satisfied: datetime | None = None
        for number, records in self.by_version.items():
            have: set[Method] = set()
            for one in records:
                if one.at < order.start or not self._accepts(order, number, one.at):
                    continue
                have |= one.methods
                if asked <= have:
                    satisfied = one.at if satisfied is None else min(satisfied, one.at)
                    break
        return satisfied

    def _accepts(self, order: RetrainingOrder, number: int, at: datetime) -> bool:
        if number == order.version:
            return True
        if order.version is not None and (order.this_version_only or number < order.version):
            return False
        stretch = self._timeline.at(at)
        return any(
            version is not None and version.number == number
            for version in (stretch.governing, stretch.upcoming)
        )
