"""The account as an aggregate: how it is loaded, what rows and facts it has, what it announces.

The rules stand in `domain.account`; `servicekit.aggregates.handle` carries a command out. The import job, the other
aggregate of this service, stands with its check in `handlers.imports.jobs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attest_contracts.outgoing import Announcement
from servicekit.aggregates import Aggregate, Columns, Row, Subject
from servicekit.db import Tx

from gateway_svc import outbound
from gateway_svc.db import tables
from gateway_svc.domain import account as domain
from gateway_svc.domain.account import Account, Grant

TOPIC = "gateway.account"
_ACCOUNT = Columns(tables.account, Account)


async def _lock(_: Tx, key: str) -> list[Subject]:
    """The claim of its subject is the lock."""
    return [(TOPIC, key)]


async def _load(tx: Tx, key: str) -> Account | None:
    row = await tx.one("SELECT * FROM app.account WHERE account = :account", {"account": key})
    if row is None:
        return None
    grants = await tx.rows(
        "SELECT g.* FROM app.role_grant g LEFT JOIN app.role_grant_end e ON e.role_grant = g.id"
        " WHERE g.account = :account AND e.role_grant IS NULL ORDER BY g.recorded_at, g.id",
        {"account": key},
    )
    held = [
        Grant(
            grant=str(each["id"]),
            role=each["role"],
            scope=each["scope"],
            granted_by=each["granted_by"],
            granted_at=each["recorded_at"],
            reason=each["given_because"],
        )
        for each in grants
    ]
    return _ACCOUNT.state(row, grants=held)


def _rows(state: Account) -> Iterable[Row]:
    yield _ACCOUNT.row(state)


def _facts(event: domain.Event) -> Iterable[Row]:
    match event:
        case domain.RoleGranted(account, grant):
            values = {
                "id": grant.grant,
                "account": account,
                "role": grant.role,
                "scope": grant.scope,
                "granted_by": grant.granted_by,
                "given_because": grant.reason,
                "recorded_at": grant.granted_at,
            }
            yield Row(tables.role_grant, values)
        case domain.GrantEnded(grant, by, reason, at):
            values = {"role_grant": grant, "ended_by": by, "ended_because": reason, "recorded_at": at}
            yield Row(tables.role_grant_end, values)
        case _:
            pass


def _announces(state: Account, events: Sequence[domain.Event], reason: str) -> Iterable[Announcement]:
    """Roles and status; that a password was set or a holder proved concerns nobody else."""
    for event in events:
        match event:
            case domain.Created():
                kind = "created"
            case domain.RoleGranted():
                kind = "grant_added"
            case domain.GrantEnded():
                kind = "grant_ended"
            case domain.Moved(status):
                kind = {"ACTIVE": "unlocked", "LOCKED": "locked", "DISABLED": "disabled"}[status]
            case _:
                continue
        yield outbound.account(
            account=state.account,
            person=state.person,
            status=state.status.value,
            grants=[{"grant": each.grant, "role": each.role, "scope": each.scope} for each in state.grants],
            kind=kind,
            reason=reason,
        )


ACCOUNT = Aggregate(
    name="account",
    decide=domain.decide,
    evolve=domain.evolve,
    lock=_lock,
    load=_load,
    rows=_rows,
    facts=_facts,
    announces=_announces,
)
