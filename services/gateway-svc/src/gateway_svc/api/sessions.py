"""Logging in and out; who I am; my password."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from servicekit.db import Database
from servicekit.http.app import Allow, PolicyOf, correlation_of
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.policy import Policy
from servicekit.problems import Problem

from gateway_svc.api import schemas
from gateway_svc.domain import sessions as lifetimes
from gateway_svc.front import identity
from gateway_svc.front.door import cookie_of
from gateway_svc.front.identity import Identity
from gateway_svc.handlers import bootstrap, sessions
from gateway_svc.settings import GatewaySettings

router = APIRouter(prefix="/api", tags=["session"])
MayOwn = Annotated[Caller, Depends(Allow("session.own"))]


def settings_of(request: Request) -> GatewaySettings:
    return request.app.state.settings


SettingsOf = Annotated[GatewaySettings, Depends(settings_of)]


def person_in_session(caller: MayOwn) -> Identity:
    """The identity of a session; a machine has none."""
    found = identity.current.get()
    if found is None or found.how != "session":
        raise Problem(401, "unauthenticated", "This needs a session")
    return found


Mine = Annotated[Identity, Depends(person_in_session)]


@router.post("/session", response_model=schemas.SessionOut)
async def log_in(
    body: schemas.LogIn, request: Request, database: DatabaseOf, settings: SettingsOf
) -> Response:
    """Opens a session: the cookie, and the CSRF token in the answer.

    401 for a wrong password and for a name that nobody has alike; 429 while the name is locked (5 failures in 15
    minutes lock it for 30).
    """
    cookie = cookie_name(settings)
    opened = await sessions.log_in(
        database,
        body.username,
        body.password.get_secret_value(),
        kiosk=body.kiosk,
        old_secret=cookie_of(request.headers, cookie),
        correlation=correlation_of(request),
    )
    return await _answer(request, opened.secret)


@router.get("/session")
async def who_am_i(
    found: Mine, database: DatabaseOf, policy: PolicyOf, settings: SettingsOf
) -> schemas.SessionOut:
    return await _session(database, policy, settings, found)


@router.delete("/session", status_code=204)
async def log_out(found: Mine, request: Request, database: DatabaseOf, settings: SettingsOf) -> Response:
    """Ends the session at once, here and on the server."""
    async with database.transaction(found.caller.context("log-out", correlation_of(request))) as tx:
        await sessions.log_out(tx, found)
    answer = Response(status_code=204)
    forget_cookie(answer, settings)
    return answer


@router.post("/password", response_model=schemas.SessionOut)
@router.post("/session/password", response_model=schemas.SessionOut, include_in_schema=False)
async def change_password(
    body: schemas.PasswordChange,
    found: Mine,
    request: Request,
    database: DatabaseOf,
    settings: SettingsOf,
) -> Response:
    """Changes one's own password and ends every other session of the account."""
    opened = await sessions.change_password(
        database,
        found,
        body.current.get_secret_value(),
        body.new.get_secret_value(),
        reason=body.reason,
        correlation=correlation_of(request),
    )
    bootstrap.forget_first_log_in(settings, found.username)
    return await _answer(request, opened.secret)


def cookie_name(settings: GatewaySettings) -> str:
    return identity.SECURE_COOKIE if settings.secure else identity.COOKIE


def forget_cookie(answer: Response, settings: GatewaySettings) -> None:
    answer.delete_cookie(
        cookie_name(settings), path="/", secure=settings.secure, httponly=True, samesite="strict"
    )


async def _answer(request: Request, secret: str) -> Response:
    state = request.app.state
    found = await state.identities.by_cookie(secret, sign_of_life=False)
    if found is None:
        raise Problem(401, "unauthenticated", "The session has ended")
    settings = settings_of(request)
    shown = await _session(state.database, state.policy, settings, found)
    answer = JSONResponse(jsonable_encoder(shown))
    answer.set_cookie(
        cookie_name(settings), secret, path="/", secure=settings.secure, httponly=True, samesite="strict"
    )
    return answer


async def _session(
    database: Database, policy: Policy, settings: GatewaySettings, found: Identity
) -> schemas.SessionOut:
    async with database.read() as tx:
        name = await tx.scalar(
            "SELECT given_name || ' ' || family_name FROM app.person_name WHERE person = :person",
            {"person": found.caller.subject},
        )
    sites = {grant["scope"].get("site") for grant in found.grants} - {None}
    values: dict[str, Any] = {
        "account": found.account,
        "username": found.username,
        "person": found.caller.subject,
        "printed_name": name or found.username,
        "grants": [schemas.GrantOut(**grant) for grant in found.grants],
        "roles": sorted({grant["role"] for grant in found.grants}),
        "actions": sorted(action for action in policy.actions if policy.may(found.caller, action)),
        "site": sites.pop() if len(sites) == 1 else None,
        "csrf": found.csrf,
        "must_change_password": found.must_change_password,
        "kiosk": found.kiosk,
        "idle_seconds": int(lifetimes.idle(kiosk=found.kiosk).total_seconds()),
        "mode": settings.mode.value,
        "clock": tx.now,
    }
    return schemas.SessionOut(**values)
