"""Change control: open, describe, submit, recall, cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.problems import conflict, not_found
from sqlalchemy import insert, update

from qms_svc import outbound
from qms_svc.db import queries, tables
from qms_svc.domain.change import ChangeState, check_cancel, check_editable, check_recall, check_submit
from qms_svc.domain.document import VersionState
from qms_svc.handlers.announcing import change_event, change_subject, document_events, document_subject
from qms_svc.handlers.documents import check_revision
from qms_svc.handlers.versions import set_withdrawn

REQUIRED_APPROVALS = 1


async def open_change(
    tx: Tx, *, change: str | None, title: str, author: str, risk_reason: str | None
) -> dict[str, Any]:
    """A new change control in DRAFT; without an id the next `CC-<n>`. 409 for an id that was ever used."""
    if change is None:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('change number', 0))")
        change = f"CC-{await _next_number(tx)}"
    await claim(tx, [change_subject(change)])
    used = await tx.one(
        "SELECT 1 FROM app.change WHERE change = :change"
        " UNION ALL SELECT 1 FROM app.document_version WHERE change = :change",
        {"change": change},
    )
    if used:
        raise conflict("change-exists", f"{change} is taken")
    row = {
        "change": change,
        "version": 1,
        "title": title,
        "change_reason": tx.context.reason,
        "risk_reason": risk_reason,
        "state": ChangeState.DRAFT.value,
        "author": author,
        "contributors": [author],
        "required_approvals": REQUIRED_APPROVALS,
        "approvals": [],
        "approved_at": None,
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(tables.change), row)
    what = outbound.happened("change_opened", reason=tx.context.reason)
    await announce(tx, [await change_event(tx, change, "drafted", what)])
    return row


async def describe(
    tx: Tx, change: str, author: str, revision: int, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Changes title or risk reason of a draft. 409 `stale` when `revision` is not the one that stands."""
    row = await _locked(tx, change)
    check_revision(change, row, revision)
    check_editable(queries.change_of(row))
    values = {name: fields[name] for name in ("title", "risk_reason") if name in fields}
    row = await set_change(tx, row, **values, contributors=sorted({*row["contributors"], author}))
    what = outbound.happened("change_described", reason=tx.context.reason)
    await announce(tx, [await change_event(tx, change, "drafted", what)])
    return row


async def submit(tx: Tx, change: str) -> dict[str, Any]:
    """Into review: nothing is edited any more. 422 names what an approver could not judge (QM-03)."""
    row, versions = await _locked_whole(tx, change)
    check_submit(queries.change_of(row), [v.draft for v in versions], await queries.sites(tx), tx.recorded_at)
    row = await set_change(tx, row, state=ChangeState.IN_REVIEW.value)
    return await _announced(tx, row, versions, VersionState.IN_REVIEW, "submitted", "change_submitted")


async def recall(tx: Tx, change: str) -> dict[str, Any]:
    """Back to draft; approvals given so far are void."""
    row, versions = await _locked_whole(tx, change)
    check_recall(queries.change_of(row))
    row = await set_change(tx, row, state=ChangeState.DRAFT.value, approvals=[])
    return await _announced(tx, row, versions, VersionState.DRAFT, "drafted", "change_recalled")


async def cancel(tx: Tx, change: str) -> dict[str, Any]:
    """Ends the change before any version of it takes effect: its versions are WITHDRAWN (QM-18, R-09)."""
    row, versions = await _locked_whole(tx, change)
    standing = [v for v in versions if v.row["state"] != VersionState.WITHDRAWN]
    check_cancel(
        queries.change_of(row), [v.version for v in standing], await queries.sites(tx), tx.recorded_at
    )
    for stored in standing:
        await set_withdrawn(tx, stored)
    row = await set_change(tx, row, state=ChangeState.CANCELLED.value)
    what = outbound.happened(
        "change_cancelled",
        reason=tx.context.reason,
        valid_from=outbound.instant(tx.recorded_at),
        cause=change,
    )
    documents = sorted({v.row["document"] for v in standing if outbound.is_announced(v)})
    await announce(
        tx,
        [
            await change_event(tx, change, "cancelled", what),
            *await document_events(tx, documents, "version-withdrawn", what),
        ],
    )
    return row


async def set_change(tx: Tx, row: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    values |= {"version": row["version"] + 1, "recorded_at": tx.recorded_at}
    await tx.execute(update(tables.change).where(tables.change.c.change == row["change"]).values(**values))
    return {**row, **values}


async def set_states(tx: Tx, versions: Sequence[queries.Stored], state: VersionState, **values: Any) -> None:
    version = tables.document_version
    for stored in versions:
        await tx.execute(
            update(version)
            .where(version.c.document == stored.row["document"], version.c.number == stored.number)
            .values(state=state.value, version=stored.row["version"] + 1, **values)
        )


async def _announced(
    tx: Tx,
    row: dict[str, Any],
    versions: Sequence[queries.Stored],
    state: VersionState,
    event: str,
    kind: str,
) -> dict[str, Any]:
    await set_states(tx, versions, state)
    what = outbound.happened(kind, reason=tx.context.reason, cause=row["change"])
    documents = sorted({v.row["document"] for v in versions if outbound.is_announced(v)})
    await announce(
        tx,
        [
            await change_event(tx, row["change"], event, what),
            *await document_events(tx, documents, f"version-{event}", what),
        ],
    )
    return row


async def _locked(tx: Tx, change: str) -> Mapping[str, Any]:
    await claim(tx, [change_subject(change)])
    row = await queries.change_row(tx, change)
    if row is None:
        raise not_found("change", change)
    return row


async def _locked_whole(tx: Tx, change: str) -> tuple[Mapping[str, Any], list[queries.Stored]]:
    versions = await queries.versions_of_change(tx, change)
    return await lock_whole(tx, change, versions)


async def lock_whole(
    tx: Tx, change: str, versions: Sequence[queries.Stored]
) -> tuple[Mapping[str, Any], list[queries.Stored]]:
    """The change and its versions as they stand under the lock of all their subjects.

    409 `stale` when a version came or went while the locks were waited for.
    """
    documents = {v.row["document"] for v in versions}
    await claim(tx, [change_subject(change), *(document_subject(d) for d in documents)])
    row = await queries.change_row(tx, change)
    if row is None:
        raise not_found("change", change)
    locked = await queries.versions_of_change(tx, change)
    if {v.row["document"] for v in locked} != documents:
        raise conflict("stale", f"{change} changed meanwhile: read it again")
    return row, locked


async def _next_number(tx: Tx) -> int:
    """Above every number that was ever used, those of imported versions included."""
    return 1 + await tx.scalar(
        "SELECT coalesce(max(CAST(substring(change FROM '^CC-([0-9]{1,9})$') AS bigint)), 0) FROM ("
        "SELECT change FROM app.change UNION ALL SELECT change FROM app.document_version) AS used"
    )
