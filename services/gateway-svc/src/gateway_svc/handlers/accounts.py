"""Accounts and what they may do. Every act is one of an administrator on somebody else, with a reason (PL-06)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from attest_contracts import policy
from psycopg.errors import UniqueViolation
from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.problems import Problem, conflict, forbidden, invalid, not_found
from sqlalchemy import RowMapping, insert
from sqlalchemy.exc import IntegrityError

from gateway_svc import outbound
from gateway_svc.db import tables
from gateway_svc.domain import accounts
from gateway_svc.domain.accounts import AccountStatus, RoleRules
from gateway_svc.domain.errors import RuleError
from gateway_svc.handlers import attempts, sessions

TOPIC = "gateway.account"
ACCOUNTS = """
SELECT a.account, a.version, a.username, a.person, a.status, a.must_change_password, a.signing_blocked_by,
       nullif(concat_ws(' ', n.given_name, n.family_name), '') AS printed_name,
       (SELECT max(real_at) FROM app.access_event v WHERE v.account = a.account AND v.event = 'logged_in')
         AS last_login_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object('grant', g.id, 'role', g.role, 'scope', g.scope,
                   'granted_by', g.granted_by, 'granted_at', g.recorded_at, 'reason', g.given_because)
                   ORDER BY g.recorded_at, g.id)
                 FROM app.role_grant g LEFT JOIN app.role_grant_end e ON e.role_grant = g.id
                 WHERE g.account = a.account AND e.role_grant IS NULL), '[]'::jsonb) AS grants
FROM app.account a LEFT JOIN app.person_name n USING (person)
"""


def role_rules(loaded: policy.Policy) -> RoleRules:
    """The rules on roles that the policy file states."""
    roles = loaded["roles"]
    return RoleRules(
        roles=frozenset(roles),
        machines=frozenset(loaded["machines"]),
        signing=frozenset(role for role, actions in roles.items() if "signing.own" in actions),
        exclusive={rule["role"]: frozenset(rule["with_"]) for rule in loaded["exclusive"]},
        why={rule["role"]: rule["reason"] for rule in loaded["exclusive"]},
    )


RULES = role_rules(policy.load())


def problem_of(error: RuleError) -> Problem:
    if error.code == "own-grant":
        return forbidden(error.code, error.message)
    return (
        invalid(error.field, error.code, error.message)
        if error.field
        else conflict(error.code, error.message)
    )


async def create(
    tx: Tx,
    *,
    username: str,
    person: str | None,
    password_hash: str,
    must_change: bool = True,
    name: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A new account without any role. name: `given_name` and `family_name` of a person whom nobody has announced.

    Two people accept the first import before it can announce anybody: an administrator vouches for who they are,
    and what is announced of them later takes the place of this.
    Raises 409 `username-taken` for a name that any account has or had (PL-01), 409 `person-has-account`,
    422 for a name that will not do or a person whom nobody has announced.
    """
    try:
        login = accounts.username(username)
    except RuleError as error:
        raise problem_of(error) from error
    if person is not None and name is not None:
        values = {"person": person, **name}
        await tx.execute(
            "INSERT INTO app.person_name (person, given_name, family_name)"
            " SELECT :person, :given_name, :family_name"
            " WHERE NOT EXISTS (SELECT FROM app.person WHERE person = :person) ON CONFLICT DO NOTHING",
            values,
        )
        await tx.execute("INSERT INTO app.person (person) VALUES (:person) ON CONFLICT DO NOTHING", values)
    if (
        person is not None
        and await tx.scalar("SELECT true FROM app.person WHERE person = :person", {"person": person}) is None
    ):
        raise invalid("person", "unknown-person", f"there is no person {person}")
    account = new_id()
    await claim(tx, [(TOPIC, account)])
    row = {
        "account": account,
        "version": 1,
        "username": login,
        "person": person,
        "status": AccountStatus.ACTIVE.value,
        "must_change_password": must_change,
        "password_changed_at": await tx.scalar("SELECT clock_timestamp()"),
        "signing_blocked_by": None,
        "recorded_at": tx.recorded_at,
    }
    try:
        await tx.execute(insert(tables.account), row)
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        if "username" in str(error.orig.diag.constraint_name):
            raise conflict(
                "username-taken", "this name belongs or belonged to another account; names are never reused"
            ) from error
        raise conflict("person-has-account", f"{person} has an account already") from error
    await tx.execute(insert(tables.credential), {"account": account, "password_hash": password_hash})
    await _tell(tx, account, "created")
    return dict(await get(tx, account))


