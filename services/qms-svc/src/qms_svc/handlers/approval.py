"""The signed approval of a change (QM-02, QM-03, PL-06): signing kind `change`, meaning `approve`, key its id.

One transaction: the signature, the change APPROVED, its versions APPROVED with their effective dates as facts, the
audit entries, and the events `qms.document-version-approved` and `qms.change-approved`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from plantkit.governing import Effective
from servicekit.bus.outbox import announce
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.problems import forbidden, invalid, not_found
from servicekit.signing import Prepared, Signature, Statement, insert_signature
from sqlalchemy import insert

from qms_svc import outbound
from qms_svc.db import queries, tables
from qms_svc.domain.change import ChangeState, check_approval, is_last_approval
from qms_svc.domain.document import VersionState
from qms_svc.domain.employment import has_left
from qms_svc.domain.errors import RuleError, StateError
from qms_svc.handlers.announcing import change_event, document_events
from qms_svc.handlers.changes import lock_whole, set_change, set_states
from qms_svc.handlers.problems import problem_of

KIND = "change"
MEANINGS = {
    "approve": "I approve this change: the document versions, the training decisions and the effective dates as shown.",
}


class ChangeSignable:
    """What the approver of a change is shown, and what the signature does. `inputs` is empty."""

    action = "change.sign"

    async def prepare(
        self, tx: Tx, caller: Caller, key: str, meaning: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Prepared:
        if meaning not in MEANINGS:
            raise invalid("meaning", "unknown", f"one of {', '.join(MEANINGS)}")
        if inputs:
            raise invalid("inputs", "unexpected", "the approval of a change takes no further input")
        versions = await queries.versions_of_change(tx, key)
        if lock:
            row, versions = await lock_whole(tx, key, versions)
        else:
            row = await queries.change_row(tx, key)
            if row is None:
                raise not_found("change", key)
        approver = caller.subject or ""
        now = tx.recorded_at if lock else tx.now
        await refuse_leaver(tx, approver)
        try:
            check_approval(
                queries.change_of(row), [v.draft for v in versions], approver, await queries.sites(tx), now
            )
        except (RuleError, StateError) as error:
            raise (problem_of(error) or error) from error
        content = _content(row, versions)
        return Prepared(
            content=content,
            content_version=str(row["version"]),
            meaning=meaning,
            meaning_text=MEANINGS[meaning],
            display={"title": f"{row['change']}: {row['title']}", **content},
            time_zone="UTC",
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
        row, versions = await lock_whole(tx, key, await queries.versions_of_change(tx, key))
        signature = await insert_signature(tx, KIND, key, prepared, statement)
        approval = {
            "person": statement.signer,
            "meaning": prepared.meaning,
            "signature": signature.id,
            "signed_at": outbound.instant(tx.recorded_at),
        }
        approvals = [*row["approvals"], approval]
        what = outbound.happened("change_signed", reason=tx.context.reason, cause=signature.id)
        if not is_last_approval(queries.change_of(row)):
            await set_change(tx, row, state=ChangeState.IN_REVIEW.value, approvals=approvals)
            await announce(tx, [await change_event(tx, key, "signed", what)])
            return signature
        await set_change(
            tx, row, state=ChangeState.APPROVED.value, approvals=approvals, approved_at=tx.recorded_at
        )
        await _approve(tx, versions, signature.id)
        what["kind"] = "change_approved"
        documents = [v.row["document"] for v in versions]
        await announce(
            tx,
            [
                *await document_events(
                    tx, documents, "version-approved", what | {"kind": "version_approved"}
                ),
                await change_event(tx, key, "approved", what),
            ],
        )
        return signature


async def _approve(tx: Tx, versions: Sequence[queries.Stored], signature: str) -> None:
    """The versions become APPROVED at the record time, and what they planned becomes facts."""
    at = tx.recorded_at
    await set_states(tx, versions, VersionState.APPROVED, approved_at=at, recorded_at=at)
    dates = [
        {
            "id": new_id(),
            "document": stored.row["document"],
            "number": stored.number,
            "place": entry.place,
            "on_day": entry.on,
            "at_instant": _instant(entry, at),
            "signature": signature,
            "recorded_at": at,
        }
        for stored in versions
        for entry in stored.effective
    ]
    ends = [
        {
            "id": new_id(),
            "document": stored.row["document"],
            "number": stored.number,
            "place": end.place,
            "on_day": end.on,
            "recorded_at": at,
        }
        for stored in versions
        for end in stored.ends
    ]
    await tx.execute(insert(tables.effective_date), dates)
    if ends:
        await tx.execute(insert(tables.version_end), ends)


def _instant(entry: Effective, approved_at: datetime) -> datetime | None:
    """At the approval itself when neither a day nor an instant was planned (R-58)."""
    return approved_at if entry.on is None and entry.at is None else entry.at


def _content(row: Mapping[str, Any], versions: Sequence[queries.Stored]) -> dict[str, Any]:
    """Everything that the signature is to bind: the files by digest, decisions, dates, texts."""
    return {
        "change": row["change"],
        "change_title": row["title"],
        "reason": row["change_reason"],
        "risk_reason": row["risk_reason"],
        "author": row["author"],
        "versions": [
            {
                "document": stored.row["document"],
                "version": stored.number,
                "change_class": stored.row["change_class"],
                "training_decision": stored.row["training_decision"],
                "effective": [
                    {"place": e.place, "on": outbound.day(e.on), "at": outbound.instant(e.at)}
                    for e in stored.effective
                ],
                "ends": [{"place": e.place, "on": outbound.day(e.on)} for e in stored.ends],
                "content": stored.row["content"],
                "sections": [section["id"] for section in stored.row["sections"]],
                "sections_changed": stored.row["sections_changed"],
                "summary": stored.row["summary"],
                "minutes": stored.row["minutes"],
            }
            for stored in versions
        ],
    }


async def refuse_leaver(tx: Tx, person: str) -> None:
    row = await tx.one("SELECT employments FROM app.person WHERE person = :person", {"person": person})
    if row is not None and has_left(row["employments"], tx.now):
        raise forbidden("separated", "who has left approves nothing any more")
