"""Which version of a document governs at a place, and which is the next to govern (C-06).

Of the versions that are effective, not withdrawn and not ended, the one with the latest effective instant governs.
Two versions that take effect at the same instant: the higher number governs, and so it is also the next one before
that instant. After the retirement of the document nothing governs and nothing is next (R-66).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from plantkit.sites import for_place
from plantkit.time import BEGINNING, NEVER, start_of_day


@dataclass(frozen=True, slots=True)
class Effective:
    """A statement of when a version takes effect at a place: from the start of a local day, or from an instant.

    Both None: the version has no effective instant yet (in a draft it means "at the approval", R-58).
    """

    place: str
    on: date | None = None
    at: datetime | None = None
    recorded_at: datetime | None = None


def statement(effective: Iterable[Effective], place: str) -> Effective | None:
    """The statement that holds at the place: the last one recorded for it, else the last one for every site (R-08)."""
    found: dict[str, Effective] = {}
    for entry in sorted(effective, key=lambda entry: entry.recorded_at or BEGINNING):
        found[entry.place] = entry
    return for_place(found, place)


def effective_at(effective: Iterable[Effective], place: str, zone: str) -> datetime | None:
    """The instant from which a version can govern at a place of the zone; None: it has none there (yet)."""
    stated = statement(effective, place)
    if stated is None or stated.at is not None:
        return stated and stated.at
    return None if stated.on is None else start_of_day(stated.on, zone)


def starts_at(days: Mapping[str, date], place: str, zone: str) -> datetime | None:
    """The start of the local day that is stated for the place (an end, a retirement); None: no day is stated."""
    day = for_place(days, place)
    return None if day is None else start_of_day(day, zone)


def window_opens(approved_at: datetime | None, approved_on: date | None, zone: str) -> datetime | None:
    """When training on a version may begin: at its approval; a day of approval opens the window at its first instant
    at the place. None: the version is not approved.
    """
    if approved_at is not None:
        return approved_at
    return None if approved_on is None else start_of_day(approved_on, zone)


@dataclass(frozen=True, slots=True)
class VersionAtPlace:
    """A version of a document as it stands at one place.

    `window_opens` None: the version is not approved; such a version neither governs nor is next. `effective_at` None:
    gated, not released yet; `planned_at` is then the date that due dates use (QM-06). `ends_at` ends a temporary
    version (R-04), `withdrawn_at` a withdrawn one (R-09).
    """

    number: int
    window_opens: datetime | None
    effective_at: datetime | None
    planned_at: datetime | None = None
    ends_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def boundary(self) -> datetime | None:
        """The instant by which training must be done: effective, or planned while the version is gated."""
        return self.effective_at if self.effective_at is not None else self.planned_at

    def ended(self, at: datetime) -> bool:
        """Whether the version is withdrawn or has ended at the instant."""
        return (self.withdrawn_at is not None and self.withdrawn_at <= at) or (
            self.ends_at is not None and self.ends_at <= at
        )


def governing[V: VersionAtPlace](
    versions: Iterable[V], at: datetime, retired_at: datetime | None = None
) -> V | None:
    """The version that governs at the instant; None: nothing governs."""
    if retired_at is not None and retired_at <= at:
        return None
    best: V | None = None
    best_key: tuple[datetime, int] | None = None
    for version in versions:
        effective = version.effective_at
        if effective is None or effective > at or version.window_opens is None or version.ended(at):
            continue
        key = (effective, version.number)
        if best_key is None or key > best_key:
            best, best_key = version, key
    return best


def upcoming[V: VersionAtPlace](
    versions: Iterable[V], at: datetime, retired_at: datetime | None = None
) -> V | None:
    """The next version to govern among those whose window is open at the instant; None: no such version.

    A gated version without a planned date comes after every version with one.
    """
    if retired_at is not None and retired_at <= at:
        return None
    best: V | None = None
    best_key: tuple[datetime, int] | None = None
    for version in versions:
        opens, effective = version.window_opens, version.effective_at
        if opens is None or opens > at or (effective is not None and effective <= at) or version.ended(at):
            continue
        boundary = version.boundary or NEVER
        if retired_at is not None and boundary >= retired_at:
            continue
        key = (boundary, -version.number)
        if best_key is None or key < best_key:
            best, best_key = version, key
    return best


class Stretch[V: VersionAtPlace](NamedTuple):
    """Over `[start, end)` the same version governs and the same one is next."""

    start: datetime
    end: datetime
    governing: V | None
    upcoming: V | None


@dataclass(frozen=True, slots=True)
class Timeline[V: VersionAtPlace]:
    """The governing timeline of one document at one place; it serves every person concerned there.

    `stretches` tile all of time. `before` gives, for a version, the one that governed directly before its effective
    instant (C-11). `governed_from` is the first instant at which a version governs; a version that never governs is
    not in it.
    """

    versions: Mapping[int, V]
    stretches: tuple[Stretch[V], ...]
    before: Mapping[int, V | None]
    governed_from: Mapping[int, datetime]
    retired_at: datetime | None

    def at(self, instant: datetime) -> Stretch[V]:
        """The stretch that holds the instant."""
        for stretch in self.stretches:
            if stretch.start <= instant < stretch.end:
                return stretch
        raise AssertionError("the stretches tile all of time")

    def governing_at(self, instant: datetime) -> V | None:
        """The version that governs at the instant; None: nothing governs."""
        return self.at(instant).governing


def prepare[V: VersionAtPlace](versions: Iterable[V], retired_at: datetime | None = None) -> Timeline[V]:
    """The timeline of a document at one place, from its versions as they stand there."""
    ordered = tuple(sorted(versions, key=lambda version: version.number))
    edges = {BEGINNING}
    for version in ordered:
        for edge in (version.window_opens, version.effective_at, version.ends_at, version.withdrawn_at):
            if edge is not None:
                edges.add(edge)
    if retired_at is not None:
        edges.add(retired_at)
    stretches: list[Stretch[V]] = []
    for edge in sorted(edges):
        present, following = governing(ordered, edge, retired_at), upcoming(ordered, edge, retired_at)
        if stretches:
            last = stretches[-1]
            if last.governing is present and last.upcoming is following:
                continue
            stretches[-1] = last._replace(end=edge)
        stretches.append(Stretch(edge, NEVER, present, following))
    before: dict[int, V | None] = {}
    governed_from: dict[int, datetime] = {}
    previous: V | None = None
    for stretch in stretches:
        version = stretch.governing
        if version is not None and version.number not in governed_from:
            governed_from[version.number] = stretch.start
            before[version.number] = previous if stretch.start == version.effective_at else None
        previous = version
    return Timeline(
        versions={version.number: version for version in ordered},
        stretches=tuple(stretches),
        before=before,
        governed_from=governed_from,
        retired_at=retired_at,
    )