async def grant(
    tx: Tx, caller: Caller, account: str, role: str, scope: Mapping[str, str | None]
) -> dict[str, Any]:
    """Gives a role. 403 for one's own account, 409 beside a role that excludes it, 422 for what cannot be."""
    await claim(tx, [(TOPIC, account)])
    row = await get(tx, account)
    _not_own(caller, row)
    try:
        narrowed = accounts.scope(scope)
        RULES.for_account(role, [g["role"] for g in row["grants"]], person=row["person"])
    except RuleError as error:
        raise problem_of(error) from error
    if row["status"] == AccountStatus.DISABLED:
        raise conflict("state", "the account is disabled")
    if any(g["role"] == role and g["scope"] == narrowed for g in row["grants"]):
        raise conflict("already-granted", "the account has this role with this scope")
    made = new_id()
    await tx.execute(
        insert(tables.role_grant),
        {
            "id": made,
            "account": account,
            "role": role,
            "scope": narrowed,
            "granted_by": caller.actor,
            "given_because": tx.context.reason,
            "recorded_at": tx.recorded_at,
        },
    )
    await _tell(tx, account, "grant_added")
    return dict(await get(tx, account)) | {"grant": made}


async def end_grant(tx: Tx, caller: Caller, account: str, role_grant: str) -> dict[str, Any]:
    """Takes a role away, at once. 404 when the account does not hold that grant."""
    await claim(tx, [(TOPIC, account)])
    row = await get(tx, account)
    _not_own(caller, row)
    if role_grant not in [g["grant"] for g in row["grants"]]:
        raise not_found("grant", role_grant)
    await tx.execute(
        insert(tables.role_grant_end),
        {
            "role_grant": role_grant,
            "ended_by": caller.actor,
            "ended_because": tx.context.reason,
            "recorded_at": tx.recorded_at,
        },
    )
    await _tell(tx, account, "grant_ended")
    return dict(await get(tx, account))


async def move(tx: Tx, caller: Caller, account: str, wanted: AccountStatus) -> dict[str, Any]:
    """Locks, unlocks or disables. Whoever is not ACTIVE is logged out; unlocking forgives failed attempts too.

    Unlocking an account that is ACTIVE clears a lock that failed attempts have set.
    """
    await claim(tx, [(TOPIC, account)])
    row = await get(tx, account)
    _not_own(caller, row)
    current = AccountStatus(row["status"])
    if wanted != current or wanted != AccountStatus.ACTIVE:
        try:
            accounts.move(current, wanted)
        except RuleError as error:
            raise problem_of(error) from error
        await tx.execute(
            "UPDATE app.account SET status = :status, version = version + 1 WHERE account = :account",
            {"status": wanted.value, "account": account},
        )
    if wanted == AccountStatus.ACTIVE:
        await attempts.forgive(tx, "login", attempts.subject_of(row["username"]))
        await attempts.forgive(tx, "signing", account)
        await attempts.note(tx, "unlocked", account=account, detail=caller.actor)
    else:
        await sessions.end_all(tx, account)
    await _tell(tx, account, {"ACTIVE": "unlocked", "LOCKED": "locked", "DISABLED": "disabled"}[wanted.value])
    return dict(await get(tx, account))


async def reset_password(tx: Tx, caller: Caller, account: str, password_hash: str) -> None:
    """A one-time password that another chose: it must be changed, and signs nothing before a proof (R-51)."""
    await claim(tx, [(TOPIC, account)])
    row = await get(tx, account)
    _not_own(caller, row)
    if row["status"] == AccountStatus.DISABLED:
        raise conflict("state", "the account is disabled")
    await sessions.set_password(tx, account, password_hash, must_change=True, set_by=caller.actor)
    await sessions.end_all(tx, account)
    await attempts.forgive(tx, "login", attempts.subject_of(row["username"]))
    await attempts.note(tx, "password_reset", account=account, detail=caller.actor)


async def prove_holder(tx: Tx, caller: Caller, account: str) -> dict[str, Any]:
    """Lets an account sign again after its password was reset: by another administrator than who reset it."""
    await claim(tx, [(TOPIC, account)])
    row = await get(tx, account)
    _not_own(caller, row)
    if row["signing_blocked_by"] is None:
        raise conflict("state", "signing is not blocked")
    if row["signing_blocked_by"] == caller.actor:
        raise forbidden("own-reset", "who reset the password does not prove the holder as well")
    await tx.execute(
        "UPDATE app.account SET signing_blocked_by = NULL, version = version + 1 WHERE account = :account",
        {"account": account},
    )
    await attempts.note(tx, "holder_proved", account=account, detail=caller.actor)
    return dict(await get(tx, account))


def one_time_password() -> str:
    """80 random bits in groups that a person can read out."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


async def get(tx: Tx, account: str) -> RowMapping:
    row = await tx.one(ACCOUNTS + " WHERE a.account = :account", {"account": account})
    if row is None:
        raise not_found("account", account)
    return row


def _not_own(caller: Caller, row: Mapping[Any, Any]) -> None:
    try:
        accounts.not_for_oneself(caller.actor, caller.subject, row["account"], row["person"])
    except RuleError as error:
        raise problem_of(error) from error


async def _tell(tx: Tx, account: str, what: str) -> None:
    row = await get(tx, account)
    await announce(
        tx,
        [
            outbound.account(
                account=account,
                person=row["person"],
                status=row["status"],
                grants=row["grants"],
                kind=what,
                reason=tx.context.reason,
            )
        ],
    )
