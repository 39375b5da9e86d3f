"""Versions of a document, as far as reading needs them: which of them may be read where (R-63, SR-05).

A version may be read from the opening of its training window (its approval) until another has taken its place; an
assignment to it makes it readable at other places too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from records_svc.domain.errors import StateError
from records_svc.domain.places import Place, start_of_day

EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Effective:
    """From the start of a local day or from an instant; both None: gated, no effective instant yet."""

    place: str
    on: date | None
    at: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class File:
    """A file of the version. sha256: of its bytes, lower-case hex; size: bytes; language: BCP 47."""

    sha256: str
    size: int
    media_type: str
    language: str


@dataclass(frozen=True, slots=True)
class Section:
    """Something that the reader must open; order of the list is the order of reading."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    state: str
    approved_at: datetime | None
    approved_on: date | None
    withdrawn_at: datetime | None
    effective: Sequence[Effective]
    ends: Mapping[str, date]
    content: Sequence[File]
    sections: Sequence[Section]
    summary: str | None = None
    minutes: int | None = None
    change: str | None = None

    def opens_at(self, zone: str) -> datetime | None:
        """When the training window opens (C-06: a day of approval opens it at its first instant at the place)."""
        if self.approved_at is not None:
            return self.approved_at
        return None if self.approved_on is None else start_of_day(zone, self.approved_on)

    def effective_at(self, place: Place) -> datetime | None:
        """From when it can govern at the place: by the last statement for it, else by the last for every site."""
        own = [e for e in self.effective if e.place == place.site]
        rows = own or [e for e in self.effective if e.place == EVERYWHERE]
        if not rows:
            return None
        last = max(rows, key=lambda e: e.recorded_at)
        if last.at is not None:
            return last.at
        return None if last.on is None else start_of_day(place.zone, last.on)

    def stands(self, place: Place, at: datetime) -> bool:
        """Its window is open, and it is neither withdrawn nor ended at the place."""
        opens = self.opens_at(place.zone)
        if opens is None or at < opens:
            return False
        if self.state == "WITHDRAWN" and (self.withdrawn_at is None or at >= self.withdrawn_at):
            return False
        last = self.ends.get(place.site, self.ends.get(EVERYWHERE))
        return last is None or at < start_of_day(place.zone, last)


@dataclass(frozen=True, slots=True)
class Document:
    """retired: place -> first local day on which nothing governs there."""

    document: str
    title: str
    retired: Mapping[str, date]
    versions: Sequence[Version]

    def version(self, number: int) -> Version | None:
        return next((v for v in self.versions if v.number == number), None)


def governing(document: Document, place: Place, at: datetime) -> Version | None:
    """The version with the latest effective instant of those that stand; a tie goes to the highest number (C-06)."""
    if _retired(document, place, at):
        return None
    found = _effective(document.versions, place, at)
    return max(found, key=lambda entry: entry[:2], default=(None, None, None))[2]


def check_readable(
    document: Document, version: Version, place: Place, at: datetime, *, assigned: bool
) -> None:
    """Raises StateError when the version may not be read and signed at the place and instant.

    assigned: the reader has an open assignment to this version, at whatever place.
    """
    shown = f"{document.document} version {version.number}"
    opens = version.opens_at(place.zone)
    if opens is None or at < opens:
        raise StateError("not-approved", f"{shown} is not approved: its training window is not open")
    if not version.stands(place, at):
        raise StateError("not-standing", f"{shown} was withdrawn or has ended at {place.site}")
    if assigned:
        return
    if _retired(document, place, at):
        raise StateError("retired", f"{document.document} is retired at {place.site}")
    present = governing(document, place, at)
    since = version.effective_at(place)
    if present is not None and present.number != version.number and since is not None and since <= at:
        raise StateError("superseded", f"{shown} governs no longer: version {present.number} does")


def file_for(version: Version, language: str | None) -> File:
    """The file in the language asked for; its main language (`nl` for `nl-BE`) will do, else the first file (SR-18).

    Raises StateError when the version has no file here, as those of an import: nothing could be shown, so nothing
    can be signed.
    """
    if not version.content or not version.sections:
        raise StateError("no-content", f"version {version.number} has no file here that could be read")
    if language:
        for wanted in (language.lower(), language.lower().split("-")[0]):
            for file in version.content:
                if file.language.lower() == wanted:
                    return file
    return version.content[0]


def _effective(
    versions: Iterable[Version], place: Place, at: datetime
) -> list[tuple[datetime, int, Version]]:
    return [
        (since, version.number, version)
        for version in versions
        if (since := version.effective_at(place)) is not None and since <= at and version.stands(place, at)
    ]


def _retired(document: Document, place: Place, at: datetime) -> bool:
    day = document.retired.get(place.site, document.retired.get(EVERYWHERE))
    return day is not None and at >= start_of_day(place.zone, day)
