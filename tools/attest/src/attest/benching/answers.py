"""Answers of a loaded platform: the authorisation check at a steady rate, the compliance report."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import aiohttp

from attest.benching import population
from attest.benching.figures import Figure, figure, percentile
from attest.client import CSRF_HEADER, Api

_RATE = 100
_SECONDS = 20
_WARM_UP = 2


def check(address: str, user: Api, *, item: str) -> Iterable[Figure]:
    """The check through the gateway beside `/livez`, each at 100 a second."""
    body = {"person": "B00000", "items": [item]}
    alive = asyncio.run(_steady(address, user, "GET", "/livez", None))
    asked = asyncio.run(_steady(address, user, "POST", "/api/authorizations/check", body))
    for share, most in ((50, None), (99, 25)):
        yield figure(
            f"authorisation check at {_RATE} a second, p{share}",
            percentile(asked, share),
            "ms",
            beside=("/livez at the same rate", percentile(alive, share)),
            most=most,
        )


async def _steady(
    address: str, user: Api, method: str, path: str, body: dict[str, Any] | None
) -> list[float]:
    """Milliseconds from the instant at which a request was due until its answer: waiting in line counts."""
    # A client that costs little beside what it asks: both share the machine.
    async with aiohttp.ClientSession(
        cookies={cookie.name: cookie.value or "" for cookie in user.cookies.jar},
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        headers={CSRF_HEADER: user.session["csrf"]},
        connector=aiohttp.TCPConnector(limit=50),
        timeout=aiohttp.ClientTimeout(total=30),
        raise_for_status=True,
    ) as client:

        async def ask(due: float) -> float:
            await asyncio.sleep(due - time.perf_counter())
            async with client.request(method, address + path, json=body) as answer:
                await answer.read()
            return (time.perf_counter() - due) * 1000

        begin = time.perf_counter() + 0.2
        took = await asyncio.gather(
            *(ask(begin + number / _RATE) for number in range(_RATE * (_WARM_UP + _SECONDS)))
        )
    return list(took[_RATE * _WARM_UP :])


def compliance(user: Api, times: int = 20) -> Iterable[Figure]:
    """The report of a job function with 500 people: now, and as of two years ago."""
    now = _median(user, times)
    then = _median(user, times, at=(user.now() - timedelta(days=730)).isoformat())
    yield figure(f"compliance of {population.FEW_PEOPLE} people", now, "ms", most=200)
    yield figure("the same as of two years ago", then, "ms", beside=("now", now), most_ratio=1.5)


def _median(user: Api, times: int, **parameters: Any) -> float:
    took: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        found = user.get("/api/reports/compliance", job_function="BFW", limit=500, **parameters)
        took.append((time.perf_counter() - began) * 1000)
        if len(found["items"]) != population.FEW_PEOPLE:
            raise RuntimeError(f"{len(found['items'])} rows of compliance, {population.FEW_PEOPLE} expected")
    return statistics.median(took)
