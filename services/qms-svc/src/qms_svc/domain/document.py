"""A controlled document with all its versions: which one governs a place, and what moves, withdraws and retires them.

The effective dates of an approved version can move, each move a fact of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from plantkit import governing as plant
from plantkit.governing import Effective, VersionAtPlace
from plantkit.sites import EVERYWHERE, Sites, for_place
from servicekit.domain import NotFoundError, RuleError, StateError, stale

from qms_svc.domain.version import End, Version, VersionState


@dataclass(frozen=True, slots=True)
class Document:
    """A document with all its versions. version: of its row.

    retired: place -> first local day without the document. sites: the known sites, whose days decide.
    """

    document: str
    version: int
    title: str
    document_type: str
    framework: str
    category: str | None
    owner_department: str | None
    source_class: str
    recorded_at: datetime
    versions: Sequence[Version] = ()
    retired: Mapping[str, date] = field(default_factory=dict)
    sites: Sites = field(default_factory=Sites)

    def find(self, number: int) -> Version | None:
        return next((version for version in self.versions if version.number == number), None)

    def put(self, version: Version) -> Document:
        """The document with this version in the place of the one with its number, or after the others."""
        others = [each for each in self.versions if each.number != version.number]
        return replace(self, versions=sorted([*others, version], key=lambda each: each.number))


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
    """The answer of the rule, from the versions that have an effective instant at the place."""
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


@dataclass(frozen=True, slots=True)
class Register:
    """A new document without versions. fields: title, document_type, framework, category, owner_department."""

    document: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Describe:
    revision: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Retire:
    """id: of the fact that this makes."""

    id: str
    place: str
    on: date


@dataclass(frozen=True, slots=True)
class MoveDate:
    number: int
    place: str
    on: date
    signature: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    number: int
    signature: str


type DocumentCommand = Register | Describe | Retire | MoveDate | Withdraw


@dataclass(frozen=True, slots=True)
class Registered:
    document: Document


@dataclass(frozen=True, slots=True)
class Described:
    fields: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Retired:
    id: str
    document: str
    place: str
    on: date
    at: datetime


@dataclass(frozen=True, slots=True)
class DateMoved:
    document: str
    number: int
    place: str
    on: date
    signature: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    number: int
    signature: str
    at: datetime


type DocumentEvent = Registered | Described | Retired | DateMoved | Withdrawn


def decide(document: Document | None, command: DocumentCommand, now: datetime) -> list[DocumentEvent]:
    """The events of a command on a document; raises RuleError or StateError when it is refused."""
    if isinstance(command, Register):
        if document is not None:
            raise StateError("document-exists", f"{command.document} is taken")
        made = Document(
            document=command.document, version=1, source_class="NATIVE", recorded_at=now, **command.fields
        )
        return [Registered(made)]
    assert document is not None, "only a registration makes a document"
    match command:
        case Describe(revision, fields):
            stale(document.document, document.version, revision)
            return [Described(fields, now)]
        case Retire(fact, place, on):
            check_retire(document.retired, place, on, document.sites, now)
            return [Retired(fact, document.document, place, on, now)]
        case MoveDate(number, place, on, signature):
            check_move(version_of(document, number), place, on, document.sites, now)
            return [DateMoved(document.document, number, place, on, signature, now)]
        case Withdraw(number, signature):
            check_signed_withdrawal(version_of(document, number))
            return [Withdrawn(number, signature, now)]


def evolve(document: Document | None, event: DocumentEvent) -> Document:
    """The document after the event."""
    if isinstance(event, Registered):
        return event.document
    assert document is not None
    match event:
        case Described(fields, at):
            return replace(document, **fields, version=document.version + 1, recorded_at=at)
        case Retired(_, _, place, on, _):
            return replace(document, retired={**document.retired, place: on})
        case DateMoved(_, number, place, on, _, at):
            version = version_of(document, number)
            return document.put(
                replace(version, effective=[*version.effective, Effective(place, on, None, at)])
            )
        case Withdrawn(number, _, at):
            return document.put(withdrawn(version_of(document, number), at))


def version_of(document: Document, number: int) -> Version:
    version = document.find(number)
    if version is None:
        raise NotFoundError("version", f"{document.document}/{number}")
    return version


def withdrawn(version: Version, at: datetime) -> Version:
    return replace(version, state=VersionState.WITHDRAWN, withdrawn_at=at, version=version.version + 1)


def check_signed_withdrawal(version: Version) -> None:
    """Only what was approved is withdrawn by a signature; a draft leaves its change without one (R-09)."""
    if version.is_unapproved:
        raise StateError(
            "not-approved",
            f"{version.document} v{version.number} is a draft: it is withdrawn without a signature",
        )
    check_withdraw(version)
