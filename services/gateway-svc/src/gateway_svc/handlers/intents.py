"""Signing on the gateway's side: the intent, the fresh authentication bound to it, and the statement to the owner.

The owner of the record verifies the statement, computes the digest again under a lock and inserts the signature, one an
intent (servicekit.signing). Here an intent belongs to one session, lasts five minutes of real time, and every confirm
needs the password, whatever was typed before (21 CFR 11.200, R-50, SR-04).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.domain import StateError
from servicekit.problems import Problem, conflict, forbidden, invalid
from servicekit.signing import Statement, issue_statement
from sqlalchemy import RowMapping, insert

from gateway_svc.db import tables
from gateway_svc.domain import intents, sessions
from gateway_svc.domain.intents import IntentState
from gateway_svc.front.identity import Identity
from gateway_svc.handlers import attempts
from gateway_svc.handlers.attempts import LockedError
from gateway_svc.handlers.passwords import new_secret
from gateway_svc.handlers.services import Services, problem_of
from gateway_svc.handlers.sessions import verify_own

log = structlog.get_logger(__name__)

FIRST_METHOD = "local:username+password"
LATER_METHOD = "local:password"
_GONE = {"expired": 410, "stale": 409, "declined": 409, "signed": 409}


@dataclass(frozen=True, slots=True)
class Asked:
    """The record that the page asks to sign."""

    service: str
    kind: str
    key: str
    meaning: str
    inputs: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Signing:
    """The signer and the services that every act on an intent needs."""

    database: Database
    services: Services
    found: Identity
    correlation: str

    def context(self, reason: str) -> Context:
        return self.found.caller.context(reason, self.correlation)


async def create(signing: Signing, asked: Asked) -> dict[str, Any]:
    """Lets the owner show what would be signed and binds it. Raises what the owner refuses with, 403, 423."""
    person = _signer(signing.found)
    if asked.service not in signing.services.names:
        raise invalid("service", "unknown", f"one of {', '.join(signing.services.names)}")
    prepared = await signing.services.ask(
        asked.service,
        "POST",
        "/signing/prepare",
        signing.found.caller,
        correlation=signing.correlation,
        body={"kind": asked.kind, "key": asked.key, "meaning": asked.meaning, "inputs": dict(asked.inputs)},
    )
    async with signing.database.transaction(signing.context(asked.reason)) as tx:
        await _not_locked(tx, signing.found)
        name = await tx.scalar(
            "SELECT given_name || ' ' || family_name FROM app.person_name WHERE person = :person",
            {"person": person},
        )
        if name is None:
            raise conflict(
                "no-printed-name", "a signature shows its signer's printed name, which is not known"
            )
        now: datetime = await tx.scalar("SELECT clock_timestamp()")
        row = {
            "id": new_secret(),
            "version": 1,
            "session": signing.found.session,
            "account": signing.found.account,
            "person": person,
            "service": asked.service,
            "kind": asked.kind,
            "key": asked.key,
            "meaning": asked.meaning,
            "inputs": dict(asked.inputs),
            "signing_because": asked.reason,
            "digest": prepared["digest"],
            "content_version": prepared["content_version"],
            "meaning_text": prepared["meaning_text"],
            "printed_name": name,
            "time_zone": prepared["time_zone"],
            "state": IntentState.OPEN.value,
            "created_at": now,
            "expires_at": now + intents.LIFETIME,
            "closed_at": None,
            "signature": None,
        }
        await tx.execute(insert(tables.signing_intent), row)
    return row | {"display": prepared["display"]}


async def confirm(signing: Signing, intent_id: str, password: str) -> dict[str, Any]:
    """The signature. A second confirmation of what is signed gives the same one.

    Raises 404 for an intent of another session, 410 when it expired, 409 when the record changed (`stale`) or the
    intent is closed, 401 for a wrong password, 423 while signing is locked, and what the owner refuses with.
    """
    _signer(signing.found)
    context = signing.context("signs")
    async with signing.database.transaction(context) as tx:
        row = await _of_session(tx, signing.found, intent_id)
        state, _ = await _state(tx, row)
    if state != IntentState.SIGNED:
        _require_open(state)
    await _authenticate(signing, context, password)
    if state == IntentState.SIGNED:
        return dict(row["signature"])
    async with signing.database.transaction(context) as tx:
        method, auth_time = await _note_series(tx, signing.found)
    statement = issue_statement(
        signing.services.issuer,
        Statement(
            intent=row["id"],
            digest=row["digest"],
            meaning=row["meaning"],
            signer=row["person"],
            printed_name=row["printed_name"],
            account=signing.found.caller.actor,
            auth_time=auth_time.astimezone(UTC),
            auth_method=method,
        ),
        audience=row["service"],
        now=int(time.time()),
    )
    answer = await signing.services.call(
        row["service"],
        "POST",
        "/signing/sign",
        signing.found.caller,
        correlation=signing.correlation,
        body={
            "kind": row["kind"],
            "key": row["key"],
            "meaning": row["meaning"],
            "inputs": row["inputs"],
            "reason": row["signing_because"],
            "statement": statement,
        },
    )
    if not answer.is_success:
        problem = problem_of(row["service"], answer)
        if problem.code == "stale":
            await _close(signing, row, IntentState.STALE)
        raise problem
    signature = answer.json()
    await _close(signing, row, IntentState.SIGNED, signature)
    return signature


async def decline(signing: Signing, intent_id: str, reason: str) -> None:
    """The signer says no: nothing is signed with this intent any more. Raises as `confirm`."""
    async with signing.database.transaction(signing.context(reason)) as tx:
        row = await _of_session(tx, signing.found, intent_id)
        state, now = await _state(tx, row)
        _require_open(state)
        await _move(tx, row, IntentState.DECLINED, now)


def _signer(found: Identity) -> str:
    person = found.caller.subject
    if found.how != "session" or person is None:
        raise forbidden("no-person", "only a person signs, logged in as such")
    if found.signing_blocked:
        raise forbidden(
            "signing-blocked",
            "the password was set by somebody else; an administrator has to confirm who you are first",
        )
    return person


async def _authenticate(signing: Signing, context: Context, password: str) -> None:
    account = signing.found.account or ""
    try:
        guess = await attempts.reserve(signing.database, context, "signing", account)
    except LockedError as error:
        raise _locked(error.retry_after, busy=error.busy) from None
    right = await verify_own(signing.database, context, account, password)
    async with signing.database.transaction(context) as tx:
        locks = await attempts.settle(
            tx, guess, succeeded=right, account=account, session=signing.found.session
        )
        if not right:
            # Any failure ends the series: the next signing needs all components again.
            await tx.execute(
                "UPDATE app.session SET series_began_at = NULL WHERE session = CAST(:session AS uuid)",
                {"session": signing.found.session},
            )
    if locks:
        raise _locked(30 * 60)
    if not right:
        raise Problem(
            401,
            "authentication-failed",
            "Not signed",
            "The password is not right.",
            headers={"WWW-Authenticate": 'Bearer error="insufficient_user_authentication", max_age="0"'},
        )


def _locked(retry_after: int, *, busy: bool = False) -> Problem:
    if busy:
        return Problem(
            429, "busy", "Not signed", "Try again in a moment.", headers={"Retry-After": str(retry_after)}
        )
    return Problem(
        423,
        "signing-locked",
        "Signing is locked",
        "Too many signings failed. Signing is locked for 30 minutes, and the security unit has been alerted.",
        headers={"Retry-After": str(retry_after)},
    )


async def _not_locked(tx: Tx, found: Identity) -> None:
    seconds = await attempts.locked_for(tx, "signing", found.account or "")
    if seconds:
        raise _locked(seconds)


async def _of_session(tx: Tx, found: Identity, intent_id: str) -> RowMapping:
    row = await tx.one(
        "SELECT *, clock_timestamp() AS now FROM app.signing_intent WHERE id = :id"
        " AND session = CAST(:session AS uuid) AND account = :account",
        {"id": intent_id, "session": found.session, "account": found.account},
    )
    if row is None:
        raise Problem(404, "not-found", "There is no such signing intent in this session")
    return row


async def _state(tx: Tx, row: Mapping[Any, Any]) -> tuple[IntentState, datetime]:
    """The state now; an intent that ran out is closed as such."""
    state = intents.at(IntentState(row["state"]), row["expires_at"], row["now"])
    if state == IntentState.EXPIRED and row["state"] == IntentState.OPEN:
        await _move(tx, row, state, row["now"])
    return state, row["now"]


def _require_open(state: IntentState) -> None:
    try:
        intents.require_open(state)
    except StateError as error:
        raise Problem(_GONE[error.code], error.code, "Not signed", error.message) from error


async def _close(
    signing: Signing, row: Mapping[Any, Any], state: IntentState, signature: Mapping[str, Any] | None = None
) -> None:
    async with signing.database.transaction(signing.context(row["signing_because"])) as tx:
        now: datetime = await tx.scalar("SELECT clock_timestamp()")
        await _move(tx, row, state, now, signature)


async def _move(
    tx: Tx,
    row: Mapping[Any, Any],
    state: IntentState,
    now: datetime,
    signature: Mapping[str, Any] | None = None,
) -> None:
    """OPEN -> state, once: of two at once the first one is noted."""
    table = tables.signing_intent
    await tx.execute(
        table.update()
        .where(table.c.id == row["id"], table.c.state == IntentState.OPEN.value)
        .values(
            state=state.value,
            closed_at=now,
            signature=None if signature is None else dict(signature),
            version=table.c.version + 1,
        )
    )


async def _note_series(tx: Tx, found: Identity) -> tuple[str, datetime]:
    """How this signing was authenticated, as one of the session's series, and when."""
    row = await tx.one(
        "SELECT series_began_at, series_last_at, series_count, clock_timestamp() AS now FROM app.session"
        " WHERE session = CAST(:session AS uuid) FOR UPDATE",
        {"session": found.session},
    )
    if row is None:
        raise Problem(401, "unauthenticated", "The session has ended")
    now = row["now"]
    later = sessions.continues_series(now, row["series_began_at"], row["series_last_at"], row["series_count"])
    await tx.execute(
        "UPDATE app.session SET series_began_at = :began, series_last_at = :now, series_count = :count"
        " WHERE session = CAST(:session AS uuid)",
        {
            "began": row["series_began_at"] if later else now,
            "now": now,
            "count": row["series_count"] + 1 if later else 1,
            "session": found.session,
        },
    )
    return LATER_METHOD if later else FIRST_METHOD, now
