"""Reading: what there is to read, and the sections that were opened (SR-05, R-63)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from servicekit.bus import claim
from servicekit.db import Tx
from servicekit.domain import StateError
from servicekit.ids import new_id
from servicekit.problems import invalid, not_found
from sqlalchemy import insert, update

from records_svc.db import tables
from records_svc.domain.places import Person, Place, has_left, place_at
from records_svc.domain.reading import Opened, Session
from records_svc.domain.versions import Document, File, Version, check_readable, file_for
from records_svc.projections.assignments import Assignment, open_assignment
from records_svc.projections.documents import document_of
from records_svc.projections.people import person_of, zones


@dataclass(frozen=True, slots=True)
class Material:
    """A version that its reader may read now. assignment: the open one that reading it fulfils, if any."""

    reader: Person
    place: Place
    document: Document
    version: Version
    assignment: Assignment | None

    def file(self, language: str | None) -> File:
        return file_for(self.version, language or self.reader.language)


async def material(tx: Tx, reader: str, document: str, number: int) -> Material:
    """Raises StateError when the reader has left (R-63) or the version is not to be read; 404 for an unknown one.

    Leave does not matter: who is on leave may read, and it counts from the signature.
    """
    person = await person_of(tx, reader)
    if person is None:
        raise StateError("person-unknown", f"{reader} is not known here yet")
    place = place_at(person, await zones(tx), tx.now)
    if has_left(person, place.zone, tx.now):
        raise StateError("separated", "who has left signs no training any more")
    found = await document_of(tx, document)
    version = found.version(number) if found else None
    if found is None or version is None:
        raise not_found("version", f"{document} version {number}")
    assignment = await open_assignment(tx, reader, document, number)
    check_readable(found, version, place, tx.now, assigned=assignment is not None)
    return Material(person, place, found, version, assignment)


async def open_section(
    tx: Tx, reader: str, document: str, number: int, section: str, language: str | None
) -> dict[str, Any]:
    """Keeps that the section was opened now, by the clock of the database; again moves the last time alone."""
    read = await material(tx, reader, document, number)
    file = read.file(language)
    if section not in {s.id for s in read.version.sections}:
        raise not_found("section", section)
    await lock(tx, reader, document, number)
    session = await open_session(tx, reader, document, number, file.sha256)
    at = await claim(tx, [])
    if session is None:
        session = Session(new_id(), reader, document, number, file.sha256, file.language)
        await tx.execute(
            insert(tables.reading_session).values(
                session=session.id,
                person=reader,
                item=document,
                number=number,
                content_sha256=file.sha256,
                language=file.language,
                recorded_at=at,
            )
        )
    opened = tables.section_opened
    known = await tx.one(
        "SELECT version, first_opened_at FROM app.section_opened WHERE session = :session AND section = :section",
        {"session": session.id, "section": section},
    )
    if known is None:
        await tx.execute(
            insert(opened).values(
                session=session.id, section=section, version=1, first_opened_at=at, last_opened_at=at
            )
        )
    else:
        await tx.execute(
            update(opened)
            .where(opened.c.session == session.id, opened.c.section == section)
            .values(version=known["version"] + 1, last_opened_at=at)
        )
    return {
        "document": document,
        "version": number,
        "section": section,
        "language": file.language,
        "content_sha256": file.sha256,
        "first_opened_at": known["first_opened_at"] if known else at,
        "last_opened_at": at,
    }


async def lock(tx: Tx, reader: str, document: str, number: int) -> None:
    """One at a time for a reader and version: of two requests at once one session comes, and one record."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))",
        {"key": f"reading/{reader}/{document}/{number}"},
    )


async def open_session(
    tx: Tx, reader: str, document: str, number: int, sha256: str | None = None
) -> Session | None:
    """The session on which no record rests yet: of the file, or the one that was used last."""
    row = await tx.one(
        "SELECT s.* FROM app.reading_session s LEFT JOIN app.training_record r ON r.session = s.session"
        " WHERE s.person = :person AND s.item = :item AND s.number = :number AND r.session IS NULL"
        " AND (CAST(:sha256 AS text) IS NULL OR s.content_sha256 = :sha256) ORDER BY (SELECT max(o.last_opened_at)"
        " FROM app.section_opened o WHERE o.session = s.session) DESC, s.session DESC LIMIT 1",
        {"person": reader, "item": document, "number": number, "sha256": sha256},
    )
    return None if row is None else session_of(row)


def session_of(row: Mapping[Any, Any]) -> Session:
    """row: a reading session, or the training record that rests on one."""
    return Session(
        str(row["session"]),
        row["person"],
        row["item"],
        row["number"],
        row["content_sha256"],
        row["language"],
    )


async def opened_in(tx: Tx, session: Session | None) -> dict[str, Opened]:
    """Section -> when it was opened in the session."""
    if session is None:
        return {}
    rows = await tx.rows(
        "SELECT section, first_opened_at, last_opened_at FROM app.section_opened WHERE session = :session",
        {"session": session.id},
    )
    return {row["section"]: Opened(row["first_opened_at"], row["last_opened_at"]) for row in rows}


def split_key(key: str) -> tuple[str, int]:
    """`<document>/<version>` of a signing intent. Raises a 422 problem for anything else."""
    document, _, number = key.rpartition("/")
    if not document or not number.isdecimal():
        raise invalid("key", "not-a-version", "the key is <document>/<version>")
    return document, int(number)
