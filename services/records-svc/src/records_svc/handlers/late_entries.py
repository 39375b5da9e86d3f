"""Late entries (R-18, SR-15): proposed with a scan, verified by a second person's signature, or refused.

Signing kind `late_entry`, meaning `verify`, key its id, no inputs. The record that the signature makes is valid from
the ink signature and known from now on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from servicekit.bus import claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import is_uuid, new_id
from servicekit.policy import Policy
from servicekit.problems import Problem, forbidden, invalid, not_found
from servicekit.signing import Prepared, Signature, Statement, insert_signature
from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert

from records_svc import outbound
from records_svc.db import queries, tables
from records_svc.db.scope import resource_of
from records_svc.domain import late_entry as rules
from records_svc.domain.errors import NotYoursError, RuleError
from records_svc.domain.places import place_at
from records_svc.domain.vocabulary import LATE_ENTRY, MEANING_TEXTS, VERIFY, SourceClass, ordered
from records_svc.handlers.problems import as_problems
from records_svc.handlers.shown import local
from records_svc.handlers.signing_reading import announce_record, check_meaning
from records_svc.projections.assignments import open_assignment
from records_svc.projections.documents import document_of
from records_svc.projections.people import person_of, zones

ACTION = "record.late_entry"


@dataclass(frozen=True, slots=True)
class Scan:
    """A checked scan. sha256: of its bytes, lower-case hex."""

    data: bytes
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the first person says that the paper shows. score: percent."""

    person: str
    document: str
    version: int
    methods: Sequence[str]
    ink_signed_at: datetime
    reason: str
    result: str
    score: Decimal | None
    evaluator: str | None
    corrects: str | None


async def examine(data: bytes) -> Scan:
    """Sniffs the type and computes the digest, beside the event loop. Raises RuleError."""
    media_type = rules.sniff(data)
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
    return Scan(data, sha256, media_type)


async def propose(tx: Tx, proposer: str, entry: Entry, scan: Scan) -> str:
    """The id of the proposed entry. Raises RuleError naming the field, or NotYoursError."""
    person = await person_of(tx, entry.person)
    if person is None:
        raise RuleError("person", "unknown", f"{entry.person} is not known here")
    document = await document_of(tx, entry.document)
    if document is None:
        raise RuleError("document", "unknown", f"{entry.document} is not known here")
    version = document.version(entry.version)
    if version is None:
        raise RuleError("version", "unknown", f"{entry.document} has no version {entry.version}")
    place = place_at(person, await zones(tx), entry.ink_signed_at)
    rules.check_proposal(
        person=person,
        version=version,
        methods=entry.methods,
        ink_signed_at=entry.ink_signed_at,
        score_given=entry.score is not None,
        evaluator=entry.evaluator,
        place=place,
        proposer=proposer,
        now=tx.now,
    )
    if entry.evaluator and await person_of(tx, entry.evaluator) is None:
        raise RuleError("evaluator", "unknown", f"{entry.evaluator} is not known here")
    if entry.corrects:
        await _check_corrects(tx, entry)
    at = await claim(tx, [])
    await tx.execute(upsert(tables.scan).on_conflict_do_nothing(), {"sha256": scan.sha256, "body": scan.data})
    late_entry = new_id()
    await tx.execute(
        insert(tables.late_entry).values(
            late_entry=late_entry,
            person=entry.person,
            item=entry.document,
            number=entry.version,
            methods=ordered(list(entry.methods)),
            result=entry.result,
            score=entry.score,
            evaluator=entry.evaluator,
            ink_signed_at=entry.ink_signed_at,
            place=place.site,
            time_zone=place.zone,
            scan_sha256=scan.sha256,
            scan_media_type=scan.media_type,
            scan_size=len(scan.data),
            entry_reason=entry.reason,
            corrects=entry.corrects
            or await queries.uncorrected(tx, entry.person, entry.document, entry.version),
            proposed_by=proposer,
            recorded_at=at,
        )
    )
    return late_entry


async def refuse(tx: Tx, row: Mapping[Any, Any], person: str, reason: str) -> None:
    """The entry makes no record. Who entered it may take it back; the trainee has no hand in it."""
    await lock_proposal(tx, str(row["late_entry"]))
    row = await existing(tx, str(row["late_entry"]))
    if person == row["person"]:
        raise NotYoursError("own-late-entry", "nobody decides on a late record of their own")
    rules.check_open(row["state"])
    await insert_refusal(tx, str(row["late_entry"]), person, reason)


