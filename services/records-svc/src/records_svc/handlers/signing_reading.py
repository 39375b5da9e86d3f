"""The signature under a reading (R-17, SR-01, SR-04, SR-05): kind `reading`, meaning `read_and_understood`.

Key: `<document>/<version>`. inputs: `language`, optional, which file was read; by default the one opened last. One
transaction holds the signature, the record with its evidence, the audit entries and the event (SR-13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attest_contracts.events.records_training_record import training_record_signed
from servicekit.bus import announce, claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.policy import Parts
from servicekit.problems import invalid
from servicekit.signing import Prepared, Signature
from sqlalchemy import insert

from records_svc import outbound
from records_svc.db import tables
from records_svc.domain.reading import Session, opened_sections, signed_content
from records_svc.domain.vocabulary import MEANING_TEXTS, READ_AND_UNDERSTOOD, SourceClass
from records_svc.handlers import reading
from records_svc.handlers.reading import Material
from records_svc.handlers.shown import local
from records_svc.projections import queries

MEANINGS = {READ_AND_UNDERSTOOD: MEANING_TEXTS[READ_AND_UNDERSTOOD]}


@dataclass(frozen=True, slots=True)
class Read:
    """A reading that may be signed. sections: when each was opened; instants are text."""

    reader: str
    material: Material
    session: Session
    sections: Sequence[Mapping[str, Any]]
    assignment: str | None
    corrects: str | None


class ReadingSignable:
    """The content for a reader before signing, and the record that the signature makes."""

    action = "record.sign_own"
    meanings = MEANINGS

    async def load(self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool) -> Read:
        language = _language(inputs)
        reader = caller.subject or ""
        document, number = reading.split_key(key)
        if lock:
            await reading.lock(tx, reader, document, number)
            await claim(tx, [])
        read = await reading.material(tx, reader, document, number)
        file = read.file(language)
        session = await reading.open_session(tx, reader, document, number, file.sha256 if language else None)
        sections = [
            section
            | {name: outbound.instant(section[name]) for name in ("first_opened_at", "last_opened_at")}
            for section in opened_sections(read.version.sections, await reading.opened_in(tx, session))
        ]
        assert session is not None
        corrects = await queries.uncorrected(tx, reader, document, number)
        return Read(reader, read, session, sections, read.assignment and read.assignment.assignment, corrects)

    def parts(self, subject: Read) -> Parts:
        return {"person": subject.reader}

    def prepare(self, subject: Read, meaning: str, now: datetime) -> Prepared:
        read, session = subject.material, subject.session
        content = _content(subject)
        return Prepared(
            content=content,
            content_version=f"session {session.id}",
            meaning=meaning,
            meaning_text=self.meanings[meaning],
            display={
                "title": f"{read.document.document} version {session.version}: {read.document.title}",
                "person": subject.reader,
                "document": session.document,
                "version": session.version,
                "document_title": read.document.title,
                "content_sha256": session.sha256,
                "language": session.language,
                "sections": [
                    {
                        **section,
                        **{
                            name: local(section[name], read.place.zone)
                            for name in ("first_opened_at", "last_opened_at")
                        },
                    }
                    for section in subject.sections
                ],
                "place": read.place.site,
                "time_zone": read.place.zone,
                "assignment": subject.assignment,
            },
            time_zone=read.place.zone,
        )

    async def apply(self, tx: Tx, subject: Read, signature: Signature) -> None:
        content = _content(subject)
        record = new_id()
        at = await claim(tx, [(outbound.TOPIC, record)])
        await tx.execute(
            insert(tables.training_record).values(
                record=record,
                person=content["person"],
                item=content["item"],
                number=content["version"],
                methods=content["methods"],
                result=content["result"],
                completed_at=at,
                valid_from=at,
                place=content["place"],
                time_zone=content["time_zone"],
                source_class=SourceClass.NATIVE.value,
                assignment=subject.assignment,
                session=content["session"],
                content_sha256=content["content_sha256"],
                language=content["language"],
                sections=content["sections"],
                signature=signature.id,
                corrects=subject.corrects,
                recorded_at=at,
            )
        )
        row = await queries.record_row(tx, record)
        assert row is not None
        what = outbound.happened("signed", valid_from=at)
        await announce(tx, [training_record_signed(outbound.record_state(row, [signature]), what)])


def _content(subject: Read) -> dict[str, Any]:
    place = subject.material.place
    return signed_content(subject.session, subject.sections, place.site, place.zone)


def _language(inputs: Mapping[str, Any]) -> str | None:
    language = inputs.get("language")
    if set(inputs) - {"language"}:
        raise invalid("inputs", "unexpected", "a reading takes language and nothing else")
    if language is not None and not isinstance(language, str):
        raise invalid("inputs.language", "not-a-text", "a BCP 47 tag, such as nl")
    return language
