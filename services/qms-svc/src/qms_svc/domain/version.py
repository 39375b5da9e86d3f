"""One version of a controlled document: what it is, and what it plans or states about its effect.

A version is never changed once it is approved; what moves are its effective dates. EFFECTIVE and SUPERSEDED are no
states: they follow, place by place, from the facts (QM-01, R-01, R-05).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from plantkit import governing as plant
from plantkit.governing import Effective, VersionAtPlace
from plantkit.time import BEGINNING


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
    """The training that a version requires of the people concerned (QM-03)."""

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
    """effective, ends: what the draft plans until the version is approved, then every statement made.

    version: of its row. content: {sha256, size, media_type, language} of each file. sections: {id, title, level,
    line_from, line_to}.
    """

    document: str
    number: int
    state: VersionState
    effective: Sequence[Effective] = ()
    ends: Sequence[End] = ()
    withdrawn_at: datetime | None = None
    version: int = 1
    change_class: ChangeClass | None = None
    training_decision: TrainingDecision | None = None
    change: str | None = None
    summary: str | None = None
    minutes: int | None = None
    content: Sequence[Mapping[str, Any]] = ()
    sections: Sequence[Mapping[str, Any]] = ()
    sections_changed: Sequence[str] | None = None
    approved_at: datetime | None = None
    approved_on: date | None = None
    source_class: str = "NATIVE"
    recorded_at: datetime = BEGINNING

    @property
    def name(self) -> str:
        return f"{self.document}/{self.number}"

    @property
    def is_unapproved(self) -> bool:
        return self.state in (VersionState.DRAFT, VersionState.IN_REVIEW)

    @property
    def is_decided(self) -> bool:
        """Whether the class and the training decision stand; before that a draft is not announced."""
        return self.training_decision is not None and self.change_class is not None

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
