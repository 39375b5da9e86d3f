"""Accounts of a demonstration: their passwords are known to everybody, and a production platform refuses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attest.client import Api, ApiError

PASSWORD = "a demonstration"  # noqa: S105 - it is meant to be known
ADMINISTRATOR = "administrator"
COORDINATOR = "sam"
APPROVER = "eva"
AUTHOR = "que"


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody of the story with an account. The user name is the person's id in lower case."""

    person: str
    given_name: str
    family_name: str
    roles: tuple[str, ...]
    plays: str

    @property
    def username(self) -> str:
        return self.person.lower()


PLAYERS: tuple[Player, ...] = (
    Player(
        "SAM", "Sam", "Brouwer", ("supervisor", "coordinator"), "supervises the operators, imports, hires"
    ),
    Player("EVA", "Eva", "Dijkstra", ("qa_approver",), "approves changes, accepts imports"),
    Player("QUE", "Quentin", "Adeyemi", ("document_author",), "writes changes"),
    Player("ANA", "Ana", "Vermeer", ("operator",), "filling operator, night shift"),
    Player("BEN", "Ben", "Okafor", ("operator", "trainer"), "filling operator, day shift, qualified trainer"),
    Player("CHI", "Chi", "Nakamura", ("operator",), "filling operator, on leave"),
    Player("DEV", "Dev", "Rao", ("operator",), "filling operator, about to be hired"),
    Player("FAY", "Fay", "Lindqvist", ("operator",), "filling operator, about to leave"),
    Player("GIL", "Gil", "Moreno", ("operator",), "filling operator in the United States"),
)
AUDITOR = "auditor"


class NoAdministratorError(Exception):
    """Nobody can be made: the administrator's password is neither the demo's nor the first one."""


def administrator(api: Api, secrets: Path) -> Api:
    """The administrator, with the demo's password from now on. secrets: where the first log-in is told."""
    try:
        return api.log_in(ADMINISTRATOR, PASSWORD)
    except ApiError as error:
        if error.status != 401:
            raise
    file = secrets / "first-administrator.txt"
    if not file.exists():
        raise NoAdministratorError(f"the administrator's password was changed, and {file} is gone")
    first = dict(line.split(": ", 1) for line in file.read_text().splitlines() if ": " in line)
    admin = api.log_in(first["username"], first["password"])
    admin.change_password(PASSWORD)
    return admin


def make_accounts(admin: Api, players: Sequence[Player] = PLAYERS) -> None:
    """Makes the accounts that are not there yet. Until an import announces the people, their names are the demo's."""
    accounts: list[dict[str, Any]] = [
        {
            "username": player.username,
            "password": PASSWORD,
            "person": player.person,
            "name": {"given_name": player.given_name, "family_name": player.family_name},
            "grants": [{"role": role} for role in player.roles],
        }
        for player in players
    ]
    accounts.append({"username": AUDITOR, "password": PASSWORD, "grants": [{"role": "auditor"}]})
    admin.post("/api/demo/accounts", {"accounts": accounts, "reason": "accounts of the demonstration"})
