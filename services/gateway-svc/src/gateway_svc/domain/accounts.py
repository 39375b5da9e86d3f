"""Accounts: names that are never reused, passwords, and which roles one account may hold (PL-01, PL-06)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from servicekit.domain import RuleError, StateError

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
    """The new status. StateError `state` when the account cannot go there."""
    if wanted not in _MOVES[current]:
        raise StateError("state", f"an account that is {current.value} cannot become {wanted.value}")
    return wanted


def username(text: str) -> str:
    """The name as it is stored and compared: without differences of case or composition. RuleError otherwise."""
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if not 0 < len(name) <= LONGEST_USERNAME:
        raise RuleError("username", "length", f"a name to log in with has 1 to {LONGEST_USERNAME} characters")
    if any(unicodedata.category(c)[0] in "CZ" for c in name):
        raise RuleError("username", "characters", "a name to log in with has no blanks or control characters")
    return name


def check_password(password: str, name: str, field: str) -> None:
    """Length counts, composition does not (NIST SP 800-63B). RuleError naming `field`."""
    if len(password) < SHORTEST_PASSWORD:
        raise RuleError(field, "too-short", f"at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise RuleError(field, "too-long", f"at most {LONGEST_PASSWORD} characters")
    if len(set(password)) < 5:
        raise RuleError(field, "too-simple", "at least five different characters")
    if name and name in unicodedata.normalize("NFKC", password).casefold():
        raise RuleError(field, "holds-name", "not the name to log in with")


def scope(wanted: Mapping[str, str | None]) -> dict[str, str]:
    """The keys that narrow a role. An area is one of a site. RuleError for anything else."""
    for key in wanted:
        if key not in SCOPE_KEYS:
            raise RuleError(f"scope.{key}", "unknown", f"a scope has {', '.join(SCOPE_KEYS)}")
    found = {key: value for key in SCOPE_KEYS if (value := wanted.get(key))}
    if "area" in found and "site" not in found:
        raise RuleError("scope.site", "site-missing", "an area is one of a site")
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
        """RuleError or StateError unless an account may get the role beside those that it holds."""
        if role not in self.roles:
            raise RuleError(
                "role", "unknown", f"one of {', '.join(sorted(set(self.roles) - set(self.machines)))}"
            )
        if role in self.machines:
            raise RuleError("role", "machine-role", "this role is for tokens of machines")
        if person is None and role in self.signing:
            raise RuleError("role", "person-needed", "who trains or signs is a person; this account has none")
        for other in held:
            for one, two in ((role, other), (other, role)):
                if two != one and two in self.exclusive.get(one, ()):
                    raise StateError("exclusive-roles", f"{one} beside {two}: {self.why[one]}")

    def for_machine(self, role: str) -> None:
        if role not in self.machines:
            raise RuleError("role", "not-for-machines", f"one of {', '.join(sorted(self.machines))}")
