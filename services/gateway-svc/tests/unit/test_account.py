"""An account: given its past, when a command comes, then events or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from gateway_svc.domain import account as domain
from gateway_svc.domain.account import (
    Account,
    Command,
    Create,
    EndGrant,
    GrantRole,
    Move,
    Moved,
    ProveHolder,
    SetPassword,
)
from gateway_svc.domain.accounts import AccountStatus
from gateway_svc.handlers.accounts import RULES
from hypothesis import given as over
from hypothesis import strategies as st
from servicekit.domain import DomainError

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
CREATE = Create("a1", "ana", "ANA", must_change=True, password_changed_at=NOW)
LOCK, UNLOCK, DISABLE = (
    Move(status) for status in (AccountStatus.LOCKED, AccountStatus.ACTIVE, AccountStatus.DISABLED)
)
RESET, CHANGE = SetPassword("account/adm", NOW), SetPassword(None, NOW)


def role(name: str, id_: str = "g1", **scope: str) -> GrantRole:
    return GrantRole(id_, name, scope, "account/adm", "a test", RULES)


def given(*commands: Command) -> Account:
    [created] = domain.decide(None, CREATE, NOW)
    account = domain.evolve(None, created)
    for command in commands:
        for event in domain.decide(account, command, NOW):
            account = domain.evolve(account, event)
    return account


def refusal(account: Account, command: Command) -> str:
    with pytest.raises(DomainError) as refused:
        domain.decide(account, command, NOW)
    return refused.value.code


def test_a_new_account_has_no_role() -> None:
    assert (given().status, given().grants, given().version) == (AccountStatus.ACTIVE, (), 1)


@pytest.mark.part("PL-06", "a role is given once a scope, beside what it may stand beside")
def test_a_role_is_given_once_a_scope_and_beside_what_it_may_stand_beside() -> None:
    account = given(role("operator"))
    assert refusal(account, role("operator")) == "already-granted"
    assert refusal(account, role("administrator")) == "exclusive-roles"
    two = given(role("operator"), role("trainer", "g2", site="NL1"))
    assert [grant.role for grant in two.grants] == ["operator", "trainer"]
    assert two.version == 1, "grants are facts: the row does not move"


def test_a_grant_ends_once() -> None:
    end = EndGrant("g1", "account/adm", "a test")
    account = given(role("operator"), end)
    assert account.grants == []
    assert refusal(account, end) == "not-found"


@pytest.mark.part("PL-01", "a disabled account never comes back")
def test_a_disabled_account_never_comes_back() -> None:
    gone = given(DISABLE)
    for command in (LOCK, UNLOCK, DISABLE, role("operator"), RESET):
        assert refusal(gone, command) == "state"
    assert given(LOCK, UNLOCK).status == AccountStatus.ACTIVE


def test_unlocking_an_active_account_is_told_and_moves_nothing() -> None:
    account = given()
    assert domain.decide(account, UNLOCK, NOW) == [Moved(AccountStatus.ACTIVE)]
    assert given(UNLOCK) == account


@pytest.mark.part("R-51", "a password that another chose blocks signing until the holder is proved")
def test_a_password_that_another_chose_blocks_signing_until_the_holder_is_proved() -> None:
    reset = given(RESET)
    assert (reset.signing_blocked_by, reset.must_change_password) == ("account/adm", True)
    changed = given(RESET, CHANGE)
    assert (changed.signing_blocked_by, changed.must_change_password) == ("account/adm", False)
    assert given(RESET, CHANGE, ProveHolder()).signing_blocked_by is None
    assert refusal(given(), ProveHolder()) == "state"


@over(
    st.lists(
        st.sampled_from(
            [role("operator"), role("auditor", "g2"), LOCK, UNLOCK, DISABLE, RESET, CHANGE, ProveHolder()]
        ),
        max_size=12,
    )
)
def test_over_any_commands_no_excluded_role_stands_beside_another(commands: Sequence[Command]) -> None:
    account = given()
    for command in commands:
        try:
            events = domain.decide(account, command, NOW)
        except DomainError:
            continue
        for event in events:
            account = domain.evolve(account, event)
        held = [grant.role for grant in account.grants]
        for each in held:
            RULES.for_account(each, [other for other in held if other != each], person=account.person)
