"""Running a command of the API: one unit of work, once an `Idempotency-Key`, tried again after a deadlock.

@router.post("/units")
async def make(body: UnitIn, request: Request, caller: Writer) -> Result:
    return await run_command(request, caller, body.reason, lambda tx: handlers.make(tx, body), show=UnitOut)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError

from servicekit.db import Database, Tx, idempotent, remember, request_digest
from servicekit.http.app import correlation_of
from servicekit.http.caller import Caller
from servicekit.problems import Problem
from servicekit.retries import a_few_times
from servicekit.telemetry import traceparent

Result = JSONResponse
_AGAIN = {"40001", "40P01"}  # serialization_failure, deadlock_detected


def database_of(request: Request) -> Database:
    return request.app.state.database


async def _database(request: Request) -> Database:
    return database_of(request)


DatabaseOf = Annotated[Database, Depends(_database)]


def _worth_another_try(error: Exception) -> bool:
    if getattr(error, "retryable", False):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _AGAIN


async def run_command(
    request: Request,
    caller: Caller,
    reason: str,
    act: Callable[[Tx], Awaitable[Any]],
    *,
    show: type[BaseModel] | None = None,
    status: int = 200,
    translate: Callable[[Exception], Problem | None] | None = None,
    asked: bytes | None = None,
) -> Result:
    """Runs `act` in one transaction and answers its result, shown as `show` when given (unknown fields left out).

    translate: a business error of the domain -> the Problem to answer with. With an `Idempotency-Key` header the
    answer is stored in the same transaction, and given again to the same request. asked: what the request said, for
    a route that read its body as a form (it cannot be read twice).
    """
    context = caller.context(
        reason, correlation_of(request), traceparent() or request.headers.get("traceparent")
    )
    key = request.headers.get("idempotency-key")
    digest = ""
    if key:
        digest = request_digest(
            request.method, request.url.path, await request.body() if asked is None else asked
        )
    database = database_of(request)
    async for attempt in a_few_times(_worth_another_try, attempts=4, first=0.02, most=0.5):
        with attempt:
            async with database.transaction(context) as tx:
                if key and (answer := await idempotent(tx, key, digest, route=request.url.path)) is not None:
                    return JSONResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))
                try:
                    result = await act(tx)
                except Exception as error:
                    problem = translate(error) if translate else None
                    if problem is not None:
                        raise problem from error
                    raise
                body = _shown(result, show)
                if key:
                    await remember(tx, key, status, body)
            return JSONResponse(body, status_code=status)
    raise AssertionError("unreachable")


def _shown(result: Any, show: type[BaseModel] | None) -> Any:
    if show is not None and isinstance(result, Mapping):
        result = show(**{name: result[name] for name in show.model_fields if name in result})
    return jsonable_encoder(result)
