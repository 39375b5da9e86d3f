"""A controlled document: its versions, and where and when each takes effect.

A version is never changed once it is approved; what moves are its effective dates, each move a fact of its own.
EFFECTIVE and SUPERSEDED are no states: they follow, place by place, from the facts (QM-01, R-01, R-05).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from plantkit import governing as plant
from plantkit.governing import Effective, VersionAtPlace
from plantkit.sites import EVERYWHERE, Sites, for_place
from plantkit.time import BEGINNING

from qms_svc.domain.errors import RuleError, StateError


class VersionState(StrEnum):
    """RETIRED is shown for a version of a document that governs nowhere any more; it is derived."""

    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    WITHDRAWN = "WITHDRAWN"
    RETIRED = "RETIRED"


class ChangeClass(StrEnum):
    """Weight of a change (QM-05)."""

    MAJOR = "major"
    MINOR = "minor"
    EDITORIAL = "editorial"


class TrainingDecision(StrEnum):
    """What those concerned must do about a version (QM-03)."""

    NONE = "none"
    READ = "read"
    READ_QUIZ = "read+quiz"
    READ_OJT = "read+ojt"
    READ_QUIZ_OJT = "read+quiz+ojt"


@dataclass(frozen=True, slots=True)
class End:
    """First local day without a temporary version at a place (R-04)."""

    place: str
    on: date


@dataclass(frozen=True, slots=True)
class Version:
    document: str
    number: int
    state: VersionState
    effective: Sequence[Effective] = ()
    ends: Sequence[End] = ()
    withdrawn_at: datetime | None = None
    approved_at: datetime | None = None
    approved_on: date | None = None

    def effective_at(self, place: str, zone: str) -> datetime | None:
        """The instant from which the version can govern there, None where it never takes effect."""
        return plant.effective_at(self.effective, place, zone)

    def at_place(self, place: str, zone: str) -> VersionAtPlace:
        """The version as it stands at a place of the zone."""
        approved = self.state in _APPROVED
        withdrawn = self.state == VersionState.WITHDRAWN
        return VersionAtPlace(
            number=self.number,
            window_opens=plant.window_opens(self.approved_at, self.approved_on, zone) if approved else None,
            effective_at=self.effective_at(place, zone),
            ends_at=plant.starts_at({end.place: end.on for end in self.ends}, place, zone),
            withdrawn_at=(self.withdrawn_at or BEGINNING) if withdrawn else None,
        )


_APPROVED = (VersionState.APPROVED, VersionState.WITHDRAWN, VersionState.RETIRED)


def governing(
    versions: Iterable[Version], retired: Mapping[str, date], place: str, zone: str, at: datetime
) -> tuple[Version, datetime] | None:
    """The version that governs at the place and instant, and since when; None before the first and after retirement.

    The rule is that of `plantkit.governing` (C-06). retired: place -> first local day without the document.
    """
    return _ruling(plant.governing, versions, retired, place, zone, at)


def upcoming(
    versions: Iterable[Version], retired: Mapping[str, date], place: str, zone: str, at: datetime
) -> tuple[Version, datetime] | None:
    """The next version that is approved and takes effect at the place after the instant, and when."""
    return _ruling(plant.upcoming, versions, retired, place, zone, at)


def _ruling(
    rule: Callable[[Iterable[VersionAtPlace], datetime, datetime | None], VersionAtPlace | None],
    versions: Iterable[Version],
    retired: Mapping[str, date],
    place: str,
    zone: str,
    at: datetime,
) -> tuple[Version, datetime] | None:
    """What the rule finds among the versions that have an effective instant at the place."""
    known = {version.number: version for version in versions}
    here = [version.at_place(place, zone) for version in known.values()]
    dated = [version for version in here if version.effective_at is not None]
    found = rule(dated, at, plant.starts_at(retired, place, zone))
    if found is None or found.effective_at is None:
        return None
    return known[found.number], found.effective_at


def has_taken_effect(version: Version, place: str, sites: Sites, now: datetime) -> bool:
    """Whether the version may govern already at the place, or at one of the sites that `*` speaks of.

    Where no zone is known the day counts from its first beginning on Earth: a doubt never unfreezes a date.
    """
    if version.state != VersionState.APPROVED:
        return False
    own = {e.place for e in version.effective} - {EVERYWHERE}
    covered = sites.covered(place, own)
    if covered:
        instants = [version.effective_at(site, sites.zones[site]) for site in covered]
        return any(instant is not None and instant <= now for instant in instants)
    statement = plant.statement(version.effective, place)
    if statement is None:
        return False
    if statement.at is not None:
        return statement.at <= now
    return statement.on is not None and sites.earliest_start(statement.on, []) <= now


def has_governed_anywhere(version: Version, sites: Sites, now: datetime) -> bool:
    """Whether the version has taken effect at any place that it names."""
    return any(has_taken_effect(version, place, sites, now) for place in {e.place for e in version.effective})


def check_effective(field: str, effective: Sequence[Effective], sites: Sites, now: datetime) -> None:
    """Raises RuleError for a place twice, a site that is not known, a day that is over at a place, an instant past.

    A day that has begun is accepted (an emergency change, R-58); one that is over never is: what was true then was
    said already. Without a known site the day is compared with that of the last zone on Earth.
    """
    if not effective:
        raise RuleError(field, "missing", "an effective date is needed for at least one place")
    places = [e.place for e in effective]
    for number, entry in enumerate(effective):
        where = f"{field}.{number}"
        if places.count(entry.place) > 1:
            raise RuleError(f"{where}.place", "repeated", f"{entry.place} has more than one date")
        check_place(f"{where}.place", entry.place, sites)
        if entry.on is not None:
            check_day(f"{where}.on", entry.on, entry.place, sites, now, with_own=places)
        if entry.at is not None and entry.at < now:
            raise RuleError(f"{where}.at", "in-the-past", "the instant is over")


def check_place(field: str, place: str, sites: Sites) -> None:
    """Raises RuleError for a site that nobody knows: its date would never come true."""
    if place != EVERYWHERE and place not in sites.zones:
        raise RuleError(field, "unknown-site", f"{place} is no known site")


def check_day(
    field: str, day: date, place: str, sites: Sites, now: datetime, with_own: Iterable[str] = ()
) -> None:
    """Raises RuleError when the day is over at one of the sites that the place stands for."""
    own = {p for p in with_own if p != EVERYWHERE}
    if day < sites.latest_today(now, sites.covered(place, own)):
        raise RuleError(field, "in-the-past", f"{day} is over at {place}")


def check_move(version: Version, place: str, day: date, sites: Sites, now: datetime) -> None:
    """Whether the effective date of the version at the place can become `day` (R-08).

    Once the version governs there it cannot (R-76): withdraw it instead.
    """
    if version.state != VersionState.APPROVED:
        raise StateError("not-approved", f"version {version.number} is {version.state}: change its draft")
    check_place("place", place, sites)
    if has_taken_effect(version, place, sites, now):
        raise StateError(
            "governs", f"version {version.number} has taken effect at {place}: withdraw it instead"
        )
    check_day("on", day, place, sites, now, with_own={e.place for e in version.effective})
    statement = plant.statement(version.effective, place)
    if statement is not None and statement.place == place and statement.on == day:
        raise RuleError("on", "no-change", f"{day} is the effective date at {place} already")


def check_ends(field: str, ends: Sequence[End], effective: Sequence[Effective]) -> None:
    """Raises RuleError for the end of a temporary version that is not after its beginning (R-04)."""
    for number, end in enumerate(ends):
        begin = for_place({entry.place: entry for entry in effective}, end.place)
        if begin is None:
            raise RuleError(f"{field}.{number}.place", "no-beginning", f"nothing begins at {end.place}")
        if begin.on is not None and end.on <= begin.on:
            raise RuleError(
                f"{field}.{number}.on", "not-after-begin", "a temporary version ends after it begins"
            )
        if [e.place for e in ends].count(end.place) > 1:
            raise RuleError(f"{field}.{number}.place", "repeated", f"{end.place} has more than one end")


def check_withdraw(version: Version) -> None:
    """Approved and draft versions can be withdrawn, once (R-09)."""
    if version.state in (VersionState.WITHDRAWN, VersionState.RETIRED):
        raise StateError("not-standing", f"version {version.number} is {version.state}")


def check_retire(retired: Mapping[str, date], place: str, day: date, sites: Sites, now: datetime) -> None:
    """Whether the document can end at the place on the day (R-66): not twice, and not on a day that is over."""
    check_place("place", place, sites)
    if place in retired or EVERYWHERE in retired:
        raise StateError("retired", f"the document is retired at {place} already")
    check_day("on", day, place, sites, now, with_own=retired)
