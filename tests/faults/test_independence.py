"""Stopping any one service leaves the others answering, and it catches up when it goes on.

A stopped process (SIGSTOP) is the harder case than a dead one: its port takes connections and nothing ever comes
back, so whoever waits for it without a limit stands still with it. While it is stopped somebody is hired: that fact
reaches the others, not the stopped one, and reaches it when it continues.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from attest.platform.services import PUBLIC, SERVICES
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir
from gateway_svc.handlers.services import read_key
from servicekit.http.caller import Caller, TokenIssuer
from servicekit.policy import Grant

from tests.e2e.api import until
from tests.faults.conftest import ANSWER_TIMEOUT, World, new_employee, nl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("faults")]
AT = nl("2026-03-02T10:00:00")
ROUTES = {
    "matrix": "/api/people?limit=1",
    "qms": "/api/documents?limit=1",
    "assignment": "/api/assignments?person=ANA",
    "records": "/api/records?person=ANA",
    "reporting": "/api/reports/compliance?person=ANA",
    "gateway": "/api/session",
}
"""One of each service's own, at the gateway."""


@contextlib.contextmanager
def stopped(world: World, service: str) -> Iterator[None]:
    """All processes of a service stand still."""
    pids = world.pids(service)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def known(world: World, service: str, table: str, key: str) -> bool:
    """Whether the database of a service has a row: its own replica of what another one announced."""
    state = StateDir(world.state)
    url = Endpoints(world.told["postgres"], "", state.password, state.path).database_url(service, "owner")
    statement = f"SELECT EXISTS (SELECT FROM app.{table} WHERE {table} = %s)"
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode(), [key]).fetchone()
    return row == (True,)


def address(world: World, service: str) -> str:
    """Where the service itself listens."""
    (pid,) = [each["pid"] for name, each in world.told["programs"].items() if name == service]
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    (port,) = [each.partition(b"=")[2] for each in environment if each.startswith(b"ATTEST_HTTP_PORT=")]
    return f"http://127.0.0.1:{port.decode()}"


def directly(world: World, service: str, method: str, path: str, body: object = None) -> httpx.Response:
    """A request without the gateway, with a token as it would make one."""
    issuer = TokenIssuer(read_key(world.state / "secrets" / "internal-key.json"))
    caller = Caller("account/coordinator", (Grant("coordinator"), Grant("auditor")), subject="COR")
    token = issuer.call_token(caller, audience=service, now=int(time.time()))
    return httpx.request(
        method,
        address(world, service) + path,
        json=body,
        headers={"authorization": f"Bearer {token}"},
        timeout=30,
    )


def timed(act: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    """The answer and the seconds until it came."""
    began = time.monotonic()
    return act(), time.monotonic() - began


@pytest.mark.parametrize("service", [name for name in SERVICES if name != PUBLIC])
def test_one_stands_still_and_the_others_answer(world: World, service: str) -> None:
    coordinator, author = world.user("coordinator"), world.user("que")
    # A person is announced by the matrix service; while that stands still, a document by the quality service.
    table, key = ("item", "SOP-900") if service == "matrix" else ("person", f"STOP-{service}")

    def tell() -> None:
        if service == "matrix":
            author.post(
                "/api/documents",
                {
                    "document": key,
                    "title": "Told while nobody listened",
                    "document_type": "SOP",
                    "framework": "GMP",
                    "reason": "a new procedure",
                },
                expect=201,
            )
        else:
            world.hire(key)

    def answer(name: str) -> httpx.Response:
        return coordinator.raw("GET", ROUTES[name])

    assert answer(service).is_success
    with ThreadPoolExecutor(1) as waiting, stopped(world, service):
        # The others answer although this one waits.
        refused = waiting.submit(timed, lambda: answer(service))
        tell()
        for name in SERVICES:
            if name != service:
                until(lambda name=name: answer(name).status_code, lambda status: status == 200, 20)
        others = {"qms", "assignment", "records", "reporting", "gateway"} - {service}
        if service == "matrix":
            others, arrives = {"records", "assignment"}, "document"
        else:
            arrives = "person"
        for name in others:
            until(lambda name=name: known(world, name, arrives, key), bool, 30)
        assert not known(world, service, table, key), "it was not stopped"
        problem, took = refused.result()
        assert (problem.status_code, problem.json()["service"]) == (503, service)
        assert problem.headers["content-type"].startswith("application/problem+json")
        assert took < ANSWER_TIMEOUT + 5, f"{took:.1f} s"
    until(lambda: known(world, service, table, key), bool, 60)
    until(lambda: answer(service).status_code, lambda status: status == 200, 30)
    if service != "matrix":
        everywhere = {"assignment": "NEVER_TRAINED", "reporting": "NEVER_TRAINED"}
        until(lambda: world.statuses(key, AT), lambda found: found == everywhere, 60)


def test_the_gateway_stands_still_and_the_others_answer_those_who_reach_them(world: World) -> None:
    with stopped(world, PUBLIC):
        with pytest.raises(httpx.TimeoutException):
            httpx.get(f"{world.base}/livez", timeout=1)
        hired = directly(world, "matrix", "POST", "/api/people", new_employee("STOP-gateway"))
        assert hired.status_code == 201, hired.text
        for name in SERVICES:
            if name != PUBLIC:
                answer = directly(world, name, "GET", ROUTES[name])
                assert answer.is_success, f"{name}: {answer.status_code} {answer.text}"
                until(lambda name=name: known(world, name, "person", "STOP-gateway"), bool, 30)
        assert not known(world, PUBLIC, "person", "STOP-gateway")
    until(lambda: known(world, PUBLIC, "person", "STOP-gateway"), bool, 60)
    everywhere = {"assignment": "NEVER_TRAINED", "reporting": "NEVER_TRAINED"}
    until(lambda: world.statuses("STOP-gateway", AT), lambda found: found == everywhere, 60)
