"""Forwards a request to the service that owns its address: method, path, query and body unchanged, and few headers.

Nothing that a caller says about itself goes through: the token, the correlation and the trace are the gateway's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from servicekit.http.app import correlation_of
from servicekit.problems import Problem, not_found
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from yarl import URL

from gateway_svc.domain.routing import is_plain, service_of
from gateway_svc.front import identity
from gateway_svc.front.door import unauthenticated
from gateway_svc.front.headers import is_set_by_us
from gateway_svc.handlers.services import Services, unreachable

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
    headers = {name: value for name in _TAKEN if (value := request.headers.get(name)) is not None}
    headers.setdefault("accept-encoding", "identity")
    headers |= services.headers(service, found.caller, correlation_of(request))
    query = request.scope["query_string"].decode("latin-1")
    url = URL(services.url(service) + raw_path + (f"?{query}" if query else ""), encoded=True)
    if url.raw_path != raw_path:
        raise not_found("address", request.url.path)
    body = _Body(request, limit)
    try:
        answer = await services.wire.request(
            request.method, url, headers=headers, data=await body.content(), allow_redirects=False
        )
    except TimeoutError:
        raise unreachable(service, "did not answer in time") from None
    except (aiohttp.ClientError, OSError):
        raise body.trouble or unreachable(service, "cannot be reached") from None
    if answer.status == 401:
        answer.close()
        raise unreachable(service, "does not accept the gateway's token")
    return await _answer(service, answer)


async def _answer(service: str, answer: aiohttp.ClientResponse) -> Response:
    length = answer.headers.get("content-length")
    if length is not None and int(length) <= _SMALL:
        try:
            response = Response(await answer.read(), status_code=answer.status)
        except (TimeoutError, aiohttp.ClientError):
            answer.close()
            raise unreachable(service, "broke off its answer") from None
    else:
        response = StreamingResponse(_streamed(answer), answer.status)
    shown = MutableHeaders()
    for name, value in answer.headers.items():
        if name.lower() not in _DROPPED and not is_set_by_us(name):
            shown.append(name, value)
    response.raw_headers = shown.raw
    return response


async def _streamed(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body as it comes; the connection is given back at its end, or cut when the caller goes away before."""
    async with answer:
        async for part in answer.content.iter_any():
            yield part


class _Body:
    """The body of a request on its way: small ones as a whole, others as they come."""

    def __init__(self, request: Request, limit: int) -> None:
        self.trouble: Problem | None = None
        """The problem of the request body, when sending failed because of it."""
        self._request = request
        self._limit = limit

    async def content(self) -> bytes | AsyncIterator[bytes] | None:
        """Raises a 413 problem when it says that it is longer than the limit."""
        length = self._request.headers.get("content-length")
        if length is None and "transfer-encoding" not in self._request.headers:
            return None
        if length is not None:
            if not length.isdigit() or int(length) > self._limit:
                raise too_large(self._limit)
            if int(length) <= _SMALL:
                return await self._request.body()
        return self._counted()

    async def _counted(self) -> AsyncIterator[bytes]:
        seen = 0
        try:
            async for part in self._request.stream():
                seen += len(part)
                if seen > self._limit:
                    self.trouble = too_large(self._limit)
                    raise self.trouble
                yield part
        except ClientDisconnect:
            raise ConnectionError("the caller went away") from None
