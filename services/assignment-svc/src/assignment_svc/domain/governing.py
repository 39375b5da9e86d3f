"""Which version governs at a place, and which is next (C-06).

One prepared timeline serves every person obliged on the item at the place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .calendar import BEGINNING, NEVER
from .facts import Version


class Stretch(NamedTuple):
    """Over ``[start, end)`` the same version governs and the same one is next.

    ``upcoming`` is the next version to govern among those whose window is open; None: no such version.
    """

    start: datetime
    end: datetime
    governing: Version | None
    upcoming: Version | None


@dataclass(frozen=True, slots=True)
class ItemTimeline:
    """The governing timeline of one item at one place.

    ``stretches`` tile all of time. ``before`` gives, for a version, the one that governed directly before
    its effective instant (C-11). ``governed_from`` is the first instant a version governs; a version that
    never governs is not in it.
    """

    versions: Mapping[int, Version]
    stretches: tuple[Stretch, ...]
    before: Mapping[int, Version | None]
    governed_from: Mapping[int, datetime]
    retired_at: datetime | None

    def at(self, instant: datetime) -> Stretch:
        """The stretch that holds ``instant``."""
        for stretch in self.stretches:
            if stretch.start <= instant < stretch.end:
                return stretch
        raise AssertionError("the stretches tile all of time")

    def governing_at(self, instant: datetime) -> Version | None:
        """The version that governs at ``instant``; None: nothing governs."""
        return self.at(instant).governing


def _alive(version: Version, at: datetime) -> bool:
    """Neither withdrawn nor ended at ``at``."""
    return not (
        (version.withdrawn_at is not None and version.withdrawn_at <= at)
        or (version.ends_at is not None and version.ends_at <= at)
    )


def _governing(versions: Iterable[Version], retired_at: datetime | None, at: datetime) -> Version | None:
    if retired_at is not None and retired_at <= at:
        return None
    best: Version | None = None
    best_key: tuple[datetime, int] | None = None
    for version in versions:
        effective = version.effective_at
        if effective is None or effective > at or not _alive(version, at):
            continue
        key = (effective, version.number)
        if best_key is None or key > best_key:
            best, best_key = version, key
    return best


def _upcoming(versions: Iterable[Version], retired_at: datetime | None, at: datetime) -> Version | None:
    if retired_at is not None and retired_at <= at:
        return None
    best: Version | None = None
    best_key: tuple[datetime, int] | None = None
    for version in versions:
        opens, effective = version.window_opens, version.effective_at
        if opens is None or opens > at or (effective is not None and effective <= at):
            continue
        if not _alive(version, at):
            continue
        boundary = version.boundary or NEVER
        if retired_at is not None and boundary >= retired_at:
            continue
        key = (boundary, -version.number)
        if best_key is None or key < best_key:
            best, best_key = version, key
    return best


def prepare(versions: Iterable[Version], retired_at: datetime | None = None) -> ItemTimeline:
    """The timeline of an item at one place, from its approved versions as they stand there.

    Of the versions effective, not withdrawn and not ended, the one with the latest effective instant
    governs; a tie goes to the highest number (C-06). After ``retired_at`` nothing does (R-66).
    """
    ordered = tuple(sorted(versions, key=lambda version: version.number))
    edges = {BEGINNING}
    for version in ordered:
        for edge in (version.window_opens, version.effective_at, version.ends_at, version.withdrawn_at):
            if edge is not None:
                edges.add(edge)
    if retired_at is not None:
        edges.add(retired_at)
    stretches: list[Stretch] = []
    for edge in sorted(edges):
        governing = _governing(ordered, retired_at, edge)
        upcoming = _upcoming(ordered, retired_at, edge)
        if stretches:
            last = stretches[-1]
            if last.governing is governing and last.upcoming is upcoming:
                continue
            stretches[-1] = last._replace(end=edge)
        stretches.append(Stretch(edge, NEVER, governing, upcoming))
    before: dict[int, Version | None] = {}
    governed_from: dict[int, datetime] = {}
    previous: Version | None = None
    for stretch in stretches:
        version = stretch.governing
        if version is not None and version.number not in governed_from:
            governed_from[version.number] = stretch.start
            before[version.number] = previous if stretch.start == version.effective_at else None
        previous = version
    return ItemTimeline(
        versions={version.number: version for version in ordered},
        stretches=tuple(stretches),
        before=before,
        governed_from=governed_from,
        retired_at=retired_at,
    )
