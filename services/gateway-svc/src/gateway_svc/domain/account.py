"""An account: who it belongs to, its roles, whether it may log in, and whether it may sign (PL-01, PL-06, R-51).

Nobody acts on their own account, and whoever reset a password does not prove the holder: rules `own-grant` and
`own-reset` of the policy file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from servicekit.domain import NotFoundError, StateError

from gateway_svc.domain.accounts import AccountStatus, RoleRules, move


@dataclass(frozen=True, slots=True)
class Grant:
    """A role within a scope. granted_by: the account, as `account/<id>`."""

    grant: str
    role: str
    scope: Mapping[str, str]
    granted_by: str
    granted_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """version: of its row. signing_blocked_by: who set the password last, until somebody else has proved the holder.

    password_changed_at: in real time.
    """

    account: str
    version: int
    username: str
    person: str | None
    status: AccountStatus
    must_change_password: bool
    password_changed_at: datetime
    signing_blocked_by: str | None
    recorded_at: datetime
    grants: Sequence[Grant] = ()


@dataclass(frozen=True, slots=True)
class Create:
    account: str
    username: str
    person: str | None
    must_change: bool
    password_changed_at: datetime


@dataclass(frozen=True, slots=True)
class GrantRole:
    """id: of the grant to be. rules: what the policy says of roles."""

    id: str
    role: str
    scope: Mapping[str, str]
    by: str
    reason: str
    rules: RoleRules


@dataclass(frozen=True, slots=True)
class EndGrant:
    grant: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    status: AccountStatus


@dataclass(frozen=True, slots=True)
class SetPassword:
    """by: the administrator who chose it; None: the holder. at: in real time."""

    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ProveHolder:
    pass


type Command = Create | GrantRole | EndGrant | Move | SetPassword | ProveHolder


@dataclass(frozen=True, slots=True)
class Created:
    account: Account


@dataclass(frozen=True, slots=True)
class RoleGranted:
    account: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class GrantEnded:
    grant: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    status: AccountStatus


@dataclass(frozen=True, slots=True)
class PasswordSet:
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class HolderProved:
    pass


type Event = Created | RoleGranted | GrantEnded | Moved | PasswordSet | HolderProved


def decide(account: Account | None, command: Command, now: datetime) -> list[Event]:
    """The events of a command on an account; raises RuleError or StateError when it is refused."""
    if isinstance(command, Create):
        made = Account(
            account=command.account,
            version=1,
            username=command.username,
            person=command.person,
            status=AccountStatus.ACTIVE,
            must_change_password=command.must_change,
            password_changed_at=command.password_changed_at,
            signing_blocked_by=None,
            recorded_at=now,
        )
        return [Created(made)]
    assert account is not None, "only a creation makes an account"
    match command:
        case GrantRole(id_, role, scope, by, reason, rules):
            rules.for_account(role, [grant.role for grant in account.grants], person=account.person)
            _not_disabled(account)
            if any(grant.role == role and grant.scope == scope for grant in account.grants):
                raise StateError("already-granted", "the account has this role with this scope")
            return [RoleGranted(account.account, Grant(id_, role, scope, by, now, reason))]
        case EndGrant(grant, by, reason):
            if grant not in [each.grant for each in account.grants]:
                raise NotFoundError("grant", grant)
            return [GrantEnded(grant, by, reason, now)]
        case Move(status):
            # Unlocking an account that is active clears a lock that failed attempts have set.
            if status != account.status or status != AccountStatus.ACTIVE:
                move(account.status, status)
            return [Moved(status)]
        case SetPassword(by, at):
            if by is not None:
                _not_disabled(account)
            return [PasswordSet(by, at)]
        case ProveHolder():
            if account.signing_blocked_by is None:
                raise StateError("state", "signing is not blocked")
            return [HolderProved()]


def evolve(account: Account | None, event: Event) -> Account:
    """The account after the event. Its grants are facts: its row moves with its status and its password."""
    if isinstance(event, Created):
        return event.account
    assert account is not None
    following = account.version + 1
    match event:
        case RoleGranted(_, grant):
            return replace(account, grants=[*account.grants, grant])
        case GrantEnded(ended, _, _, _):
            return replace(account, grants=[each for each in account.grants if each.grant != ended])
        case Moved(status):
            return account if status == account.status else replace(account, status=status, version=following)
        case PasswordSet(by, at):
            return replace(
                account,
                must_change_password=by is not None,
                password_changed_at=at,
                signing_blocked_by=by or account.signing_blocked_by,
                version=following,
            )
        case HolderProved():
            return replace(account, signing_blocked_by=None, version=following)


def _not_disabled(account: Account) -> None:
    if account.status == AccountStatus.DISABLED:
        raise StateError("state", "the account is disabled")
