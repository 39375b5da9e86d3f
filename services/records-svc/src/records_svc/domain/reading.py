"""A reading: what was shown, which sections were opened and when, and what its signature binds (SR-01, SR-05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from servicekit.domain import FieldsError

from records_svc.domain.versions import Section
from records_svc.domain.vocabulary import MEANING_EDITION, Method, Result


@dataclass(frozen=True, slots=True)
class Opened:
    """First and last time at which a section was opened in the session."""

    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One reading of one file by one person; it ends with the record that rests on it."""

    id: str
    person: str
    document: str
    version: int
    sha256: str
    language: str


def opened_sections(sections: Sequence[Section], opened: Mapping[str, Opened]) -> list[dict[str, Any]]:
    """The times of each section that the record keeps, in reading order. Raises FieldsError naming each that is missing."""
    missing = [section for section in sections if section.id not in opened]
    if missing:
        raise FieldsError(
            "unopened-sections",
            "Not every section was opened",
            f"open before signing: {', '.join(section.title for section in missing)}",
            [(f"sections.{section.id}", "not-opened", section.title) for section in missing],
        )
    return [
        {
            "id": section.id,
            "title": section.title,
            "first_opened_at": opened[section.id].first_at,
            "last_opened_at": opened[section.id].last_at,
        }
        for section in sections
    ]


def signed_content(
    session: Session, sections: Sequence[Mapping[str, Any]], site: str, zone: str
) -> dict[str, Any]:
    """The content that a signature of the kind `reading` binds. Made again from the stored record it gives the same digest.

    sections: as `opened_sections` made them, their instants already as text that sorts as time does. The session makes
    it this one record's alone: a signature copied to another does not fit there (21 CFR 11.70).
    """
    return {
        "kind": "reading",
        "meaning_edition": MEANING_EDITION,
        "session": session.id,
        "person": session.person,
        "item": session.document,
        "version": session.version,
        "methods": [Method.R.value],
        "result": Result.PASS.value,
        "evaluator": None,
        "content_sha256": session.sha256,
        "language": session.language,
        "sections": [dict(section) for section in sections],
        "first_opened_at": min(section["first_opened_at"] for section in sections),
        "last_opened_at": max(section["last_opened_at"] for section in sections),
        "place": site,
        "time_zone": zone,
    }