async def insert_refusal(tx: Tx, proposal: str, person: str, reason: str) -> None:
    at = await claim(tx, [])
    await tx.execute(
        insert(tables.refusal).values(
            proposal=proposal, refusal_reason=reason, refused_by=person, recorded_at=at
        )
    )


async def read_scan(tx: Tx, sha256: str) -> bytes:
    """The bytes as they were entered, their digest verified on each read."""
    data = bytes(await tx.scalar("SELECT body FROM app.scan WHERE sha256 = :sha256", {"sha256": sha256}))
    if await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest()) != sha256:
        raise Problem(500, "scan-damaged", "The scan is not what was entered", "tell the administrator")
    return data


async def existing(tx: Tx, late_entry: str) -> Mapping[Any, Any]:
    row = await queries.late_entry_row(tx, late_entry) if is_uuid(late_entry) else None
    if row is None:
        raise not_found("late entry", late_entry)
    return row


async def lock_proposal(tx: Tx, proposal: str) -> None:
    """One decision on a proposal: the second of two at once sees the first."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", {"key": f"proposal/{proposal}"}
    )


def content_of(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What the signature bound, from the stored entry."""
    return rules.signed_content(
        {
            **row,
            "late_entry": str(row["late_entry"]),
            "version": row["number"],
            "methods": list(row["methods"]),
            "score": None if row["score"] is None else str(row["score"]),
            "ink_signed_at": outbound.instant(row["ink_signed_at"]),
            "corrects": None if row["corrects"] is None else str(row["corrects"]),
        }
    )


async def signer_zone(tx: Tx, person: str) -> str:
    """The zone in which the signature's time is shown: that of the signer's place, UTC when none is known."""
    known = await person_of(tx, person)
    if known is None or not known.places:
        return "UTC"
    with as_problems():
        return place_at(known, await zones(tx), tx.now).zone


class LateEntrySignable:
    """What the second person is shown, and the record that the signature makes."""

    action = ACTION

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def prepare(
        self, tx: Tx, caller: Caller, key: str, meaning: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Prepared:
        check_meaning(meaning, VERIFY)
        if inputs:
            raise invalid("inputs", "unexpected", "the check of a late entry takes no further input")
        if caller.subject is None:
            raise forbidden("no-person", "only a person can sign")
        if lock:
            await lock_proposal(tx, key)
        row = await existing(tx, key)
        self._policy.require(caller, ACTION, await resource_of(tx, row["person"]))
        with as_problems():
            rules.check_verifier(row, caller.subject)
        content = content_of(row)
        return Prepared(
            content=content,
            content_version="1",
            meaning=meaning,
            meaning_text=MEANING_TEXTS[meaning],
            display={
                "title": f"LATE ENTRY: {row['person']}, {row['item']} version {row['number']}",
                **content,
                "ink_signed_at": local(row["ink_signed_at"], row["time_zone"]),
                "scan_media_type": row["scan_media_type"],
            },
            time_zone=await signer_zone(tx, caller.subject),
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
        row = await existing(tx, key)
        record = new_id()
        at = await claim(tx, [(outbound.TOPIC, record)])
        signature = await insert_signature(tx, LATE_ENTRY, key, prepared, statement)
        assignment = await open_assignment(tx, row["person"], row["item"], row["number"])
        await tx.execute(
            insert(tables.training_record).values(
                record=record,
                **{
                    name: row[name]
                    for name in (
                        "person",
                        "item",
                        "number",
                        "methods",
                        "result",
                        "score",
                        "evaluator",
                        "place",
                        "time_zone",
                        "corrects",
                    )
                },
                completed_at=row["ink_signed_at"],
                valid_from=row["ink_signed_at"],
                performed_at=row["ink_signed_at"],
                source_class=SourceClass.LATE_ENTRY.value,
                assignment=assignment.assignment if assignment else None,
                late_entry=key,
                signature=signature.id,
                recorded_at=at,
            )
        )
        await announce_record(tx, record, "late-entered", "late_entered", reason=row["entry_reason"])
        return signature


async def _check_corrects(tx: Tx, entry: Entry) -> None:
    assert entry.corrects is not None
    row = await queries.record_row(tx, entry.corrects) if is_uuid(entry.corrects) else None
    if row is None or (row["person"], row["item"]) != (entry.person, entry.document):
        raise RuleError("corrects", "unknown", "there is no such record of this person and document")
    if row["marked_at"] is None:
        raise RuleError("corrects", "not-in-error", "only a record marked as made in error is corrected")
