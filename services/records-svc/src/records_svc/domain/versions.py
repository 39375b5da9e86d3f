"""Versions of a document, as far as reading needs them: which of them may be read where (R-63, SR-05).

A version may be read from the opening of its training window (its approval) until another has taken its place; an
assignment to it makes it readable at other places too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from plantkit import governing as plant
from plantkit.governing import Effective, VersionAtPlace
from plantkit.time import BEGINNING
from servicekit.domain import StateError

from records_svc.domain.places import Place


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

    def at_place(self, place: Place) -> VersionAtPlace:
        """The version as it stands at the place."""
        return VersionAtPlace(
            number=self.number,
            window_opens=plant.window_opens(self.approved_at, self.approved_on, place.zone),
            effective_at=plant.effective_at(self.effective, place.site, place.zone),
            ends_at=plant.starts_at(self.ends, place.site, place.zone),
            withdrawn_at=(self.withdrawn_at or BEGINNING) if self.state == "WITHDRAWN" else None,
        )


@dataclass(frozen=True, slots=True)
class Document:
    """retired: place -> first local day on which nothing governs there."""

    document: str
    title: str
    retired: Mapping[str, date]
    versions: Sequence[Version]

    def version(self, number: int) -> Version | None:
        return next((v for v in self.versions if v.number == number), None)

    def retired_at(self, place: Place) -> datetime | None:
        """The instant from which nothing governs at the place; None: no retirement is stated."""
        return plant.starts_at(self.retired, place.site, place.zone)


def governing(document: Document, place: Place, at: datetime) -> Version | None:
    """The version that governs at the place and instant, by the rule of `plantkit.governing` (C-06)."""
    here = [version.at_place(place) for version in document.versions]
    found = plant.governing(here, at, document.retired_at(place))
    return None if found is None else document.version(found.number)


def check_readable(
    document: Document, version: Version, place: Place, at: datetime, *, assigned: bool
) -> None:
    """Raises StateError when the version may not be read and signed at the place and instant.

    assigned: the reader has an open assignment to this version, at whatever place.
    """
    shown = f"{document.document} version {version.number}"
    here = version.at_place(place)
    if here.window_opens is None or at < here.window_opens:
        raise StateError("not-approved", f"{shown} is not approved: its training window is not open")
    if here.ended(at):
        raise StateError("not-standing", f"{shown} was withdrawn or has ended at {place.site}")
    if assigned:
        return
    retired_at = document.retired_at(place)
    if retired_at is not None and at >= retired_at:
        raise StateError("retired", f"{document.document} is retired at {place.site}")
    present = governing(document, place, at)
    since = here.effective_at
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
