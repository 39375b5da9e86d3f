"""The platform as a whole: its clock, its health, which build it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any

import tzdata
from attest_contracts import files, topics
from attest_contracts import policy as policy_file
from fastapi import APIRouter, Depends, Request
from servicekit.http.app import Allow, correlation_of
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.problems import Problem
from servicekit.settings import Mode

from gateway_svc.api import schemas
from gateway_svc.api.sessions import SettingsOf
from gateway_svc.handlers import clock
from gateway_svc.handlers.services import ITSELF, Services

router = APIRouter(prefix="/api", tags=["platform"])
_PATIENCE_S = 3.0


def services_of(request: Request) -> Services:
    return request.app.state.services


ServicesOf = Annotated[Services, Depends(services_of)]


@router.get("/clock")
async def read_clock(database: DatabaseOf, settings: SettingsOf) -> schemas.ClockOut:
    """The time of the platform's clock, which can be moved on demo and test platforms only."""
    return schemas.ClockOut(
        now=await clock.now(database),
        movable=settings.mode != Mode.PRODUCTION,
        mode=settings.mode.value,
    )


@router.post("/clock")
async def move_clock(
    body: schemas.ClockIn,
    request: Request,
    caller: Annotated[Caller, Depends(Allow("platform.clock"))],
    database: DatabaseOf,
    services: ServicesOf,
    settings: SettingsOf,
) -> schemas.ClockOut:
    """Moves the clock of all services forward. 403 in production, 409 for an instant that is past."""
    now = await clock.move(
        database,
        services,
        caller,
        settings.mode,
        body.now,
        reason=body.reason,
        correlation=correlation_of(request),
    )
    return schemas.ClockOut(now=now, movable=True, mode=settings.mode.value)


@router.get("/health")
async def health(
    request: Request, caller: Annotated[Caller, Depends(Allow("health.read"))], services: ServicesOf
) -> schemas.Health:
    """Every service: is it ready, what waits to be sent or read, what is parked."""
    names = services.names
    correlation = correlation_of(request)
    seen = dict(
        zip(
            names,
            await asyncio.gather(*(_look(services, name, caller, correlation) for name in names)),
            strict=True,
        )
    )
    ends = _ends([each["bus"] for each in seen.values() if each["bus"]])
    return schemas.Health(
        at=datetime.now(UTC),
        services=[_service_health(name, found, ends) for name, found in seen.items()],
    )


@router.get("/about")
async def about(
    request: Request,
    caller: Annotated[Caller, Depends(Allow("session.own"))],
    services: ServicesOf,
    settings: SettingsOf,
) -> schemas.About:
    """Which build this is, to the letter."""
    correlation = correlation_of(request)
    names = services.names
    found = await asyncio.gather(*(_version(services, name, correlation) for name in names))
    own = version("gateway-svc")
    return schemas.About(
        product="Attest",
        version=own,
        build=settings.build or None,
        tzdata=tzdata.IANA_VERSION,
        mode=settings.mode.value,
        policy=policy_file.load()["digest"],
        contracts=_contracts(),
        services=[
            schemas.ServiceVersion(service=name, version=known, schema_=schema)
            for name, (known, schema) in zip(names, found, strict=True)
        ],
    )


async def _look(services: Services, name: str, caller: Caller, correlation: str) -> dict[str, Any]:
    found: dict[str, Any] = {"ready": False, "reasons": [], "bus": None, "version": None}
    try:
        ready = await services.call(
            name, "GET", "/readyz", None, correlation=correlation, timeout=_PATIENCE_S
        )
        body = ready.json()
        found |= {"ready": ready.status_code == 200, "reasons": list(body.get("reasons", []))}
        found["bus"] = await services.ask(
            name, "GET", "/internal/bus", caller, correlation=correlation, timeout=_PATIENCE_S
        )
        about = await services.ask(
            name, "GET", "/internal/about", caller, correlation=correlation, timeout=_PATIENCE_S
        )
        found["version"] = about["version"]
    except (Problem, ValueError) as error:
        detail = error.detail if isinstance(error, Problem) else "answers what is no JSON"
        found |= {"ready": False, "reasons": [*found["reasons"], detail]}
    return found


def _ends(standings: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Where each partition ends, as far as its owner knows: topic -> partition -> the offset after the last."""
    return {
        topic: {partition: int(last) + 1 for partition, last in partitions.items()}
        for standing in standings
        for topic, partitions in standing["acked"].items()
    }


def _service_health(
    name: str, found: dict[str, Any], ends: dict[str, dict[str, int]]
) -> schemas.ServiceHealth:
    bus = found["bus"]
    if bus is None:
        return schemas.ServiceHealth(
            service=name,
            ready=found["ready"],
            reasons=found["reasons"],
            version=found["version"],
            pending=None,
            oldest_pending_seconds=None,
            marks=None,
            consumers=[],
            parked=[],
        )
    now = datetime.fromisoformat(bus["now"])
    parked = [
        schemas.ParkedEvent(
            id=str(each["id"]),
            topic=each["topic"],
            subject=each["subject"] or "",
            reason=each["reason"] or "",
            at=each["parked_at"],
            attempts=each["attempts"],
        )
        for each in bus["parked"]
    ]
    return schemas.ServiceHealth(
        service=name,
        ready=found["ready"],
        reasons=found["reasons"],
        version=found["version"],
        pending=bus["pending"],
        oldest_pending_seconds=_age(now, bus["pending_since"]),
        marks=bus["marks"],
        consumers=[
            schemas.TopicHealth(
                topic=topic,
                lag_seconds=_age(now, bus["watermarks"].get(topic)),
                events_behind=_behind(partitions, ends.get(topic)),
                parked=sum(1 for each in parked if each.topic == topic),
            )
            for topic, partitions in sorted(bus["consumed"].items())
        ],
        parked=parked,
    )


def _age(now: datetime, since: str | None) -> float | None:
    return None if since is None else max(0.0, (now - datetime.fromisoformat(since)).total_seconds())


def _behind(consumed: dict[str, int], ends: dict[str, int] | None) -> int | None:
    if ends is None:
        return None
    return sum(max(0, end - consumed.get(partition, 0)) for partition, end in ends.items())


async def _version(services: Services, name: str, correlation: str) -> tuple[str, str]:
    try:
        found = await services.ask(
            name, "GET", "/internal/about", ITSELF, correlation=correlation, timeout=_PATIENCE_S
        )
    except Problem:
        return "unknown", "unknown"
    return found["version"], found["schema"]


def _contracts() -> list[schemas.Contract]:
    digests: dict[str, str] = {}
    for line in files.read("schemas.lock").splitlines():
        digest, _, name = line.partition("  ")
        if name:
            digests[name] = digest
    shown: list[schemas.Contract] = []
    for topic in topics.load().values():
        schema, _, major = topic.schema.rpartition(".v")
        released = [name for name in digests if name.startswith(f"{schema}.v{major}.")]
        newest = max(released, key=_minor, default="")
        edition = f"{major}.{_minor(newest)}" if newest else major
        shown.append(schemas.Contract(topic=topic.name, version=edition, digest=digests.get(newest)))
    return shown


def _minor(name: str) -> int:
    return int(name.removesuffix(".schema.json").rpartition(".")[2])
