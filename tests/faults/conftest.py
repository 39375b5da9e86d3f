"""One platform for the faults: that of `attest up` in a directory of its own, with the small plant's files imported."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from servicekit.embedded.ports import free_port

from tests.e2e.api import PASSWORD, Api, until
from tests.e2e.conftest import CLOCK, HEARTBEAT, ROLES

START = Path(__file__).with_name("start.py")
FIXTURE_F = Path(__file__).parents[2] / "examples" / "fixture-f"
NL = ZoneInfo("Europe/Amsterdam")
PEOPLE = ("ANA", "BEN", "CHI", "FAY", "GIL")


ANSWER_TIMEOUT = 8.0
"""Seconds that the gateway of these tests waits for a service, so that they need not wait longer."""


def new_employee(person: str, hired_on: str = "2026-03-02") -> dict[str, str]:
    return {
        "person": person,
        "given_name": person.capitalize(),
        "family_name": "Fault",
        "site": "NL1",
        "job_function": "OPR",
        "shift": "D",
        "supervisor": "SAM",
        "hired_on": hired_on,
        "reason": "replaces a leaver",
    }


def nl(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NL)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def family_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


class World:
    """A platform that can be stopped and started again; the same people log in each time."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.users: dict[str, Api] = {}

    def start(self, clock: str = "") -> World:
        self.state.parent.mkdir(parents=True, exist_ok=True)
        log = self.state.with_name(self.state.name + ".up.log")
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(START), str(self.state), str(self.port), *filter(None, [clock])],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | HEARTBEAT | {"ATTEST_ANSWER_TIMEOUT": str(ANSWER_TIMEOUT)},
            )
        end = time.monotonic() + 150
        # What a killed platform said of itself still stands there.
        while not (self.told.get("ready") and self.told.get("pid") == self.process.pid):
            assert self.process.poll() is None, log.read_text()[-4000:]
            assert time.monotonic() < end, log.read_text()[-4000:]
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        for api in self.users.values():
            api.http.close()
        self.users.clear()
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            assert self.process.wait(60) == 0
        self.process = None

    def kill(self) -> None:
        """Kill -9 of every process of the platform: the supervisor, guards, servers with their backends, services."""
        assert self.process is not None
        family = family_of(self.process.pid)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self.process.wait(30) == -signal.SIGKILL
        until(lambda: [pid for pid in family if lives(pid)], lambda left: not left)
        for api in self.users.values():
            api.http.close()
        self.users.clear()
        self.process = None

    @property
    def told(self) -> dict[str, Any]:
        """What the platform says of itself."""
        try:
            return json.loads((self.state / "up.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def pids(self, service: str) -> list[int]:
        """The processes of a service: some have a worker of their own."""
        programs: Mapping[str, Any] = self.told["programs"]
        return [
            each["pid"]
            for name, each in programs.items()
            if name == service or name.startswith(f"{service}-")
        ]

    def user(self, name: str) -> Api:
        if name not in self.users:
            self.users[name] = Api(self.base).log_in(name, PASSWORD)
        return self.users[name]

    def make_accounts(self) -> None:
        secret = self.state / "secrets" / "first-administrator.txt"
        lines = dict(line.split(":", 1) for line in secret.read_text().splitlines() if ":" in line)
        found = {key.strip().lower(): value.strip() for key, value in lines.items()}
        admin = Api(self.base).log_in(found["username"], found["password"])
        admin.change_password(PASSWORD)
        self.users[found["username"]] = admin
        accounts = [
            {
                "username": name,
                "password": PASSWORD,
                "person": person,
                "name": {"given_name": name.capitalize(), "family_name": "Fault"} if person else None,
                "grants": [{"role": role, "scope": scope} for role, scope in grants],
            }
            for name, (person, grants) in ROLES.items()
        ]
        admin.post("/api/demo/accounts", {"accounts": accounts, "reason": "faults"})

    def import_plant(self) -> None:
        coordinator = self.user("coordinator")
        job = coordinator.upload(FIXTURE_F, export_date="2026-03-01", reason="day one")
        for name in ("coordinator", "second"):
            self.user(name).sign("gateway", "import_batch", job["id"], "accept")
        done = until(
            lambda: coordinator.get(f"/api/imports/{job['id']}"),
            lambda j: j["state"] in ("DONE", "FAILED"),
            60,
        )
        assert done["state"] == "DONE", done

    # Facts and answers

    def hire(self, person: str, hired_on: str = "2026-03-02") -> None:
        self.user("coordinator").post("/api/people", new_employee(person, hired_on), expect=201)

    def enter_late(self, person: str, ink_signed_at: str = "2026-02-27T10:00:00") -> None:
        """A paper record of the governing version, verified by a second person."""
        form = {
            "person": person,
            "document": "SOP-101",
            "version": "3",
            "methods": "R",
            "ink_signed_at": nl(ink_signed_at).isoformat(),
            "reason": "the network was down in the gowning room",
        }
        scan = {"scan": ("form.pdf", b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n")}
        # A records service that was restored, or stood still, learns of the latest hires after it is ready.
        answer = until(
            lambda: self.user("sam").raw("POST", "/api/records/late-entries", files=scan, data=form),
            lambda answer: answer.status_code != 404,
        )
        assert answer.status_code == 201, answer.text
        late = answer.json()
        self.user("eva").sign("records", "late_entry", late.get("late_entry") or late["id"], "verify")

    def statuses(self, person: str, at: datetime) -> dict[str, str]:
        """The status of a person's only cell, as the assignment service and as reporting tell it."""
        coordinator = self.user("coordinator")
        reported = coordinator.get("/api/reports/compliance", person=person, at=at.isoformat())
        rows = reported.get("rows") or reported["items"]
        return {
            "assignment": next(iter(self.cells(person, at)), {}).get("status", "none"),
            "reporting": rows[0]["status"] if rows else "none",
        }

    def cells(self, person: str, at: datetime) -> list[dict[str, Any]]:
        return self.user("coordinator").get(
            "/api/qualification/cells", person=person, item="SOP-101", at=at.isoformat()
        )["items"]

    def records(self, person: str) -> list[dict[str, Any]]:
        return self.user("coordinator").get("/api/records", person=person, item="SOP-101")["items"]


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("faults") / "state")
    try:
        made.start(CLOCK)
        made.make_accounts()
        made.import_plant()
        yield made
    finally:
        made.stop()
