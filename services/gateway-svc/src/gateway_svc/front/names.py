"""Plain http behind a port that is published on the host's loopback: only requests by a name of the loopback."""

from __future__ import annotations

from servicekit.http.app import problem_response
from servicekit.problems import Problem
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_svc.settings import LOOPBACK


class LoopbackNames:
    """Answers 421 to a request whose Host is none of the loopback.

    From inside a container the caller's address tells nothing, the name that the browser used does: a port that was
    published for other machines by mistake serves them no password page over plain http, and a foreign name that
    resolves to 127.0.0.1 (DNS rebinding) reaches nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_loopback(Headers(scope=scope).get("host", "")):
            problem = Problem(
                421,
                "misdirected",
                "This address is served on the loopback alone",
                detail="ATTEST_TLS is published-on-loopback: call it localhost, or put a TLS proxy in front"
                " and set ATTEST_TLS=proxy",
            )
            await problem_response(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether a Host header names the loopback, with or without a port."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() in LOOPBACK
