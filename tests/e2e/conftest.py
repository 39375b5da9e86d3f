"""One platform for the journeys: `attest up` in a directory of its own, its clock on 1 March 2026."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from servicekit.embedded.ports import free_port

from tests.e2e.api import PASSWORD, Api
from tests.e2e.browser import BROWSER

CLOCK = "2026-03-01T08:00Z"
HEARTBEAT = {"ATTEST_HEARTBEAT_INTERVAL": "3"}
"""Seconds. An answer is final when each input has said that nothing earlier can come; the default is ten."""
ROLES: dict[str, tuple[str | None, list[tuple[str, dict[str, str]]]]] = {
    # username: person, grants
    "coordinator": ("COR", [("coordinator", {})]),
    "second": ("SEC", [("qa_approver", {})]),
    "eva": ("EVA", [("qa_approver", {})]),
    "que": ("QUE", [("document_author", {})]),
    "sam": ("SAM", [("supervisor", {"site": "NL1"})]),
    "ana": ("ANA", [("operator", {})]),
    "ben": ("BEN", [("operator", {})]),
    "dev": ("DEV", [("operator", {})]),
    "auditor": (None, [("auditor", {})]),
}


@dataclass
class Platform:
    """A running platform and who is logged in."""

    base: str
    directory: Path
    process: subprocess.Popen[bytes] | None
    users: dict[str, Api] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def user(self, name: str) -> Api:
        return self.users[name]


@pytest.fixture(scope="package", autouse=True)
def browser() -> Iterator[None]:
    """Ends the browser that the journeys share."""
    yield
    BROWSER.close()


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if running := os.environ.get("ATTEST_E2E"):
        # A developer's fresh platform, "http://127.0.0.1:8080 .attest": its journeys can be played once.
        base, state = running.split()
        found = Platform(base, Path(state).parent, None)
        _accounts(found, Path(state))
        yield found
        return
    directory = tmp_path_factory.mktemp("platform")
    port = free_port()
    log = (directory / "up.log").open("wb")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "attest",
            "up",
            "--port",
            str(port),
            "--clock",
            CLOCK,
            "--state-dir",
            str(directory / ".attest"),
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=os.environ | HEARTBEAT | {"ATTEST_TRACE_FILE": str(directory / "spans.jsonl")},
    )
    found = Platform(f"http://127.0.0.1:{port}", directory, process)
    try:
        _ready(found)
        _accounts(found, directory / ".attest")
        yield found
    finally:
        for api in found.users.values():
            api.http.close()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
        log.close()


def _ready(platform: Platform, deadline: float = 240) -> None:
    assert platform.process is not None
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if platform.process.poll() is not None:
            break
        try:
            if httpx.get(f"{platform.base}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail((platform.directory / "up.log").read_text()[-4000:])


def _accounts(platform: Platform, state: Path) -> None:
    secret = state / "secrets" / "first-administrator.txt"
    lines = dict(line.split(":", 1) for line in secret.read_text().splitlines() if ":" in line)
    found = {key.strip().lower(): value.strip() for key, value in lines.items()}
    admin = Api(platform.base).log_in(found["username"], found["password"])
    admin.change_password(PASSWORD)
    platform.users["admin"] = admin
    accounts = [
        {
            "username": name,
            "password": PASSWORD,
            "person": person,
            # Who accepts the first import is not imported yet.
            "name": {"given_name": name.capitalize(), "family_name": "Story"} if person else None,
            "grants": [{"role": role, "scope": scope} for role, scope in grants],
        }
        for name, (person, grants) in ROLES.items()
    ]
    admin.post("/api/demo/accounts", {"accounts": accounts, "reason": "story"})
    for name in ROLES:
        platform.users[name] = Api(platform.base).log_in(name, PASSWORD)
