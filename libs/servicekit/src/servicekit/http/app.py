"""The application factory of a service: problems, health, authentication, and an action for every route.

A service does not start when a route declares no action, or one that the policy does not know: nothing is open by
being forgotten (ASVS 8.2.1).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any

import psycopg
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException

from servicekit.domain import DomainError
from servicekit.http.caller import Caller, TokenVerifier
from servicekit.ids import is_uuid, new_id
from servicekit.policy import Policy
from servicekit.problems import FieldError, Problem, problem_of

log = structlog.get_logger(__name__)

PROBLEM = "application/problem+json"


class MisdeclaredRouteError(Exception):
    """A route without an action, or with one that no role of the policy can have."""


class Allow:
    """A dependency that lets a caller in who may do one of the actions somewhere; the handler narrows it to the
    resource with `policy.require`.

    Use: `caller: Annotated[Caller, Depends(Allow("unit.read", "unit.read_own"))]`.
    """

    def __init__(self, *actions: str) -> None:
        self.actions = actions

    # A coroutine, though it waits for nothing: FastAPI sends what is none to a thread.
    async def __call__(self, request: Request) -> Caller:
        caller: Caller = request.app.state.verifier.caller(request.headers.get("authorization"))
        request.app.state.policy.require_any(caller, self.actions)
        request.state.caller = caller
        return caller


def correlation_of(request: Request) -> str:
    """The correlation id of the request; one is made when the caller sent none or not a UUID."""
    known = getattr(request.state, "correlation", None)
    if known is None:
        sent = request.headers.get("x-correlation-id", "")
        known = request.state.correlation = sent if is_uuid(sent) else new_id()
    return known


async def policy_of(request: Request) -> Policy:
    return request.app.state.policy


PolicyOf = Annotated[Policy, Depends(policy_of)]


def make_app(
    *,
    name: str,
    version: str,
    routers: Sequence[APIRouter],
    policy: Policy,
    verifier: TokenVerifier,
    readiness: Callable[[], Sequence[str]] = tuple,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    state: dict[str, Any] | None = None,
    public: frozenset[str] = frozenset(),
) -> FastAPI:
    """readiness: the reasons why this process should get no traffic; empty = ready. public: paths open by decision."""

    @asynccontextmanager
    async def nothing(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(title=name, version=version, lifespan=lifespan or nothing, docs_url=None, redoc_url=None)
    app.state.policy = policy
    app.state.verifier = verifier
    for key, value in (state or {}).items():
        setattr(app.state, key, value)
    add_problem_handlers(app)
    app.include_router(_health(readiness))
    for router in routers:
        app.include_router(router)
    check_actions(app, policy, public=public)
    return app


def check_actions(app: FastAPI, policy: Policy, *, public: frozenset[str] = frozenset()) -> None:
    """Raises MisdeclaredRouteError unless every route has an action of the policy. public: paths open by decision."""
    open_paths = public | {"/livez", "/readyz", "/metrics", "/openapi.json"}
    for route in api_routes(app.routes):
        if route.path in open_paths:
            continue
        allows = [d.call for d in _dependencies(route.dependant) if isinstance(d.call, Allow)]
        actions = [action for allow in allows for action in allow.actions]
        if not actions:
            raise MisdeclaredRouteError(f"{sorted(route.methods or ())} {route.path} declares no action")
        for action in actions:
            if action not in policy.actions:
                raise MisdeclaredRouteError(f"{route.path}: no role of the policy has the action {action}")


def api_routes(routes: Sequence[Any]) -> list[APIRoute]:
    """What FastAPI declares, the routes of included routers too."""
    found: list[APIRoute] = []
    for route in routes:
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "original_router"):
            found += api_routes(route.original_router.routes)
        elif getattr(route, "routes", None):
            found += api_routes(route.routes)
    return found


def _dependencies(dependant: Any) -> list[Any]:
    found = []
    for inner in dependant.dependencies:
        found.append(inner)
        found += _dependencies(inner)
    return found


def problem_response(problem: Problem) -> JSONResponse:
    return JSONResponse(
        problem.body(), status_code=problem.status, media_type=PROBLEM, headers=problem.headers or None
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Every error leaves as RFC 9457; a 500 tells nothing of the inside."""

    async def on_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(error)

    async def on_domain(_: Request, error: Exception) -> Response:
        assert isinstance(error, DomainError)
        return problem_response(problem_of(error))

    async def on_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [
            FieldError(".".join(str(part) for part in e["loc"]), str(e["type"]), str(e["msg"]))
            for e in error.errors()
        ]
        return problem_response(
            Problem(422, "invalid", "The request has bad fields", f"{len(errors)} field(s)", errors)
        )

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
        return problem_response(Problem(error.status_code, code, str(error.detail)))

    async def on_database(_: Request, error: Exception) -> Response:
        log.error("database", error=type(error).__name__)
        return problem_response(
            Problem(503, "unavailable", "The database does not answer", headers={"Retry-After": "2"})
        )

    async def on_anything(request: Request, error: Exception) -> Response:
        log.error("unhandled", error=type(error).__name__, path=request.url.path, exc_info=error)
        return problem_response(Problem(500, "internal", "Something went wrong on our side"))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(DomainError, on_domain)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(OperationalError, on_database)
    app.add_exception_handler(psycopg.OperationalError, on_database)
    app.add_exception_handler(DBAPIError, on_anything)
    app.add_exception_handler(Exception, on_anything)


def _health(readiness: Callable[[], Sequence[str]]) -> APIRouter:
    router = APIRouter()

    @router.get("/livez", include_in_schema=False)
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        reasons = list(readiness())
        return JSONResponse(
            {"status": "ready" if not reasons else "not ready", "reasons": reasons},
            status_code=200 if not reasons else 503,
        )

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
