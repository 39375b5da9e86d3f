"""Guesses of a password: counted before the password is looked at, so that many at once count like many in turn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.ids import new_id

from gateway_svc.domain import lockout

log = structlog.get_logger(__name__)

Purpose = Literal["login", "signing"]
_UNSETTLED_FOR = timedelta(seconds=30)
"""A guess that nobody settled by then (the process ended) counts as failed."""


class LockedError(Exception):
    """No guess is taken now. `busy`: not locked, but as many guesses are being looked at as may fail."""

    def __init__(self, retry_after: int, *, busy: bool = False) -> None:
        super().__init__(f"locked for {retry_after} s")
        self.retry_after = retry_after
        self.busy = busy


@dataclass(frozen=True, slots=True)
class Guess:
    id: int
    purpose: Purpose
    subject: str


def subject_of(username: str) -> str:
    """The key by which failed log-ins for a name are counted. Unknown names are counted, too; no name is kept as typed."""
    return hashlib.sha256(b"attest-login/1:" + username.encode()).hexdigest()


async def reserve(database: Database, context: Context, purpose: Purpose, subject: str) -> Guess:
    """Takes one guess. Raises LockedError when there is none left."""
    async with database.transaction(context) as tx:
        await tx.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", {"key": f"attempt/{purpose}/{subject}"}
        )
        now: datetime = await tx.scalar("SELECT clock_timestamp()")
        failures, pending = await _failures(tx, purpose, subject, now)
        until = lockout.locked_until(failures)
        if until is not None and now < until:
            raise LockedError(int((until - now).total_seconds()) + 1)
        recent = [at for at in failures if now - at <= lockout.WINDOW and (until is None or at > until)]
        if len(recent) + pending >= lockout.LIMIT:
            raise LockedError(2, busy=True)
        number = await tx.scalar(
            "INSERT INTO app.attempt (purpose, subject, at) VALUES (:purpose, :subject, clock_timestamp())"
            " RETURNING id",
            {"purpose": purpose, "subject": subject},
        )
    return Guess(number, purpose, subject)


async def settle(tx: Tx, guess: Guess, *, succeeded: bool, account: str | None, session: str | None) -> bool:
    """Notes how a guess ended; True when just this failure locks. The trail tells of failures and locks."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))",
        {"key": f"attempt/{guess.purpose}/{guess.subject}"},
    )
    await tx.execute(
        "UPDATE app.attempt SET outcome = :outcome WHERE id = :id AND outcome IS NULL",
        {"outcome": "succeeded" if succeeded else "failed", "id": guess.id},
    )
    if succeeded:
        return False
    await note(tx, f"{guess.purpose}_failed", account=account, session=session)
    now: datetime = await tx.scalar("SELECT clock_timestamp()")
    failures, _ = await _failures(tx, guess.purpose, guess.subject, now)
    if not lockout.sets_lock(failures):
        return False
    await note(tx, f"{guess.purpose}_locked", account=account, session=session)
    # The security unit is alerted at once (21 CFR 11.300(d)); the alert names the account by its id alone.
    log.warning("security-alert", alert=f"{guess.purpose}-locked", account=account or "unknown")
    return True


async def locked_for(tx: Tx, purpose: Purpose, subject: str) -> int:
    """For how many more seconds no guess is taken; 0: one is."""
    now: datetime = await tx.scalar("SELECT clock_timestamp()")
    failures, _ = await _failures(tx, purpose, subject, now)
    until = lockout.locked_until(failures)
    return 0 if until is None or now >= until else int((until - now).total_seconds()) + 1


async def forgive(tx: Tx, purpose: Purpose, subject: str) -> None:
    """Earlier failures count no more: an administrator has cleared them."""
    await tx.execute(
        "UPDATE app.attempt SET outcome = 'forgiven' WHERE purpose = :purpose AND subject = :subject"
        " AND (outcome = 'failed' OR outcome IS NULL)",
        {"purpose": purpose, "subject": subject},
    )


async def note(
    tx: Tx, event: str, *, account: str | None = None, session: str | None = None, detail: str | None = None
) -> None:
    """One entry of the access trail."""
    await tx.execute(
        "INSERT INTO app.access_event (id, event, account, session, detail, real_at)"
        " VALUES (:id, :event, :account, CAST(:session AS uuid), :detail, clock_timestamp())",
        {"id": new_id(), "event": event, "account": account, "session": session, "detail": detail},
    )


async def _failures(tx: Tx, purpose: Purpose, subject: str, now: datetime) -> tuple[list[datetime], int]:
    """Failures since the last success, in order, and how many guesses are being looked at."""
    rows = await tx.rows(
        "SELECT at, outcome FROM app.attempt WHERE purpose = :purpose AND subject = :subject AND at > :since"
        " AND outcome IS DISTINCT FROM 'forgiven'"
        " AND id > coalesce((SELECT max(id) FROM app.attempt WHERE purpose = :purpose AND subject = :subject"
        "                    AND outcome = 'succeeded'), 0)"
        " ORDER BY id",
        {"purpose": purpose, "subject": subject, "since": now - lockout.MEMORY},
    )
    pending = [row for row in rows if row["outcome"] is None and now - row["at"] < _UNSETTLED_FOR]
    return [row["at"] for row in rows if row not in pending], len(pending)
