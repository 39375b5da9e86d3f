"""Parked events of every service, and the way back: asked of the service that parked them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from servicekit.http.app import Allow, correlation_of
from servicekit.http.caller import Caller
from servicekit.problems import Problem, invalid

from gateway_svc.api import schemas
from gateway_svc.api.platform import ServicesOf
from gateway_svc.handlers.services import Services

router = APIRouter(prefix="/api/dead-letters", tags=["platform"])
Reader = Annotated[Caller, Depends(Allow("health.read"))]
Repairer = Annotated[Caller, Depends(Allow("platform.repair"))]


class DeadLetterOut(BaseModel):
    """error: null when it only waits behind a parked event of its subject. subject: null when that cannot be read."""

    service: str
    id: int
    topic: str
    partition: int
    offset: int
    subject: str | None
    epoch: int | None
    sequence: int | None
    event_id: str
    error_class: str | None
    error: str | None
    attempts: int
    parked_at: datetime


class DeadLettersOut(schemas.Page[DeadLetterOut]):
    """Oldest first. unknown: the services that did not answer."""

    unknown: list[str] = Field(default_factory=list)


class RetriedOut(BaseModel):
    """applied: folded now. superseded: not folded, since something newer was. failed: still parked."""

    applied: int
    superseded: int
    failed: int


class RetryIn(schemas.Closed):
    """id: one of them; None: all of the service. latest: the newest parked event of each subject alone."""

    service: str
    id: int | None = None
    latest: bool = False
    reason: schemas.Reason


class DiscardIn(schemas.Closed):
    service: str
    id: int = Field(ge=1)
    reason: schemas.Reason


@router.get("")
async def list_dead_letters(
    request: Request, caller: Reader, services: ServicesOf, service: str | None = None
) -> DeadLettersOut:
    items: list[DeadLetterOut] = []
    unknown: list[str] = []
    for name in services.names if service is None else [_known(services, service)]:
        try:
            found = await services.ask(
                name, "GET", "/internal/dead-letters", caller, correlation=correlation_of(request)
            )
        except Problem as problem:
            if problem.code != "no-consumer":
                unknown.append(name)
            continue
        items += [DeadLetterOut(service=name, **each) for each in found]
    return DeadLettersOut(items=items, unknown=unknown)


@router.post("/retry")
async def retry(body: RetryIn, request: Request, caller: Repairer, services: ServicesOf) -> RetriedOut:
    """Folds parked events again, in order: applied, superseded by something newer, failed again."""
    return await _repair(
        services, request, caller, "retry", body.service, body.model_dump(exclude={"service"})
    )


@router.post("/discard")
async def discard(body: DiscardIn, request: Request, caller: Repairer, services: ServicesOf) -> RetriedOut:
    """Gives one parked event up, with a reason; its subject goes on with the next."""
    return await _repair(
        services, request, caller, "discard", body.service, body.model_dump(exclude={"service"})
    )


async def _repair(
    services: Services, request: Request, caller: Caller, act: str, service: str, body: dict[str, Any]
) -> RetriedOut:
    answer = await services.ask(
        _known(services, service),
        "POST",
        f"/internal/dead-letters/{act}",
        caller,
        correlation=correlation_of(request),
        body=body,
    )
    return RetriedOut(**answer)


def _known(services: Services, service: str) -> str:
    if service not in services.names:
        raise invalid("service", "unknown", f"one of {', '.join(services.names)}")
    return service
