"""Kill -9 of the whole platform while people work: whatever was answered is there again, once, and work goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from attest import cli

from tests.e2e.api import until
from tests.faults.conftest import World, family_of, new_employee, nl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("faults")]
AT = nl("2026-03-02T10:00:00")
EVERYWHERE = {"assignment": "NEVER_TRAINED", "reporting": "NEVER_TRAINED"}


@contextmanager
def hiring(world: World, answered: list[str]) -> Iterator[None]:
    """Somebody is hired all the time, until nobody answers any more."""
    coordinator = world.user("coordinator")
    done = threading.Event()

    def work() -> None:
        number = 0
        while not done.is_set():
            person = f"KILL{number}"
            number += 1
            try:
                answer = coordinator.raw("POST", "/api/people", json=new_employee(person))
            except httpx.HTTPError:
                return
            if answer.status_code == 201:
                answered.append(person)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.req("PL-24")
def test_after_kill_9_of_everything_whatever_was_answered_is_there(world: World) -> None:
    answered: list[str] = []
    with hiring(world, answered):
        until(lambda: len(answered), lambda count: count >= 5)
        assert world.process is not None
        # PostgreSQL with its backends, Kafka, six services and two workers, each with its guard.
        assert len(family_of(world.process.pid)) > 16
        world.kill()
    world.start()
    for person in answered:
        until(lambda person=person: world.statuses(person, AT), lambda found: found == EVERYWHERE, 60)
    assert world.user("administrator").get("/api/dead-letters")["items"] == []
    assert cli.main(["rebuild", "reporting", "--state-dir", str(world.state)]) == 0
    world.hire("AFTER")
    until(lambda: world.statuses("AFTER", AT), lambda found: found == EVERYWHERE)
