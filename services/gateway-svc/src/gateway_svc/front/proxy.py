"""What is passed on to the service that owns an address: method, path, query and body as they came, few headers.

Nothing that a caller says about itself goes through: the token, the correlation and the trace are the gateway's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
from servicekit.http.app import correlation_of
from servicekit.problems import Problem, not_found
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from gateway_svc.domain.routing import is_plain, service_of
from gateway_svc.front import identity
from gateway_svc.front.door import unauthenticated
from gateway_svc.front.headers import is_set_by_us
from gateway_svc.services import Services, problem_of, unreachable

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_TAKEN = (
    "accept",
    "accept-language",
    "accept-encoding",
    "content-type",
    "content-length",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "range",
    "if-range",
)
_DROPPED = frozenset(
    {
        "connection",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "te",
        "trailer",
        "proxy-authenticate",
        "server",
        "date",
        "set-cookie",
        "www-authenticate",
        "x-correlation-id",
    }
)
_SMALL = 256 * 1024


def too_large(limit: int) -> Problem:
    return Problem(413, "too-large", "The body is too large", f"at most {limit // 2**20} MB")


async def forward(request: Request) -> Response:
    """The endpoint behind every path of /api that is not the gateway's own."""
    services: Services = request.app.state.services
    limit: int = request.app.state.settings.largest_body
    found = identity.current.get()
    if found is None:
        raise unauthenticated()
    raw_path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    service = service_of(request.url.path, frozenset(request.query_params)) if is_plain(raw_path) else None
    if service is None:
        raise not_found("address", request.url.path)
    client, base = services.where(service)
    headers = {name: value for name in _TAKEN if (value := request.headers.get(name)) is not None}
    headers.setdefault("accept-encoding", "identity")
    headers |= services.headers(service, found.caller, correlation_of(request))
    query = request.scope["query_string"].decode("latin-1")
    outgoing = client.build_request(
        request.method,
        httpx.URL(base + raw_path + (f"?{query}" if query else "")),
        headers=headers,
        content=await _body(request, limit),
    )
    if outgoing.url.raw_path.decode("latin-1").partition("?")[0] != raw_path:
        raise not_found("address", request.url.path)
    try:
        answer = await client.send(outgoing, stream=True)
    except httpx.TimeoutException:
        raise unreachable(service, "did not answer in time") from None
    except httpx.HTTPError:
        raise unreachable(service, "cannot be reached") from None
    if answer.status_code == 401:
        await answer.aread()
        await answer.aclose()
        raise problem_of(service, answer)
    return await _answer(service, answer)


async def _answer(service: str, answer: httpx.Response) -> Response:
    shown: dict[str, Any] = {
        name: value
        for name, value in answer.headers.items()
        if name not in _DROPPED and not is_set_by_us(name)
    }
    length = answer.headers.get("content-length")
    if length is not None and int(length) <= _SMALL:
        try:
            body = b"".join([part async for part in answer.aiter_raw()])
        except httpx.HTTPError:
            raise unreachable(service, "broke off its answer") from None
        finally:
            await answer.aclose()
        return Response(body, status_code=answer.status_code, headers=shown)
    return StreamingResponse(
        answer.aiter_raw(), answer.status_code, shown, background=BackgroundTask(answer.aclose)
    )


async def _body(request: Request, limit: int) -> bytes | AsyncIterator[bytes] | None:
    """The body: small ones as a whole, others as they come. 413 when it is longer than the limit."""
    length = request.headers.get("content-length")
    if length is None and "transfer-encoding" not in request.headers:
        return None
    if length is not None:
        if not length.isdigit() or int(length) > limit:
            raise too_large(limit)
        if int(length) <= _SMALL:
            return await request.body()
    return _counted(request, limit)


async def _counted(request: Request, limit: int) -> AsyncIterator[bytes]:
    seen = 0
    try:
        async for part in request.stream():
            seen += len(part)
            if seen > limit:
                raise too_large(limit)
            yield part
    except ClientDisconnect:
        raise httpx.WriteError("the caller went away") from None
