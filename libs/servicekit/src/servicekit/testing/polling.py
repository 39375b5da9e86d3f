"""Waiting for something to become true, with a deadline: what tests use instead of a sleep."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

LONGEST_PAUSE = 0.25
"""Seconds. Each question takes time of a processor from what is waited for."""


async def eventually[T](
    check: Callable[[], T | Awaitable[T]], deadline: float = 10.0, every: float = 0.02, what: str = ""
) -> T:
    """Call `check` until it returns something true, and return that.

    Example:
        >>> row = await eventually(lambda: find_row(7))
        >>> await eventually(lambda: len(received) == 3, deadline=5)

        >>> async def arrived() -> bool:
        ...     assert (await client.get("/readyz")).status_code == 200
        ...     return True
        >>> await eventually(arrived)

    Args:
        check: a function or coroutine function. An AssertionError means "not yet"; any other error is raised.
        deadline: seconds until it has failed.
        every: seconds between the first two calls; the pauses grow to `LONGEST_PAUSE` at most.
        what: what is waited for, for the message.

    Raises:
        AssertionError: the check's last one, at the deadline.
        TimeoutError: naming the last value, when the check returned something false until the deadline.
    """
    end = time.monotonic() + deadline
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            result = check()
            value = await result if inspect.isawaitable(result) else result
        except AssertionError as error:
            failure = error
        if failure is None and value:
            return value
        if time.monotonic() >= end:
            raise failure or _late(deadline, what, value)
        await asyncio.sleep(every)
        every = _longer(every)


def eventually_sync[T](
    check: Callable[[], T], deadline: float = 10.0, every: float = 0.02, what: str = ""
) -> T:
    """As `eventually`, for tests without an event loop.

    Example:
        >>> eventually_sync(lambda: not server.running, deadline=5, what="the server to end")
    """
    end = time.monotonic() + deadline
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = check()
        except AssertionError as error:
            failure = error
        if failure is None and value:
            return value
        if time.monotonic() >= end:
            raise failure or _late(deadline, what, value)
        time.sleep(every)
        every = _longer(every)


def _longer(pause: float) -> float:
    return max(pause, min(pause * 1.25, LONGEST_PAUSE))


def _late(deadline: float, what: str, value: object) -> TimeoutError:
    subject = f"{what}: " if what else ""
    return TimeoutError(f"{subject}not within {deadline:g} s; the last value was {value!r}")
