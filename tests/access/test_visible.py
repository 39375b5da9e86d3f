"""Who sees whom: every role, every kind of scope, every list and every single read of all services (PL-06).

`visible.golden` is the whole answer; `ATTEST_UPDATE_GOLDEN=1` writes it anew, for a reviewer to read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from attest_contracts import policy
from servicekit.http.caller import Caller, Grant
from servicekit.testing.harness import RunningService

from .plant import PEOPLE, SOP, id_of

GOLDEN = Path(__file__).with_name("visible.golden")
ROLES = policy.load()["roles"]
SUBJECT = "SAM"
SCOPES: dict[str, dict[str, str]] = {
    "everywhere": {},
    "NL1": {"site": "NL1"},
    "US1": {"site": "US1"},
    "NL1/GA": {"site": "NL1", "area": "GA"},
    "NL1/GB": {"site": "NL1", "area": "GB"},
    "OPR": {"job_function": "OPR"},
    "NL1 OPR": {"site": "NL1", "job_function": "OPR"},
    "NL1/GA OPR": {"site": "NL1", "area": "GA", "job_function": "OPR"},
    "QCA": {"job_function": "QCA"},
}

QUICK = ("everywhere", "NL1/GA OPR")
"""The scopes whose single reads are compared in an ordinary run; all of them with `--deep`."""


@dataclass(frozen=True, slots=True)
class View:
    """A list and the single read of what it lists.

    actions: one of them is enough for both, and `single_actions` for the single read. shown: the people of an answer.
    """

    service: str
    list: str
    actions: tuple[str, ...]
    single: Callable[[str], str]
    single_actions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.service} {self.list.split('?')[0]}"


_CELL = ("qualification.read", "qualification.read_own")
_RECORD = ("record.read", "record.read_own")
VIEWS = [
    View("matrix", "/api/people", ("person.read",), lambda p: f"/api/people/{p}", ("person.read_own",)),
    View(
        "assignment",
        "/api/assignments",
        ("assignment.read", "assignment.read_own"),
        lambda p: f"/api/assignments/{id_of('assignment', p)}",
    ),
    View(
        "assignment",
        "/api/qualification/cells",
        _CELL,
        lambda p: f"/api/qualification/cells?person={p}&item={SOP}",
    ),
    View("records", "/api/records", _RECORD, lambda p: f"/api/records/{id_of('record', p)}"),
    View(
        "records",
        "/api/records/late-entries",
        ("record.late_entry", *_RECORD),
        lambda p: f"/api/records/late-entries/{id_of('late', p)}",
    ),
    View(
        "reporting",
        "/api/qualification/cells",
        _CELL,
        lambda p: f"/api/qualification/timeline?person={p}",
    ),
    View(
        "reporting",
        "/api/reports/compliance",
        ("report.read",),
        lambda p: f"/api/reports/compliance?person={p}",
    ),
    View(
        "reporting",
        "/api/reports/assignments",
        ("report.read",),
        lambda p: f"/api/reports/assignments?person={p}",
    ),
    View("reporting", "/api/audit?correlation=hired", ("audit.read",), lambda p: f"/api/audit?person={p}"),
]


def caller(role: str, scope: str) -> Caller:
    machine = role == "integration"
    return Caller(f"account/{role}", [Grant(role, SCOPES[scope])], None if machine else SUBJECT)


async def listed(service: RunningService, who: Caller, path: str) -> list[str] | None:
    """The people of the list; None: the caller may not ask at all."""
    answer = await service.call(who, "GET", path)
    if answer.status_code == 403:
        return None
    assert answer.status_code == 200, (path, answer.text)
    return sorted(row["person"] for row in answer.json()["items"])


async def readable(service: RunningService, who: Caller, view: View) -> list[str]:
    """The people whose single read answers with something."""
    found = []
    for person in sorted(PEOPLE):
        answer = await service.call(who, "GET", view.single(person))
        body: Any = answer.json()
        assert answer.status_code in (200, 403, 404), (view.single(person), answer.text)
        if answer.status_code == 200 and body.get("items", [body]):
            found.append(person)
    return found


def reach(role: str, actions: tuple[str, ...]) -> frozenset[str]:
    return frozenset(ROLES[role][action] for action in actions if action in ROLES[role])


@pytest.mark.infra
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.part(
    "PL-06", "a list never shows what a single read refuses, and all services show the same people"
)
async def test_every_service_shows_the_same_people(
    plant: dict[str, RunningService], pytestconfig: pytest.Config
) -> None:
    read_alone = SCOPES if pytestconfig.getoption("--deep") else QUICK
    lines = []
    same: dict[tuple[frozenset[str], str], list[str]] = {}
    singles: dict[tuple[str, frozenset[str], str, str | None], list[str]] = {}
    for role in ROLES:
        for scope in SCOPES:
            who = caller(role, scope)
            for view in VIEWS:
                service = plant[view.service]
                shown = await listed(service, who, view.list)
                assert (shown is None) == (not reach(role, view.actions)), (role, view.name)
                if shown is None:
                    continue
                case = (role, scope, view.name)
                lines.append(f"{role} | {scope} | {view.name} | {' '.join(shown) or '-'}")
                # What a role reaches decides, not the service that is asked.
                assert same.setdefault((reach(role, view.actions), scope), shown) == shown, case
                if scope not in read_alone:
                    continue
                # Two roles with the same reach differ in nothing that a single read looks at.
                key = (view.name, reach(role, view.actions + view.single_actions), scope, who.subject)
                if key not in singles:
                    singles[key] = await readable(service, who, view)
                single = singles[key]
                assert set(shown) <= set(single), case
                if reach(role, view.actions) == reach(role, view.actions + view.single_actions):
                    assert shown == single, case
    text = "\n".join(lines) + "\n"
    if os.environ.get("ATTEST_UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.infra
@pytest.mark.part(
    "PL-06", "a grant narrowed by job function reaches the people who hold it, in every service"
)
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
async def test_a_grant_narrowed_by_job_function_reaches_those_who_hold_it(
    plant: dict[str, RunningService], view: View
) -> None:
    shown = await listed(plant[view.service], caller("coordinator", "NL1 OPR"), view.list)
    own = {SUBJECT} if any(a.endswith("_own") for a in view.actions) else set()
    # KIM holds it no more, CHI never did, GIL holds it elsewhere; MOV is at NL1 until US1 has its 1 March.
    assert shown == sorted({"ANA", "BEN", "DEV", "FAY", "MOV"} | own)
