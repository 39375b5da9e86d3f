"""The audit trail as the service sees it: entries to be announced, and the history of one row."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from servicekit.bus.envelope import instant
from servicekit.bus.kafka_settings import MAX_EVENT_BYTES
from servicekit.bus.outbox import Announcement, announce, claim_once
from servicekit.context import Context
from servicekit.db.database import Database, Tx
from servicekit.ids import new_id
from servicekit.retries import until_it_succeeds

log = logging.getLogger(__name__)

# Room for the envelope around a state.
_MOST_BYTES = MAX_EVENT_BYTES - 16_384
# Characters of a body whose state fits whatever they are: up to four bytes each, some said twice.
_SURELY_FITS = _MOST_BYTES // 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `body` is the exact text that was written; `values` is what it says."""

    id: int
    entity: str
    key: str
    version: int | None
    at: datetime
    actor: str
    body: str

    @property
    def values(self) -> dict[str, Any]:
        return orjson.loads(self.body)


async def trail(tx: Tx, entity: str, key: str, *, after: int = 0, limit: int = 200) -> list[Entry]:
    """The entries of one row, oldest first, from the entry after `after` on.

    entity: the table's name, with its schema unless that is `app`. key: the values of the primary key, joined by `/`.
    """
    rows = await tx.rows(
        "SELECT id, entity, key, version, at, actor, body FROM audit.trail(:entity, :key, :after, :limit)",
        {"entity": entity, "key": key, "after": after, "limit": limit},
    )
    return [Entry(**row) for row in rows]


async def announce_audit(tx: Tx, limit: int = 500) -> int:
    """Announces up to `limit` pending entries on the topic `<service>.audit`; returns how many. 0: none, or
    somebody else is at it.

    Each entry is a subject of its own. It bears the actor, correlation and cause of the change that it tells of.
    The values of personal columns are left out (`servicekit.db.kinds`).
    """
    rows = await tx.rows(
        "SELECT id, entity, key, version, at, actor, body, personal FROM audit.take(:limit)", {"limit": limit}
    )
    if not rows:
        return 0
    topic = f"{tx.source}.audit"
    await claim_once(tx, [(topic, str(row["id"])) for row in rows])
    announcements: list[Announcement] = []
    for row in rows:
        personal = row["personal"]
        entry = Entry(**{name: row[name] for name in Entry.__slots__})
        body = entry.values
        announcements.append(
            Announcement(
                topic=topic,
                type=f"{topic}-recorded.v1",
                subject=str(entry.id),
                key=entry.key,
                state=_state(entry, body, personal),
                change={
                    "kind": "recorded",
                    "reason": body["reason"],
                    "valid_from": None,
                    "cause": body["cause"],
                },
                context=Context(
                    actor=entry.actor,
                    reason=body["reason"],
                    correlation=body["correlation"],
                    cause=body["cause"],
                    on_behalf_of=body["on_behalf_of"],
                ),
            )
        )
    await announce(tx, announcements)
    return len(rows)


async def announce_audit_forever(
    database: Database,
    *,
    wake: asyncio.Event | None = None,
    limit: int = 500,
    poll_s: float = 0.2,
    backoff_max_s: float = 30.0,
) -> None:
    """Announces pending entries until cancelled. Failures are logged and tried again: no entry is passed over.

    wake: something has just been committed; the loop looks at once. Without it the loop looks after `poll_s`, and
    after ten times as long when nothing happens.
    """
    wake = wake or asyncio.Event()
    pause = poll_s

    def failed(error: Exception) -> bool:
        log.error("audit entries are not announced, and tried again: %r", error)
        return True

    while True:
        count = 0
        wake.clear()
        async for attempt in until_it_succeeds(failed, first=poll_s, most=backoff_max_s):
            with attempt:
                context = Context(
                    actor=f"system/{database.source}",
                    reason="announces the audit trail",
                    correlation=new_id(),
                )
                async with database.transaction(context) as tx:
                    count = await announce_audit(tx, limit)
        if count >= limit:
            continue
        pause = poll_s if count else min(pause * 2, poll_s * 10)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await wake.wait()


def _state(entry: Entry, body: Mapping[str, Any], personal: Sequence[str]) -> dict[str, Any]:
    state = _full_state(entry, body, personal)
    if len(entry.body) < _SURELY_FITS:
        return state
    by_size = sorted(state["changes"], key=lambda c: len(json.dumps(c)), reverse=True)
    for change in by_size:
        if len(json.dumps(state, ensure_ascii=False).encode()) <= _MOST_BYTES:
            break
        # A message that is too large for the topic would block the whole trail. The stored entry keeps the values, and
        # its digest covers them.
        for side in ("before", "after"):
            if change[side] is not None:
                change[side] = f"withheld: {len(json.dumps(change[side]))} characters"
    return state


def _full_state(entry: Entry, body: Mapping[str, Any], personal: Sequence[str]) -> dict[str, Any]:
    return {
        "entry": entry.id,
        "entity": entry.entity,
        "key": entry.key,
        "version": entry.version,
        "at": instant(entry.at),
        "op": body["op"],
        "actor": entry.actor,
        "on_behalf_of": body["on_behalf_of"],
        "reason": body["reason"],
        "cause": body["cause"],
        "correlation": body["correlation"],
        "changes": changes(body["before"], body["after"], personal),
        "body_sha256": hashlib.sha256(entry.body.encode()).hexdigest(),
    }


def changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, personal: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The columns that differ, with their values; for a personal column only the fact that it differs."""
    old, new = before or {}, after or {}
    return [
        {
            "column": column,
            "before": None if column in personal else old.get(column),
            "after": None if column in personal else new.get(column),
            "personal": column in personal,
        }
        for column in {**old, **new}
        if old.get(column) != new.get(column)
    ]
