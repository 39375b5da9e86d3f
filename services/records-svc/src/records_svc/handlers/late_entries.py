"""Late entries (R-18, SR-15): proposed with a scan, verified by a second person's signature, or refused.

Signing kind `late_entry`, meaning `verify`, key its id, no inputs. The record that the signature makes is valid from
the ink signature and known from now on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from plantkit.scope import resource_of
from servicekit.aggregates import carry_out, create, load
from servicekit.db import Tx
from servicekit.domain import RuleError
from servicekit.http.caller import Caller
from servicekit.ids import is_uuid, new_id
from servicekit.policy import Parts, Policy
from servicekit.problems import Problem, not_found
from servicekit.signing import Prepared, Signature, no_inputs
from sqlalchemy.dialects.postgresql import insert as upsert

from records_svc import outbound
from records_svc.aggregates import LATE_ENTRY
from records_svc.db import tables
from records_svc.domain import late_entry as rules
from records_svc.domain.late_entry import LateEntry, Propose, Verify
from records_svc.domain.places import place_at
from records_svc.domain.vocabulary import MEANING_TEXTS, VERIFY, ordered
from records_svc.handlers.shown import local
from records_svc.projections import queries
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
    """The data of the paper as the first person enters them. score: percent."""

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
    """The id of the proposed entry. Raises RuleError naming the field."""
    person = await person_of(tx, entry.person)
    if person is None:
        raise RuleError("person", "unknown", f"{entry.person} is not known here")
    document = await document_of(tx, entry.document)
    if document is None:
        raise RuleError("document", "unknown", f"{entry.document} is not known here")
    version = document.version(entry.version)
    if version is None:
        raise RuleError("version", "unknown", f"{entry.document} has no version {entry.version}")
    if entry.evaluator and await person_of(tx, entry.evaluator) is None:
        raise RuleError("evaluator", "unknown", f"{entry.evaluator} is not known here")
    if entry.corrects:
        await _check_corrects(tx, entry)
    place = place_at(person, await zones(tx), entry.ink_signed_at)
    proposed = LateEntry(
        late_entry=new_id(),
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
        corrects=entry.corrects or await queries.uncorrected(tx, entry.person, entry.document, entry.version),
        proposed_by=proposer,
        recorded_at=tx.now,
    )
    await create(tx, LATE_ENTRY, proposed.late_entry, Propose(proposed, person, version))
    await tx.execute(upsert(tables.scan).on_conflict_do_nothing(), {"sha256": scan.sha256, "body": scan.data})
    return proposed.late_entry


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


def content_of(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The content that the signature binds, from the stored entry."""
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
    return place_at(known, await zones(tx), tx.now).zone


MEANINGS = {VERIFY: MEANING_TEXTS[VERIFY]}


@dataclass(frozen=True, slots=True)
class Checked:
    """A late entry, the open assignment that its record will fulfil, and the zone of the one who checks it."""

    entry: LateEntry
    assignment: str | None
    zone: str


class LateEntrySignable:
    """The content for the second person, and the record that the signature makes. No inputs."""

    action = ACTION
    meanings = MEANINGS

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def load(
        self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Checked:
        no_inputs(inputs)
        entry = await load(tx, LATE_ENTRY, key, lock=lock)
        self._policy.require(caller, ACTION, await resource_of(tx, entry.person))
        found = await open_assignment(tx, entry.person, entry.item, entry.number)
        zone = await signer_zone(tx, caller.subject or "")
        return Checked(entry, found and found.assignment, zone)

    def parts(self, subject: Checked) -> Parts:
        return {"person": subject.entry.person, "proposer": subject.entry.proposed_by}

    def prepare(self, subject: Checked, meaning: str, now: datetime) -> Prepared:
        entry = subject.entry
        rules.check_open(entry)
        content = content_of(asdict(entry))
        return Prepared(
            content=content,
            content_version="1",
            meaning=meaning,
            meaning_text=self.meanings[meaning],
            display={
                "title": f"LATE ENTRY: {entry.person}, {entry.item} version {entry.number}",
                **content,
                "ink_signed_at": local(entry.ink_signed_at, entry.time_zone),
                "scan_media_type": entry.scan_media_type,
            },
            time_zone=subject.zone,
        )

    async def apply(self, tx: Tx, subject: Checked, signature: Signature) -> None:
        await carry_out(tx, LATE_ENTRY, subject.entry, Verify(new_id(), signature, subject.assignment))


async def _check_corrects(tx: Tx, entry: Entry) -> None:
    assert entry.corrects is not None
    row = await queries.record_row(tx, entry.corrects) if is_uuid(entry.corrects) else None
    if row is None or (row["person"], row["item"]) != (entry.person, entry.document):
        raise RuleError("corrects", "unknown", "there is no such record of this person and document")
    if row["marked_at"] is None:
        raise RuleError("corrects", "not-in-error", "only a record marked as made in error is corrected")
