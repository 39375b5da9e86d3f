"""The middleware that every request passes: who calls, does the browser's own page ask, and what is let through.

To `/api/*` only a session cookie or a machine's token is an identity; whatever else a request claims in its headers is
dropped. A call that changes something and is identified by the cookie needs the session's CSRF token, and no other
site may have caused it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

import psycopg
import structlog
from servicekit.http.app import problem_response
from servicekit.ids import is_uuid, new_id
from servicekit.problems import Problem, forbidden
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway_svc.domain.routing import service_of
from gateway_svc.front import identity
from gateway_svc.front.headers import security_headers
from gateway_svc.front.identity import Identity
from gateway_svc.front.lookup import Identities

log = structlog.get_logger(__name__)

CSRF_HEADER = "x-csrf-token"
PUBLIC: frozenset[tuple[str, str]] = frozenset({("POST", "/api/session"), ("GET", "/api/clock")})
"""Open without an identity, by decision: to log in, and to see which clock the platform has before that.
Static files, /livez, /readyz and /openapi.json are not below /api and need none either."""

# Requests that a page sends automatically while nobody is there must not keep a session alive.
PASSIVE = frozenset({("GET", "/api/clock"), ("GET", "/api/health"), ("GET", "/api/session")})
PASSIVE_HEADER = "x-attest-background"

# The requests that are allowed before the user has replaced a password that somebody else chose.
BEFORE_CHANGE = frozenset(
    {
        ("GET", "/api/session"),
        ("DELETE", "/api/session"),
        ("GET", "/api/clock"),
        ("POST", "/api/password"),
        ("POST", "/api/session/password"),
    }
)
_READS = frozenset({"GET", "HEAD"})
LARGEST_OWN_BODY = 1024 * 1024
"""Bytes of a body for the gateway itself, uploads of imports apart."""


class FrontDoor:
    """cookie: the name of the session cookie. hsts: see `security_headers`."""

    def __init__(self, app: ASGIApp, *, identities: Identities, cookie: str, hsts: bool) -> None:
        self._app = app
        self._identities = identities
        self._cookie = cookie
        self._hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = headers.get("x-correlation-id", "")
        correlation = sent if is_uuid(sent) else new_id()
        scope.setdefault("state", {})["correlation"] = correlation
        path = scope["path"]
        ours = security_headers(path, hsts=self._hsts)
        answered = False

        async def with_headers(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                answer = MutableHeaders(scope=message)
                for name, value in ours.items():
                    answer[name] = value
                answer["x-correlation-id"] = correlation
                if path.startswith("/api/") and "cache-control" not in answer:
                    answer["cache-control"] = "no-store"
            await send(message)

        try:
            found = await self._admit(scope, headers)
        except Problem as problem:
            response: Response = problem_response(problem)
            await response(scope, receive, with_headers)
            return
        except psycopg.OperationalError:
            log.error("database", path=path)
            problem = Problem(
                503, "unavailable", "The database does not answer", headers={"Retry-After": "2"}
            )
            await problem_response(problem)(scope, receive, with_headers)
            return
        token = identity.current.set(found)
        try:
            await self._app(scope, receive, with_headers)
        except ClientDisconnect:
            log.info("the caller went away", path=path)
        except Exception as error:
            # Here rather than further out: this answer bears the headers of all others, too.
            log.error("unhandled", error=type(error).__name__, path=path, exc_info=error)
            if not answered:
                problem = Problem(500, "internal", "Something went wrong on our side")
                await problem_response(problem)(scope, receive, with_headers)
        finally:
            identity.current.reset(token)

    async def _admit(self, scope: Scope, headers: Headers) -> Identity | None:
        """The caller; None for an address that needs none. Raises the problem that refuses the request."""
        method, path = scope["method"], scope["path"]
        if path == "/metrics" and not _is_local(scope):
            raise Problem(404, "not-found", "Not Found")
        if not path.startswith("/api/"):
            return None
        _other_site(method, headers)
        _own_size(path, headers)
        found = await self._identify(method, path, headers)
        if found is None:
            if (method, path) in PUBLIC:
                return None
            raise unauthenticated()
        if (method, path) in PUBLIC:
            return found
        if found.how == "session" and method not in _READS:
            _csrf(found, headers)
        if found.must_change_password and (method, path) not in BEFORE_CHANGE:
            raise forbidden("password-change-required", "choose a password of your own first")
        return found

    async def _identify(self, method: str, path: str, headers: Headers) -> Identity | None:
        authorization = headers.get("authorization")
        if authorization is not None:
            # A caller that names itself is believed by that alone: no cookie helps a wrong token.
            return await self._identities.by_token(authorization)
        secret = cookie_of(headers, self._cookie)
        if not secret:
            return None
        passive = (method, path) in PASSIVE or PASSIVE_HEADER in headers
        return await self._identities.by_cookie(secret, sign_of_life=not passive)


def cookie_of(headers: Mapping[str, str], name: str) -> str:
    """The value of a cookie, "" without one or with more than one."""
    try:
        jar: SimpleCookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def unauthenticated() -> Problem:
    return Problem(
        401, "unauthenticated", "Log in first", headers={"WWW-Authenticate": 'Bearer realm="attest"'}
    )


def _csrf(found: Identity, headers: Headers) -> None:
    if not hmac.compare_digest(headers.get(CSRF_HEADER, "").encode(), found.csrf.encode()):
        raise forbidden("csrf", f"the header {CSRF_HEADER} does not belong to this session")


def _other_site(method: str, headers: Headers) -> None:
    """A browser says which site caused a request; nothing is changed for another one."""
    if method in _READS:
        return
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise forbidden("cross-site", "another site may not act here")
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host", ""):
        raise forbidden("cross-site", "another site may not act here")


def _own_size(path: str, headers: Headers) -> None:
    """A body for the gateway itself is read as a whole, before anybody has logged in: it is small and says its size.

    What is passed on is counted on its way, and uploads of imports where they are read.
    """
    if service_of(path) is not None or path.startswith("/api/imports"):
        return
    length = headers.get("content-length")
    if length is None and "transfer-encoding" in headers:
        raise Problem(411, "length-required", "The body has to say its length")
    if length is not None and (not length.isdigit() or int(length) > LARGEST_OWN_BODY):
        raise Problem(413, "too-large", "The body is too large", f"at most {LARGEST_OWN_BODY // 2**20} MB")


def _is_local(scope: Mapping[str, Any]) -> bool:
    client = scope.get("client")
    return client is not None and client[0] in ("127.0.0.1", "::1")
