"""Accounts: names that are never reused, passwords, and which roles one account may hold (PL-01, PL-06)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway_svc.domain.errors import RuleError

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
LONGEST_USERNAME = 64
SCOPE_KEYS = ("site", "area", "job_function")


class AccountStatus(StrEnum):
    """Restates the enum of the contract gateway.account."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    DISABLED = "DISABLED"


# DISABLED is for good: whoever comes back gets another name (PL-01, R-14).
_MOVES = {
    AccountStatus.ACTIVE: {AccountStatus.LOCKED, AccountStatus.DISABLED},
    AccountStatus.LOCKED: {AccountStatus.ACTIVE, AccountStatus.DISABLED},
    AccountStatus.DISABLED: set[AccountStatus](),
}


def move(current: AccountStatus, wanted: AccountStatus) -> AccountStatus:
    """The new status. RuleError `state` when the account cannot go there."""
    if wanted not in _MOVES[current]:
        raise RuleError("state", f"an account that is {current.value} cannot become {wanted.value}")
    return wanted


def username(text: str) -> str:
    """The name as it is stored and compared: without differences of case or composition. RuleError otherwise."""
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if not 0 < len(name) <= LONGEST_USERNAME:
        raise RuleError("length", f"a name to log in with has 1 to {LONGEST_USERNAME} characters", "username")
    if any(unicodedata.category(c)[0] in "CZ" for c in name):
        raise RuleError("characters", "a name to log in with has no blanks or control characters", "username")
    return name


def check_password(password: str, name: str, field: str) -> None:
    """Length counts, composition does not (NIST SP 800-63B). RuleError naming `field`."""
    if len(password) < SHORTEST_PASSWORD:
        raise RuleError("too-short", f"at least {SHORTEST_PASSWORD} characters", field)
    if len(password) > LONGEST_PASSWORD:
        raise RuleError("too-long", f"at most {LONGEST_PASSWORD} characters", field)
    if len(set(password)) < 5:
        raise RuleError("too-simple", "at least five different characters", field)
    if name and name in unicodedata.normalize("NFKC", password).casefold():
        raise RuleError("holds-name", "not the name to log in with", field)


def scope(wanted: Mapping[str, str | None]) -> dict[str, str]:
    """The keys that narrow a role. An area is one of a site. RuleError for anything else."""
    for key in wanted:
        if key not in SCOPE_KEYS:
            raise RuleError("unknown", f"a scope has {', '.join(SCOPE_KEYS)}", f"scope.{key}")
    found = {key: value for key in SCOPE_KEYS if (value := wanted.get(key))}
    if "area" in found and "site" not in found:
        raise RuleError("site-missing", "an area is one of a site", "scope.site")
    return found


@dataclass(frozen=True, slots=True)
class RoleRules:
    """What the policy says of roles.

    signing: roles that can sign, for human beings alone. exclusive: role -> roles never held beside it.
    """

    roles: Collection[str]
    machines: Collection[str]
    signing: Collection[str]
    exclusive: Mapping[str, Collection[str]]
    why: Mapping[str, str]

    def for_account(self, role: str, held: Sequence[str], *, person: str | None) -> None:
        """RuleError unless an account may get the role beside those that it holds."""
        if role not in self.roles:
            raise RuleError(
                "unknown", f"one of {', '.join(sorted(set(self.roles) - set(self.machines)))}", "role"
            )
        if role in self.machines:
            raise RuleError("machine-role", "this role is for tokens of machines", "role")
        if person is None and role in self.signing:
            raise RuleError("person-needed", "who trains or signs is a person; this account has none", "role")
        for other in held:
            for one, two in ((role, other), (other, role)):
                if two != one and two in self.exclusive.get(one, ()):
                    raise RuleError("exclusive-roles", f"{one} beside {two}: {self.why[one]}")

    def for_machine(self, role: str) -> None:
        if role not in self.machines:
            raise RuleError("not-for-machines", f"one of {', '.join(sorted(self.machines))}", "role")


def not_for_oneself(actor: str, actor_person: str | None, account: str, person: str | None) -> None:
    """PL-06: nobody acts on the rights of their own account, nor of their own person. RuleError `own-grant`."""
    if actor == f"account/{account}" or (person is not None and person == actor_person):
        raise RuleError("own-grant", "nobody changes the rights of their own account")
