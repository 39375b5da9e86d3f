"""`attest demo`: a platform with a plant's files, and the story of a revised procedure."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from attest.client import Api, ApiError, UnreachableError
from attest.commands.connection import CommandError, guarded
from attest.demo.people import (
    ADMINISTRATOR,
    PASSWORD,
    PLAYERS,
    NoAdministratorError,
    administrator,
    make_accounts,
)
from attest.demo.story import BEGIN, CHANGE, STEPS, Stage, play
from attest.platform.commands import up_options
from attest.platform.state import StateDir

EXAMPLES = Path(__file__).parents[5] / "examples"
START_SECONDS = 300.0


@click.command()
@up_options(mode="demo", clock=BEGIN)
@click.option(
    "--examples",
    type=click.Path(path_type=Path),
    default=EXAMPLES,
    help="directory with plant-a and fixture-f",
)
@click.option("--leave", is_flag=True, help="end when the story is told, and stop what was started")
@guarded
def demo(state_dir: Path, examples: Path, leave: bool, **up: Any) -> int:
    """Start a platform when none runs here, play the story, and stay until Ctrl-C."""
    state = StateDir(state_dir)
    started = None if state.taken() else _start({"state_dir": state_dir, **up})
    try:
        api = _reach(state, started)
        _tell(api, state, examples)
        if started is not None and not leave:
            print("\nthe platform runs until Ctrl-C", flush=True)
            return started.wait()
        return 0
    except KeyboardInterrupt:
        return 0
    finally:
        if started is not None:
            _stop(started)


def _start(options: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """`attest up` beside this one, with its options by their names: Ctrl-C reaches both."""
    words = [sys.executable, "-m", "attest", "up"]
    for name, value in options.items():
        if value:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return subprocess.Popen(words)  # noqa: S603 - our own command


def _stop(started: subprocess.Popen[bytes]) -> None:
    if started.poll() is None:
        started.terminate()
    started.wait()


def _reach(state: StateDir, started: subprocess.Popen[bytes] | None) -> Api:
    end = time.monotonic() + START_SECONDS
    while not state.running.get("ready"):
        if started is not None and (code := started.poll()) is not None:
            raise CommandError(f"the platform did not start (code {code})")
        if time.monotonic() > end:
            raise CommandError(f"the platform is not ready after {START_SECONDS:g} s; logs in {state.logs}")
        time.sleep(0.1)
    address = state.running["address"]
    ca = state.path / "tls" / "attest-ca.pem"
    return Api(address, verify=str(ca) if address.startswith("https:") else True)


def _tell(api: Api, state: StateDir, examples: Path) -> None:
    clock = api.get("/api/clock")
    if clock["mode"] == "production":
        raise CommandError(
            f"{api.address} is a production platform; the demo makes one of its own in another --state-dir"
        )
    try:
        admin = administrator(api, state.secrets)
    except NoAdministratorError as error:
        raise CommandError(str(error)) from error
    make_accounts(admin)
    stage = Stage(api, admin, examples, lambda line: print(line, flush=True))
    if _was_told(stage):
        print("\nthe story was told here before")
    else:
        if admin.now() > datetime.fromisoformat(BEGIN).replace(day=2):
            raise CommandError(
                f"the clock of {api.address} shows {clock['now']}, the story begins on 2 November 2026: "
                "`make reset`, then `make demo`"
            )
        began = time.monotonic()
        for number, step in enumerate(play(stage), 1):
            print(f"\n{number}. {step.title}", flush=True)
        print(f"\nthe story took {time.monotonic() - began:.0f} s")
    _where_to_look(api)


def _was_told(stage: Stage) -> bool:
    try:
        return stage.coordinator.get(f"/api/changes/{CHANGE}")["state"] == "APPROVED"
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    except UnreachableError as error:
        raise CommandError(str(error)) from error


def _where_to_look(api: Api) -> None:
    print(f"\nopen {api.address} and log in with the password: {PASSWORD}")
    for player in PLAYERS:
        print(f"  {player.username:14} {player.given_name} {player.family_name}: {player.plays}")
    print(f"  {'auditor':14} sees everything, changes nothing")
    print(f"  {ADMINISTRATOR:14} runs the platform, moves its clock")
    for step in STEPS:
        print(f"  {api.address}{step.look}  {step.title}")
