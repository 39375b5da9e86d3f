"""Answers of a loaded platform: the authorisation check at a steady rate, the compliance report."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpx

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
    async with httpx.AsyncClient(
        base_url=address,
        cookies=user.cookies,
        headers={CSRF_HEADER: user.session["csrf"]},
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=50),
        trust_env=False,
        timeout=10,
    ) as client:

        async def ask(due: float) -> float:
            await asyncio.sleep(due - time.perf_counter())
            answer = await client.request(method, path, json=body)
            answer.raise_for_status()
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
