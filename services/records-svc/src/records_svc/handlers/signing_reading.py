"""The signature under a reading (R-17, SR-01, SR-04, SR-05): kind `reading`, meaning `read_and_understood`.

Key: `<document>/<version>`. inputs: `language`, optional, which file was read; by default the one opened last. One
transaction holds the signature, the record with its evidence, the audit entries and the event (SR-13).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.bus import announce, claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.problems import forbidden, invalid
from servicekit.signing import Prepared, Signature, Statement, insert_signature
from sqlalchemy import insert

from records_svc import outbound
from records_svc.db import queries, tables
from records_svc.domain.reading import opened_sections, signed_content
from records_svc.domain.vocabulary import MEANING_TEXTS, READ_AND_UNDERSTOOD, READING, SourceClass
from records_svc.handlers import reading
from records_svc.handlers.problems import as_problems
from records_svc.handlers.shown import local
from records_svc.projections.assignments import open_assignment


class ReadingSignable:
    """What a reader is shown before signing, and the record that the signature makes."""

    action = "record.sign_own"

    async def prepare(
        self, tx: Tx, caller: Caller, key: str, meaning: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Prepared:
        check_meaning(meaning, READ_AND_UNDERSTOOD)
        language = _language(inputs)
        if caller.subject is None:
            raise forbidden("no-person", "only a person can read and sign")
        document, number = reading.split_key(key)
        if lock:
            await reading.lock(tx, caller.subject, document, number)
        with as_problems():
            read = await reading.material(tx, caller.subject, document, number)
            file = read.file(language)
            session = await reading.open_session(
                tx, caller.subject, document, number, file.sha256 if language else None
            )
            sections = [
                section
                | {name: outbound.instant(section[name]) for name in ("first_opened_at", "last_opened_at")}
                for section in opened_sections(read.version.sections, await reading.opened_in(tx, session))
            ]
        assert session is not None
        content = signed_content(session, sections, read.place.site, read.place.zone)
        return Prepared(
            content=content,
            content_version=f"session {session.id}",
            meaning=meaning,
            meaning_text=MEANING_TEXTS[meaning],
            display={
                "title": f"{document} version {number}: {read.document.title}",
                "person": caller.subject,
                "document": document,
                "version": number,
                "document_title": read.document.title,
                "content_sha256": session.sha256,
                "language": session.language,
                "sections": [
                    section
                    | {
                        name: local(section[name], read.place.zone)
                        for name in ("first_opened_at", "last_opened_at")
                    }
                    for section in sections
                ],
                "place": read.place.site,
                "time_zone": read.place.zone,
                "assignment": read.assignment.assignment if read.assignment else None,
            },
            time_zone=read.place.zone,
        )

    async def apply(
        self,
        tx: Tx,
        caller: Caller,
        key: str,
        inputs: Mapping[str, Any],
        prepared: Prepared,
        statement: Statement,
    ) -> Signature:
        content = prepared.content
        record = new_id()
        at = await claim(tx, [(outbound.TOPIC, record)])
        signature = await insert_signature(tx, READING, key, prepared, statement)
        person, item, number = content["person"], content["item"], content["version"]
        assignment = await open_assignment(tx, person, item, number)
        await tx.execute(
            insert(tables.training_record).values(
                record=record,
                person=person,
                item=item,
                number=number,
                methods=content["methods"],
                result=content["result"],
                completed_at=at,
                valid_from=at,
                place=content["place"],
                time_zone=content["time_zone"],
                source_class=SourceClass.NATIVE.value,
                assignment=assignment.assignment if assignment else None,
                session=content["session"],
                content_sha256=content["content_sha256"],
                language=content["language"],
                sections=content["sections"],
                signature=signature.id,
                corrects=await queries.uncorrected(tx, person, item, number),
                recorded_at=at,
            )
        )
        await announce_record(tx, record, "signed", "signed")
        return signature


async def announce_record(tx: Tx, record: str, event: str, kind: str, *, reason: str | None = None) -> None:
    """The whole record as it stands now. reason: stated with the record, never the free text of a request."""
    row = await queries.record_row(tx, record)
    assert row is not None
    state = outbound.record_state(row, await queries.signatures(tx, row))
    valid_from = row["marked_at"] or row["valid_from"]
    what = outbound.happened(kind, reason=reason, valid_from=valid_from)
    await announce(tx, [outbound.training_record(event, state, what)])


def check_meaning(meaning: str, known: str) -> None:
    if meaning != known:
        raise invalid("meaning", "unknown", f"the meaning of this signature is {known}")


def _language(inputs: Mapping[str, Any]) -> str | None:
    language = inputs.get("language")
    if set(inputs) - {"language"}:
        raise invalid("inputs", "unexpected", "a reading takes language and nothing else")
    if language is not None and not isinstance(language, str):
        raise invalid("inputs.language", "not-a-text", "a BCP 47 tag, such as nl")
    return language
