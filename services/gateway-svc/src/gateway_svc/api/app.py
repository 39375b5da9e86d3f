"""Turns the application of a service into the front door: identity, proxy, static files, one OpenAPI document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from servicekit.context import Context
from servicekit.db.idempotency import purge_idempotency
from servicekit.http.app import Allow, MisdeclaredRouteError, correlation_of
from servicekit.ids import new_id
from servicekit.problems import Problem
from servicekit.service import Runtime
from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway_svc.api import accounts, dead_letters, imports, platform, sessions, signing
from gateway_svc.api.openapi import Document, merge, own_document
from gateway_svc.api.sessions import cookie_name
from gateway_svc.domain.lockout import MEMORY
from gateway_svc.front import proxy
from gateway_svc.front.door import PUBLIC, FrontDoor
from gateway_svc.front.identity import FrontVerifier
from gateway_svc.front.lookup import Identities
from gateway_svc.front.names import LoopbackNames
from gateway_svc.front.static import StaticApp
from gateway_svc.handlers import bootstrap
from gateway_svc.handlers.services import Services
from gateway_svc.handlers.sessions import purge
from gateway_svc.settings import OWN_NAME, GatewaySettings, Tls

log = structlog.get_logger(__name__)

_HOUSEKEEPING_S = 300.0
_KEEP_ANSWERS = MEMORY * 32


def own_routers() -> list[APIRouter]:
    """The gateway's own routes, those of the import jobs included."""
    own = [sessions, accounts, signing, platform, dead_letters, imports]
    return [each.router for each in own]


def settings_of(runtime: Runtime) -> GatewaySettings:
    assert isinstance(runtime.settings, GatewaySettings)
    return runtime.settings


def state(runtime: Runtime) -> dict[str, Any]:
    settings = settings_of(runtime)
    return {"services": Services.from_settings(settings), "identities": Identities(settings.database_url)}


def finish(app: FastAPI, runtime: Runtime) -> None:
    """The last touch on the application that `servicekit.service` has made."""
    settings = settings_of(runtime)
    services: Services = app.state.services
    check_public(app)
    app.state.verifier = FrontVerifier.from_file(settings.internal_keys, audience=OWN_NAME)
    _replace_openapi(app, OpenApi(services))
    app.router.add_route("/api/{path:path}", proxy.forward, methods=proxy.METHODS, include_in_schema=False)
    static = StaticApp(settings.static_dir)
    app.router.add_route("/{path:path}", static.serve, methods=["GET", "HEAD"], include_in_schema=False)
    services.serve_itself(app)
    identities: Identities = app.state.identities
    app.add_middleware(FrontDoor, identities=identities, cookie=cookie_name(settings), hsts=settings.secure)
    if settings.tls == Tls.PUBLISHED_ON_LOOPBACK:
        app.add_middleware(LoopbackNames)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        await bootstrap.ensure_first_administrator(runtime.database, settings)
        async with inner(application):
            yield
        await services.close()
        await identities.close()

    app.router.lifespan_context = lifespan


def check_public(app: FastAPI) -> None:
    """Raises MisdeclaredRouteError unless the routes without an action are just those that are open by decision.

    `make_app` judges paths; one path can have an open method and others that are not.
    """
    open_routes = {
        (method, route.path)
        for route in api_routes(app.routes)
        if route.path.startswith("/api/") and not has_action(route)
        for method in route.methods or ()
    }
    if open_routes != PUBLIC:
        raise MisdeclaredRouteError(
            f"open without a decision, or the other way round: {open_routes ^ PUBLIC}"
        )


def has_action(route: APIRoute) -> bool:
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        if isinstance(dependant.call, Allow):
            return True
        waiting += dependant.dependencies
    return False


def api_routes(routes: Sequence[Any]) -> list[APIRoute]:
    """The routes that FastAPI declares, those of included routers too."""
    found: list[APIRoute] = []
    for route in routes:
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "original_router"):
            found += api_routes(route.original_router.routes)
    return found


class OpenApi:
    """The merged OpenAPI document. It is made once every service has returned its own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, Document] = {}
        self._merged: Document | None = None

    async def document(self, request: Request) -> JSONResponse:
        names = [name for name in self._services.names if name != OWN_NAME]
        missing = [name for name in names if name not in self._known]
        if missing or self._merged is None:
            correlation = correlation_of(request)
            await asyncio.gather(*(self._ask(name, correlation) for name in missing))
            self._merged = merge(own_document(own_routers()), self._known)
        unknown = [name for name in names if name not in self._known]
        # A service that is down is named, so that nobody takes a part for the whole.
        return JSONResponse(self._merged | ({"x-missing-services": unknown} if unknown else {}))

    async def _ask(self, name: str, correlation: str) -> None:
        try:
            answer = await self._services.call(
                name, "GET", "/openapi.json", None, correlation=correlation, timeout=5.0
            )
            if answer.is_success:
                self._known[name] = answer.json()
        except (Problem, ValueError):
            log.warning("no OpenAPI document", of=name)


def _replace_openapi(app: FastAPI, openapi: OpenApi) -> None:
    routes = app.router.routes
    routes[:] = [route for route in routes if getattr(route, "path", None) != "/openapi.json"]
    app.router.add_route("/openapi.json", openapi.document, methods=["GET"], include_in_schema=False)


async def housekeeping(runtime: Runtime) -> None:
    """Forgets, every five minutes, what is over: sessions, guesses, stored answers."""
    while True:
        context = Context(actor="system/gateway", reason="forgets what is over", correlation=new_id())
        try:
            async with runtime.database.transaction(context) as tx:
                await purge(tx)
                await purge_idempotency(tx, _KEEP_ANSWERS)
        except Exception as error:
            log.error("housekeeping", error=type(error).__name__)
        await asyncio.sleep(_HOUSEKEEPING_S)
