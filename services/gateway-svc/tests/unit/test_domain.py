"""The rules of the gateway, without anything around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from gateway_svc.domain import accounts, intents, lockout, routing, sessions
from gateway_svc.domain.accounts import AccountStatus
from gateway_svc.domain.intents import IntentState
from gateway_svc.handlers.accounts import RULES
from hypothesis import given
from hypothesis import strategies as st
from servicekit.domain import DomainError, RuleError, StateError

T = datetime(2026, 3, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(*minutes: float) -> list[datetime]:
    return [T + timedelta(minutes=m) for m in minutes]


@pytest.mark.part("PL-32", "five failures in fifteen minutes lock for thirty")
@pytest.mark.part("SR-04", "five failures in fifteen minutes lock the name")
@pytest.mark.parametrize(
    ("failures", "until"),
    [
        ([], None),
        ([0, 1, 2, 3], None),
        ([0, 1, 2, 3, 4], 34),
        ([0, 1, 2, 3, 15], 45),
        ([0, 1, 2, 3, 15.1], None),
        ([0, 4, 8, 12, 16, 20], None),
        ([0, 4, 8, 10, 12, 30, 40], 42),
        ([0, 1, 2, 3, 4, 5], 35),
    ],
)
def test_five_failures_in_fifteen_minutes_lock_for_thirty(failures: list[float], until: float | None) -> None:
    expected = None if until is None else T + until * MINUTE
    assert lockout.locked_until(at(*failures)) == expected
    if expected is not None:
        assert lockout.is_locked(at(*failures), expected - timedelta(seconds=1))
        assert not lockout.is_locked(at(*failures), expected)


@given(st.lists(st.integers(0, 120), max_size=12).map(sorted))
def test_a_lock_needs_five_failures_in_one_window(minutes: list[int]) -> None:
    failures = at(*minutes)
    windows = [
        last
        for last in failures
        if sum(1 for other in failures if timedelta(0) <= last - other <= lockout.WINDOW) >= lockout.LIMIT
    ]
    assert lockout.locked_until(failures) == (max(windows) + lockout.LOCK if windows else None)


def test_just_the_fifth_sets_the_lock() -> None:
    assert [lockout.sets_lock(at(*range(n))) for n in range(7)] == [False] * 5 + [True, True]


@pytest.mark.part("PL-01", "a name is the same however it is typed")
@pytest.mark.parametrize(
    ("typed", "stored"),
    [("Ana", "ana"), ("  ANA ", "ana"), ("ｅ１", "e1"), ("Straße", "strasse"), ("e.1@x", "e.1@x")],
)
def test_a_name_is_the_same_however_it_is_typed(typed: str, stored: str) -> None:
    assert accounts.username(typed) == stored


@pytest.mark.parametrize("typed", ["", "   ", "a b", "a\tb", "a\x00b", "a\u200bb", "x" * 65])
def test_a_name_is_something_that_can_be_typed(typed: str) -> None:
    with pytest.raises(RuleError) as error:
        accounts.username(typed)
    assert error.value.field == "username"


@pytest.mark.part("PL-01", "a disabled account never comes back")
@pytest.mark.part("R-14", "a disabled account is never enabled again")
def test_a_disabled_account_never_comes_back() -> None:
    for wanted in AccountStatus:
        with pytest.raises(StateError):
            accounts.move(AccountStatus.DISABLED, wanted)
    assert accounts.move(AccountStatus.LOCKED, AccountStatus.ACTIVE) == AccountStatus.ACTIVE


@pytest.mark.part("PL-06", "which roles go together")
@pytest.mark.parametrize(
    ("role", "held", "person", "code"),
    [
        ("operator", [], "ANA", None),
        ("qa_approver", ["operator"], "ANA", None),
        ("administrator", [], None, None),
        ("auditor", [], None, None),
        ("operator", ["administrator"], "ANA", "exclusive-roles"),
        ("administrator", ["operator"], "ANA", "exclusive-roles"),
        ("administrator", ["auditor"], None, "exclusive-roles"),
        ("qa_approver", ["auditor"], "ANA", "exclusive-roles"),
        ("auditor", ["trainer"], "ANA", "exclusive-roles"),
        ("operator", [], None, "person-needed"),
        ("integration", [], "ANA", "machine-role"),
        ("emperor", [], "ANA", "unknown"),
    ],
)
def test_which_roles_go_together(role: str, held: list[str], person: str | None, code: str | None) -> None:
    if code is None:
        RULES.for_account(role, held, person=person)
        return
    with pytest.raises(DomainError) as error:
        RULES.for_account(role, held, person=person)
    assert error.value.code == code


def test_a_scope_is_narrowed_by_known_keys() -> None:
    assert accounts.scope({"site": "NL1", "area": None, "job_function": ""}) == {"site": "NL1"}
    for wanted in ({"area": "GA"}, {"country": "NL"}):
        with pytest.raises(RuleError):
            accounts.scope(wanted)


@pytest.mark.part("PL-32", "a session is over after idle time and after twelve hours")
@pytest.mark.parametrize(("kiosk", "seconds"), [(False, 900), (True, 60)])
def test_a_session_is_over_after_idle_time_and_after_twelve_hours(kiosk: bool, seconds: int) -> None:
    def over(idle: float, left: float) -> bool:
        return sessions.is_over(
            T,
            last_seen_at=T - timedelta(seconds=idle),
            expires_at=T + timedelta(seconds=left),
            kiosk=kiosk,
        )

    assert not over(seconds - 1, 1)
    assert over(seconds, 1)
    assert over(0, 0)
    # A sign of life is never noted so late that the session would end for it.
    assert not sessions.is_worth_noting(T, T, kiosk=kiosk)
    assert sessions.is_worth_noting(T, T - timedelta(seconds=seconds / 30), kiosk=kiosk)


@pytest.mark.part("SR-04", "a series ends by a pause by its length and by its number")
def test_a_series_ends_by_a_pause_by_its_length_and_by_its_number() -> None:
    def goes_on(began: float, last: float, count: int) -> bool:
        return sessions.continues_series(T, T - began * MINUTE, T - last * MINUTE, count)

    assert goes_on(29, 9, 49)
    assert not goes_on(30, 9, 49)
    assert not goes_on(29, 10, 49)
    assert not goes_on(29, 9, 50)
    assert not sessions.continues_series(T, None, T, 1)


@pytest.mark.part("SR-04", "an open intent runs out by itself")
def test_an_open_intent_runs_out_by_itself() -> None:
    ends = T + intents.LIFETIME
    assert intents.at(IntentState.OPEN, ends, ends - timedelta(seconds=1)) == IntentState.OPEN
    assert intents.at(IntentState.OPEN, ends, ends) == IntentState.EXPIRED
    for closed in set(IntentState) - {IntentState.OPEN}:
        assert intents.at(closed, ends, ends) == closed
        with pytest.raises(StateError):
            intents.require_open(closed)
    intents.require_open(IntentState.OPEN)


@pytest.mark.part("PL-25", "which service answers")
@pytest.mark.parametrize(
    ("path", "parameters", "service"),
    [
        ("/api/people", set(), "matrix"),
        ("/api/people/E1/functions", set(), "matrix"),
        ("/api/peoples", set(), None),
        ("/api/people-x", set(), None),
        ("/api", set(), None),
        ("/api/qualification", set(), None),
        ("/api/qualification/cells", {"at"}, "assignment"),
        ("/api/qualification/cells", {"known_at"}, "reporting"),
        ("/api/qualification/timeline", set(), "reporting"),
        ("/api/session", set(), None),
        ("/internal/bus", set(), None),
        ("/signing/sign", set(), None),
    ],
)
def test_which_service_answers(path: str, parameters: set[str], service: str | None) -> None:
    assert routing.service_of(path, frozenset(parameters)) == service


@pytest.mark.part("PL-06", "a plain path means the same to everyone")
@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/api/changes/CC-7", True),
        ("/api/changes/CC-7/", True),
        ("/api/changes/a%2Fb", True),
        ("/api/changes/a..b", True),
        ("/api/changes/100%25", True),
        ("/api/changes/..", False),
        ("/api/changes/../x", False),
        ("/api/changes/./x", False),
        ("/api/changes/%2e%2e/x", False),
        ("/api/changes/%2E./x", False),
        ("/api/changes/..%2fx", False),
        ("/api/changes/%252e%252e/x", False),
        ("/api/changes/%25252e%25252e/x", False),
        ("/api//x", False),
        ("/api/a\\b", False),
        ("/api/a%5cb", False),
        ("/api/a%00b", False),
    ],
)
def test_a_plain_path_means_the_same_to_everyone(path: str, plain: bool) -> None:
    assert routing.is_plain(path) is plain
