"""The plan and the files of a draft of a document version, until the version is approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from plantkit.sites import EVERYWHERE, Sites
from servicekit.domain import RuleError, StateError

from qms_svc.domain.document import Document, check_ends, check_place
from qms_svc.domain.version import Version, VersionState


def next_version(
    document: Document,
    change: str,
    number: int | None,
    plan: Mapping[str, Any],
    file: Mapping[str, Any],
    sections: Sequence[Mapping[str, Any]],
    now: datetime,
) -> Version:
    """The next version of a document (QM-01), or the one with the number that is asked for, as a draft of the change."""
    if EVERYWHERE in document.retired:
        raise StateError("retired", f"{document.document} is retired")
    standing = [v for v in document.versions if v.state != VersionState.WITHDRAWN]
    if any(v.change == change for v in standing):
        raise StateError("version-exists", f"{change} has a version of {document.document} already")
    number = number or 1 + max((v.number for v in document.versions), default=0)
    if document.find(number) is not None:
        raise RuleError("version", "taken", f"{document.document} v{number} exists")
    if any(v.number > number for v in standing if not v.is_unapproved):
        raise RuleError("version", "too-low", f"{document.document} has a higher approved version")
    version = Version(
        document=document.document,
        number=number,
        state=VersionState.DRAFT,
        change=change,
        content=[file],
        sections=sections,
        recorded_at=now,
        **{"effective": [], "ends": [], **plan},
    )
    check_plan(version, document.sites)
    return version


def check_plan(version: Version, sites: Sites) -> None:
    """Places are known; the days themselves are judged at the approval, when it matters whether they are over."""
    places = [entry.place for entry in version.effective]
    for number, entry in enumerate(version.effective):
        check_place(f"effective.{number}.place", entry.place, sites)
        if places.count(entry.place) > 1:
            raise RuleError(f"effective.{number}.place", "repeated", f"{entry.place} has more than one date")
    check_ends("ends", version.ends, version.effective)
    known = {section["id"] for section in version.sections}
    for section in version.sections_changed or []:
        if section not in known:
            raise RuleError("sections_changed", "unknown-section", f"the file has no section {section}")


def with_file(version: Version, file: Mapping[str, Any], new: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The content, sections and changed sections of the version with the file, which has the sections `new`.

    The first file gives the sections; a translation has as many, since their ids are the same in all.
    """
    language = file["language"]
    languages = [entry["language"] for entry in version.content]
    first = not languages or languages[0] == language
    if set(languages) - {language} and len(new) != len(version.sections):
        raise RuleError(
            "file",
            "sections-differ",
            f"the file has {len(new)} sections, the other languages {len(version.sections)}",
        )
    content = [file if entry["language"] == language else entry for entry in version.content]
    if language not in languages:
        content.append(file)
    sections = new if first else version.sections
    known = {section["id"] for section in sections}
    changed = version.sections_changed
    return {
        "content": content,
        "sections": sections,
        "sections_changed": None if changed is None else [s for s in changed if s in known],
    }
