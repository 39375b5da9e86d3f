"""Calls to the other services, each with an internal token that names the user and is bound to the one called."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from joserfc.jwk import OKPKey
from servicekit import telemetry
from servicekit.http.caller import Caller, Grant, TokenIssuer
from servicekit.problems import FieldError, Problem
from starlette.types import ASGIApp

from gateway_svc.settings import OWN_NAME, GatewaySettings


def read_key(path: Path) -> OKPKey:
    """The private key of internal tokens, a JWK file."""
    return OKPKey.import_key(json.loads(path.read_text()))


OWN_URL = "http://localhost"
"""Of calls to itself: in this process, so by a name of the loopback (`front.names`)."""
# What the gateway does on its own account, such as collecting the health of all.
ITSELF = Caller(actor="system/gateway", grants=(Grant("administrator"),))


_SAME_TOKEN_S = 20
_MOST_TOKENS = 2_000


def unreachable(service: str, why: str) -> Problem:
    return Problem(
        503,
        "unavailable",
        "A part of the platform does not answer",
        f"{service} {why}",
        extra={"service": service},
        headers={"Retry-After": "2"},
    )


class Services:
    """One pooled client for all services. `gateway` itself is called in this process, as any other."""

    def __init__(
        self, urls: Mapping[str, str], issuer: TokenIssuer, *, connect: float, answer: float
    ) -> None:
        self.issuer = issuer
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}
        self._timeout = httpx.Timeout(answer, connect=connect)
        self.client = httpx.AsyncClient(
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=100, keepalive_expiry=4.0),
            # Sooner than the services themselves let an idle connection go (5 s).
            follow_redirects=False,
            trust_env=False,
            # The client serves everybody: a cookie that one answer set must not go out with another's call.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        self._connect, self._answer = connect, answer
        self._wire: aiohttp.ClientSession | None = None
        self._own: httpx.AsyncClient | None = None
        self._tokens: dict[tuple[str | None, ...], tuple[int, str]] = {}

    @classmethod
    def from_settings(cls, settings: GatewaySettings) -> Services:
        return cls(
            settings.urls,
            TokenIssuer(read_key(settings.internal_key_file)),
            connect=settings.connect_timeout,
            answer=settings.answer_timeout,
        )

    def serve_itself(self, app: ASGIApp) -> None:
        """The application behind the name `gateway`."""
        self._own = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url=OWN_URL
        )

    @property
    def names(self) -> list[str]:
        return [*self._urls, *([OWN_NAME] if self._own else [])]

    def token(self, service: str, caller: Caller) -> str:
        """A token that holds for at least 40 s more. The same caller with the same grants gets the same one for a
        while: signing costs more than the rest of the way."""
        now = int(time.time())
        key = (
            service,
            caller.actor,
            caller.subject,
            caller.session,
            json.dumps([[g.role, dict(g.scope)] for g in caller.grants]),
        )
        known = self._tokens.get(key)
        if known is not None and known[0] > now - _SAME_TOKEN_S:
            return known[1]
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        token = self.issuer.call_token(caller, audience=service, now=now)
        self._tokens[key] = (now, token)
        return token

    def headers(self, service: str, caller: Caller | None, correlation: str) -> dict[str, str]:
        """The headers that name the caller and the correlation of the call."""
        headers = {"x-correlation-id": correlation}
        if caller is not None:
            headers["authorization"] = f"Bearer {self.token(service, caller)}"
        if parent := telemetry.traceparent():
            headers["traceparent"] = parent
        return headers

    @property
    def wire(self) -> aiohttp.ClientSession:
        """The client of what is passed on as it came: a third of the cost of the other, on the way of every call."""
        if self._wire is None:
            self._wire = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=4.0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect, sock_read=self._answer),
            )
        return self._wire

    def url(self, service: str) -> str:
        """The base URL of another service. Raises a 503 problem for one that is not configured."""
        url = self._urls.get(service)
        if url is None:
            raise unreachable(service, "is not part of this installation")
        return url

    def where(self, service: str) -> tuple[httpx.AsyncClient, str]:
        """The client and the base URL of a service. Raises a 503 problem for one that is not configured."""
        if service == OWN_NAME and self._own is not None:
            return self._own, OWN_URL
        return self.client, self.url(service)

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        caller: Caller | None,
        *,
        correlation: str,
        body: Any = None,
        parameters: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - given on to the client
        idempotency_key: str = "",
    ) -> httpx.Response:
        """One call, its answer whatever the status. Raises a 503 problem that names the service when none came.

        timeout: seconds until the answer is complete, by default that of the settings.
        """
        client, url = self.where(service)
        headers = self.headers(service, caller, correlation)
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        try:
            return await client.request(
                method,
                url + path,
                headers=headers,
                json=body,
                params=parameters,
                timeout=self._timeout if timeout is None else timeout,
            )
        except httpx.TimeoutException:
            raise unreachable(service, "did not answer in time") from None
        except httpx.HTTPError:
            raise unreachable(service, "cannot be reached") from None

    async def ask(self, service: str, method: str, path: str, caller: Caller, **more: Any) -> Any:
        """As `call`, the JSON value of a good answer; an error is raised as the problem that the service returned."""
        answer = await self.call(service, method, path, caller, **more)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise problem_of(service, answer)

    async def close(self) -> None:
        await self.client.aclose()
        if self._wire is not None:
            await self._wire.close()
        if self._own is not None:
            await self._own.aclose()


def problem_of(service: str, answer: httpx.Response) -> Problem:
    """The problem that another service returned, to pass on. If it refused our own token, the fault is ours: 503."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    if answer.status_code == 401:
        return unreachable(service, "does not accept the gateway's token")
    known = {"type", "title", "status", "detail", "errors"}
    return Problem(
        answer.status_code,
        str(body.get("type", "urn:attest:problem:http")).rpartition(":")[2],
        str(body.get("title", "The service refused")),
        str(body.get("detail", "")),
        list(_errors(body.get("errors"))),
        extra={key: value for key, value in body.items() if key not in known},
    )


def _errors(found: Any) -> Iterable[FieldError]:
    for error in found if isinstance(found, list) else []:
        yield FieldError(str(error.get("field")), str(error.get("reason")), str(error.get("message", "")))
