"""A command that is sent twice acts once: its key and its result are stored in the command's own transaction.

    replay = await idempotent(tx, key, digest, route="POST /api/orders")
    if replay is not None:
        return replay                      # the first answer, again
    ...                                    # act
    return await remember(tx, key, 201, body)

A client error does not mean that nothing happened: whoever got no answer sends the same key again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import OperationalError

from servicekit.db.database import Tx
from servicekit.problems import Problem, conflict, invalid

LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command: HTTP status, JSON value, headers. `replayed` when it was not made just now."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


def request_digest(method: str, path: str, body: bytes) -> str:
    """SHA-256 of what was asked, in hexadecimal: the same key with another digest is another command."""
    digest = hashlib.sha256()
    for part in (method.upper().encode(), path.encode(), body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


async def idempotent(tx: Tx, key: str, digest: str, *, route: str = "") -> Answer | None:
    """Takes the key for this transaction. None: act, then `remember`. Else the answer that was given before.

    A second request with the key waits until the first has ended, and acts itself when that failed. Keys of
    different actors have nothing to do with each other.
    Raises Problem: 422 `key-reused` when the key came with another digest, 409 `in-progress` when the first
    request takes longer than the lock timeout, 422 `invalid` for a key that is empty, longer than 200 characters
    or not printable ASCII. The commit fails (SQLSTATE AT006) when the key was taken and nothing remembered.
    """
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise invalid(
            "Idempotency-Key",
            "format",
            f"A key is 1 to {LONGEST_KEY} printable ASCII characters, such as a UUID.",
        )
    try:
        taken = await tx.execute(
            "INSERT INTO app.idempotency (actor, key, route, digest, at)"
            " VALUES (:actor, :key, :route, :digest, app.clock()) ON CONFLICT (actor, key) DO NOTHING",
            {"actor": tx.context.actor, "key": key, "route": route, "digest": digest},
        )
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":  # lock_not_available
            raise conflict("in-progress", "The first request with this key has not ended yet.") from error
        raise
    if taken.rowcount == 1:
        return None
    row = await tx.one(
        "SELECT digest, status, response, headers FROM app.idempotency WHERE actor = :actor AND key = :key",
        {"actor": tx.context.actor, "key": key},
    )
    if row is None:
        # Purged in between: the caller sends it again and is served.
        raise conflict("in-progress", "The first request with this key has just ended; send it again.")
    if row["digest"] != digest:
        raise Problem(
            422,
            "key-reused",
            "The idempotency key belongs to another request",
            "A key is used for one request alone; what was sent now differs from what was sent first.",
        )
    return Answer(row["status"], json.loads(row["response"]), row["headers"], replayed=True)


async def remember(
    tx: Tx, key: str, status: int, body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    """Stores the result beside the key that this transaction has taken. RuntimeError when it has taken none."""
    result = await tx.execute(
        "UPDATE app.idempotency SET status = :status, response = :response, headers = CAST(:headers AS jsonb)"
        " WHERE actor = :actor AND key = :key AND status IS NULL",
        {
            "actor": tx.context.actor,
            "key": key,
            "status": status,
            "response": json.dumps(body, ensure_ascii=False),
            "headers": json.dumps(headers or {}),
        },
    )
    if result.rowcount != 1:
        raise RuntimeError("remember() without idempotent() in this transaction")
    return Answer(status, body, headers or {})


async def purge_idempotency(tx: Tx, older_than: timedelta, limit: int = 10_000) -> int:
    """Forgets results older than that; returns how many. A key that comes again later acts again."""
    result = await tx.execute(
        "DELETE FROM app.idempotency WHERE (actor, key) IN (SELECT actor, key FROM app.idempotency"
        " WHERE at < app.clock() - make_interval(secs => :seconds) AND status IS NOT NULL"
        " ORDER BY at LIMIT :limit FOR UPDATE SKIP LOCKED)",
        {"seconds": older_than.total_seconds(), "limit": limit},
    )
    return result.rowcount
