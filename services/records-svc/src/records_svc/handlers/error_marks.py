"""Records made in error (R-34, SR-03): one person proposes the mark, a second one signs it.

Signing kind `record_error`, meaning `mark_in_error`, key the record's id, no inputs. Nothing is changed or deleted:
the record is shown for ever, with the mark beside it, and counts never again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.bus import claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import is_uuid, new_id
from servicekit.policy import Policy
from servicekit.problems import conflict, forbidden, invalid, not_found
from servicekit.signing import Prepared, Signature, Statement, insert_signature
from sqlalchemy import insert

from records_svc import outbound
from records_svc.db import queries, tables
from records_svc.db.scope import resource_of
from records_svc.domain import correction as rules
from records_svc.domain.vocabulary import MARK_IN_ERROR, MEANING_TEXTS, RECORD_ERROR
from records_svc.handlers.late_entries import insert_refusal, lock_proposal, signer_zone
from records_svc.handlers.problems import as_problems
from records_svc.handlers.shown import local
from records_svc.handlers.signing_reading import announce_record, check_meaning

ACTION = "record.mark_in_error"


async def existing(tx: Tx, record: str) -> Mapping[Any, Any]:
    row = await queries.record_row(tx, record) if is_uuid(record) else None
    if row is None:
        raise not_found("record", record)
    return row


async def propose(tx: Tx, record: str, person: str, reason: str) -> str:
    """The id of the proposal."""
    await lock_proposal(tx, record)
    row = await existing(tx, record)
    rules.check_own(row, person)
    rules.check_proposable(
        marked=row["marked_at"] is not None, proposed=await queries.open_proposal(tx, record) is not None
    )
    at = await claim(tx, [])
    proposal = new_id()
    await tx.execute(
        insert(tables.error_proposal).values(
            proposal=proposal, record=record, error_reason=reason, proposed_by=person, recorded_at=at
        )
    )
    return proposal


async def refuse(tx: Tx, record: str, person: str, reason: str) -> None:
    """The record stands as it is. Who proposed the mark may take it back."""
    await lock_proposal(tx, record)
    row = await existing(tx, record)
    rules.check_own(row, person)
    await insert_refusal(tx, str((await _open(tx, record))["proposal"]), person, reason)


def content_of(
    row: Mapping[Any, Any], record_digest: str | None, proposal: Mapping[Any, Any]
) -> dict[str, Any]:
    """What the signature bound, from the stored record and proposal. record_digest: of its making signature."""
    return rules.signed_content(
        {
            **row,
            "record": str(row["record"]),
            "version": row["number"],
            "methods": list(row["methods"]),
            "completed_at": outbound.instant(row["completed_at"]),
        },
        record_digest,
        {**proposal, "proposal": str(proposal["proposal"])},
    )


class ErrorMarkSignable:
    """What the second person is shown, and the mark that the signature makes."""

    action = ACTION

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def prepare(
        self, tx: Tx, caller: Caller, key: str, meaning: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Prepared:
        check_meaning(meaning, MARK_IN_ERROR)
        if inputs:
            raise invalid("inputs", "unexpected", "this signature takes no further input")
        if caller.subject is None:
            raise forbidden("no-person", "only a person can sign")
        if lock:
            await lock_proposal(tx, key)
        row = await existing(tx, key)
        self._policy.require(caller, ACTION, await resource_of(tx, row["person"]))
        proposal = await _open(tx, key)
        with as_problems():
            rules.check_own(row, caller.subject)
            rules.check_second(proposal["proposed_by"], caller.subject)
        made = await queries.signatures(tx, row)
        content = content_of(row, made[0].digest if made else None, proposal)
        return Prepared(
            content=content,
            content_version=f"proposal {proposal['proposal']}",
            meaning=meaning,
            meaning_text=MEANING_TEXTS[meaning],
            display={
                "title": f"Made in error: {row['person']}, {row['item']} version {row['number']}",
                **content,
                "completed_at": local(row["completed_at"], row["time_zone"]),
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
        proposal = await _open(tx, key)
        at = await claim(tx, [(outbound.TOPIC, key)])
        signature = await insert_signature(tx, RECORD_ERROR, key, prepared, statement)
        await tx.execute(
            insert(tables.error_mark).values(
                record=key,
                proposal=proposal["proposal"],
                marked_by=statement.signer,
                signature=signature.id,
                recorded_at=at,
            )
        )
        await announce_record(tx, key, "marked-in-error", "marked_in_error", reason=proposal["error_reason"])
        return signature


async def _open(tx: Tx, record: str) -> Mapping[Any, Any]:
    proposal = await queries.open_proposal(tx, record)
    if proposal is None:
        raise conflict("not-proposed", "nobody proposed to mark this record as made in error")
    return proposal
