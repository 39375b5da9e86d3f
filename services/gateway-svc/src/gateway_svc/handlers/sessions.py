"""Logging in and out, and one's own password. All of it in real time, whatever the platform's clock says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from servicekit.aggregates import handle
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.domain import RuleError
from servicekit.ids import new_id
from servicekit.problems import Problem, invalid

from gateway_svc.aggregates import ACCOUNT
from gateway_svc.domain import accounts, sessions
from gateway_svc.domain.account import SetPassword
from gateway_svc.domain.accounts import AccountStatus
from gateway_svc.front.identity import Identity
from gateway_svc.handlers import attempts, passwords
from gateway_svc.handlers.attempts import LockedError


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session; `secret` goes into the cookie and nowhere else."""

    session: str
    account: str
    secret: str


def refused() -> Problem:
    """One answer for a wrong password, an unknown name and an account that is locked or disabled."""
    return Problem(
        401,
        "login-refused",
        "Not logged in",
        "The name or the password is not right, or the account may not log in.",
    )


def locked(error: LockedError) -> Problem:
    return Problem(
        429,
        "busy" if error.busy else "locked",
        "Not logged in",
        "Too many attempts with this name. Try again later.",
        headers={"Retry-After": str(error.retry_after)},
    )


async def log_in(
    database: Database, username: str, password: str, *, kiosk: bool, old_secret: str, correlation: str
) -> Opened:
    """A new session with a new secret, whatever secret was sent. Raises 401, or 429 while the name is locked."""
    try:
        name = accounts.username(username)
    except RuleError:
        name = ""
    context = Context(actor="system/gateway", reason="log-in", correlation=correlation)
    subject = attempts.subject_of(name)
    try:
        guess = await attempts.reserve(database, context, "login", subject)
    except LockedError as error:
        raise locked(error) from None
    async with database.transaction(context) as tx:
        found = await tx.one(
            "SELECT a.account, a.status, c.password_hash FROM app.account a JOIN app.credential c USING (account)"
            " WHERE a.username = :name",
            {"name": name},
        )
    right = await passwords.verify(
        password[: accounts.LONGEST_PASSWORD + 1], None if found is None else found["password_hash"]
    )
    if not right or found is None or found["status"] != AccountStatus.ACTIVE:
        async with database.transaction(context) as tx:
            account = None if found is None else found["account"]
            await attempts.settle(tx, guess, succeeded=False, account=account, session=None)
        raise refused()
    account = found["account"]
    async with database.transaction(_by(account, "log-in", correlation)) as tx:
        await attempts.settle(tx, guess, succeeded=True, account=account, session=None)
        if old_secret:
            await tx.execute(
                "DELETE FROM app.session WHERE secret_hash = :hash",
                {"hash": passwords.secret_hash(old_secret)},
            )
        opened = await _open(tx, account, kiosk=kiosk)
        await attempts.note(tx, "logged_in", account=account, session=opened.session)
    return opened


async def log_out(tx: Tx, found: Identity) -> None:
    await _end(tx, found.session)
    await attempts.note(tx, "logged_out", account=found.account, session=found.session)


async def end_kiosk(database: Database, found: Identity, correlation: str) -> None:
    """At a shared terminal a session ends with its signature: each signs in turn (R-48, SR-19)."""
    async with database.transaction(_by(found.account or "", "signed at a kiosk", correlation)) as tx:
        await log_out(tx, found)


async def change_password(
    database: Database, found: Identity, current: str, new: str, *, reason: str, correlation: str
) -> Opened:
    """Replaces one's own password, ends every session of the account and opens a new one.

    Raises 422 for a wrong current password or a new one that will not do, 429 while the name is locked.
    """
    account = found.account or ""
    context = _by(account, reason, correlation)
    try:
        guess = await attempts.reserve(database, context, "login", attempts.subject_of(found.username))
    except LockedError as error:
        raise locked(error) from None
    right = await passwords.verify(current, await _hash_of(database, context, account))
    if not right:
        async with database.transaction(context) as tx:
            await attempts.settle(tx, guess, succeeded=False, account=account, session=found.session)
        raise invalid("current", "wrong", "this is not the present password")
    try:
        accounts.check_password(new, found.username, "new")
        if new == current:
            raise RuleError("new", "unchanged", "another one than the present password")
    except RuleError:
        async with database.transaction(context) as tx:
            await attempts.settle(tx, guess, succeeded=True, account=account, session=found.session)
        raise
    new_hash = await passwords.hash_of(new)
    async with database.transaction(context) as tx:
        await attempts.settle(tx, guess, succeeded=True, account=account, session=found.session)
        at = await tx.scalar("SELECT clock_timestamp()")
        await handle(tx, ACCOUNT, account, SetPassword(None, at))
        await keep_password(tx, account, new_hash)
        await end_all(tx, account)
        opened = await _open(tx, account, kiosk=found.kiosk)
        await attempts.note(tx, "password_changed", account=account, session=opened.session)
    return opened


async def keep_password(tx: Tx, account: str, password_hash: str) -> None:
    """Stores the hash; that the password changed is a command on the account."""
    await tx.execute(
        "UPDATE app.credential SET password_hash = :hash WHERE account = :account",
        {"hash": password_hash, "account": account},
    )


async def verify_own(database: Database, context: Context, account: str, password: str) -> bool:
    """Whether this is the account's password now; the attempt is the caller's to count."""
    return await passwords.verify(password, await _hash_of(database, context, account))


async def end_all(tx: Tx, account: str) -> None:
    await tx.execute("DELETE FROM app.session WHERE account = :account", {"account": account})


async def purge(tx: Tx) -> None:
    """Forgets sessions that are over and guesses that decide nothing any more."""
    await tx.execute(
        "DELETE FROM app.session WHERE expires_at <= clock_timestamp()"
        " OR last_seen_at < clock_timestamp() - CAST(:idle AS interval)",
        {"idle": sessions.IDLE},
    )
    await tx.execute("DELETE FROM app.attempt WHERE at < clock_timestamp() - interval '1 day'")


async def _open(tx: Tx, account: str, *, kiosk: bool) -> Opened:
    opened = Opened(session=new_id(), account=account, secret=passwords.new_secret())
    values: dict[str, Any] = {
        "session": opened.session,
        "hash": passwords.secret_hash(opened.secret),
        "account": account,
        "kiosk": kiosk,
        "lasts": sessions.ABSOLUTE,
    }
    await tx.execute(
        "INSERT INTO app.session (session, secret_hash, account, kiosk, created_at, last_seen_at, expires_at,"
        " series_count) VALUES (:session, :hash, :account, :kiosk, clock_timestamp(), clock_timestamp(),"
        " clock_timestamp() + CAST(:lasts AS interval), 0)",
        values,
    )
    return opened


async def _end(tx: Tx, session: str) -> None:
    await tx.execute("DELETE FROM app.session WHERE session = CAST(:session AS uuid)", {"session": session})


async def _hash_of(database: Database, context: Context, account: str) -> str | None:
    async with database.transaction(context) as tx:
        return await tx.scalar(
            "SELECT password_hash FROM app.credential WHERE account = :account", {"account": account}
        )


def _by(account: str, reason: str, correlation: str) -> Context:
    return Context(actor=f"account/{account}", reason=reason, correlation=correlation)
