"""Accounts and what they may do. Every act is one of an administrator on somebody else, with a reason (PL-06)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from attest_contracts import policy
from psycopg.errors import UniqueViolation
from servicekit import aggregates
from servicekit.aggregates import handle, load
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.policy import Parts, Policy
from servicekit.problems import conflict, invalid, not_found
from sqlalchemy import RowMapping, insert
from sqlalchemy.exc import IntegrityError

from gateway_svc.aggregates import ACCOUNT
from gateway_svc.db import tables
from gateway_svc.domain import accounts
from gateway_svc.domain.account import (
    Account,
    Command,
    Create,
    EndGrant,
    GrantRole,
    Move,
    ProveHolder,
    SetPassword,
)
from gateway_svc.domain.accounts import AccountStatus, RoleRules
from gateway_svc.handlers import attempts, sessions

ACTION = "account.write"
_ACTS: dict[type, str] = {
    GrantRole: "grant",
    EndGrant: "end_grant",
    Move: "move",
    SetPassword: "reset_password",
    ProveHolder: "prove_holder",
}
"""The names of the commands in the policy's rules of segregation."""
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
    login = accounts.username(username)
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
    changed_at = await tx.scalar("SELECT clock_timestamp()")
    try:
        await aggregates.create(tx, ACCOUNT, account, Create(account, login, person, must_change, changed_at))
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        if "username" in str(error.orig.diag.constraint_name):
            raise conflict(
                "username-taken", "this name belongs or belonged to another account; names are never reused"
            ) from error
        raise conflict("person-has-account", f"{person} has an account already") from error
    await tx.execute(insert(tables.credential), {"account": account, "password_hash": password_hash})
    return dict(await get(tx, account))


async def carry_out(tx: Tx, policy: Policy, caller: Caller, account: str, command: Command) -> dict[str, Any]:
    """A command of an administrator on somebody else's account, with what follows from it; the account afterwards.

    Raises 403 for one's own account and for the proof of a holder by whoever reset the password, and what the
    account's rules refuse.
    """
    state = await load(tx, ACCOUNT, account, lock=True)
    act = _ACTS[type(command)]
    policy.segregate(caller, ACTION, act, parts_of(state))
    await aggregates.carry_out(tx, ACCOUNT, state, command)
    match command:
        case Move(status=AccountStatus.ACTIVE):
            await attempts.forgive(tx, "login", attempts.subject_of(state.username))
            await attempts.forgive(tx, "signing", account)
            await attempts.note(tx, "unlocked", account=account, detail=caller.actor)
        case Move():
            await sessions.end_all(tx, account)
        case ProveHolder():
            await attempts.note(tx, "holder_proved", account=account, detail=caller.actor)
        case _:
            pass
    return dict(await get(tx, account))


def grant_of(tx: Tx, caller: Caller, role: str, scope: Mapping[str, str | None]) -> GrantRole:
    """The command that gives a role. Raises RuleError for a scope that cannot be."""
    return GrantRole(new_id(), role, accounts.scope(scope), caller.actor, tx.context.reason, RULES)


async def grant(tx: Tx, caller: Caller, account: str, role: str, scope: Mapping[str, str | None]) -> None:
    """Gives a role to an account that was made just now."""
    await handle(tx, ACCOUNT, account, grant_of(tx, caller, role, scope))


async def reset_password(tx: Tx, policy: Policy, caller: Caller, account: str, password_hash: str) -> None:
    """A one-time password that another chose: it must be changed, and signs nothing before a proof (R-51)."""
    at = await tx.scalar("SELECT clock_timestamp()")
    row = await carry_out(tx, policy, caller, account, SetPassword(caller.actor, at))
    await sessions.keep_password(tx, account, password_hash)
    await sessions.end_all(tx, account)
    await attempts.forgive(tx, "login", attempts.subject_of(row["username"]))
    await attempts.note(tx, "password_reset", account=account, detail=caller.actor)


def parts_of(state: Account) -> Parts:
    return {
        "account": f"account/{state.account}",
        "person": state.person,
        "reset_by": state.signing_blocked_by,
    }


def one_time_password() -> str:
    """80 random bits in groups that a person can read out."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


async def get(tx: Tx, account: str) -> RowMapping:
    row = await tx.one(ACCOUNTS + " WHERE a.account = :account", {"account": account})
    if row is None:
        raise not_found("account", account)
    return row
