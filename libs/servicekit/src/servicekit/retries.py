"""Trying again: every pause between tries is stamina's.

async for attempt in a_few_times(on=_is_deadlock, attempts=4, first=0.02, most=0.5):
    with attempt:
        return await act()
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Never, Protocol, TypeIs

import stamina
from stamina.instrumentation import PrometheusOnRetryHook, set_on_retry_hooks

# Retries are counted, not logged: stamina's log quotes the error, whose text may hold names and other values. Whoever
# tries again logs what it may.
set_on_retry_hooks([PrometheusOnRetryHook])

type Failures = type[Exception] | tuple[type[Exception], ...]
type Passes = Failures | Callable[[Exception], bool]
"""What is tried again: classes of errors, or a function that judges an error and is asked once for each failure."""


class Attempts(Protocol):
    """Each is a context manager around one try; what another try does not mend is raised from the loop."""

    def __iter__(self) -> Iterator[stamina.Attempt]: ...

    def __aiter__(self) -> AsyncIterator[stamina.Attempt]: ...


def a_few_times(
    on: Passes, *, first: float, most: float, attempts: int | None = None, timeout: float | None = None
) -> Attempts:
    """The pause doubles from `first` to `most` seconds, a little at random; ends after so many tries or seconds."""

    def judged(error: BaseException) -> bool:
        # A function is asked about a cancellation as well, which must end the loop.
        return isinstance(error, Exception) and (isinstance(error, on) if _are_classes(on) else on(error))

    return stamina.retry_context(
        on=judged, attempts=attempts, timeout=timeout, wait_initial=first, wait_max=most, wait_jitter=first
    )


def _are_classes(on: Passes) -> TypeIs[Failures]:
    return isinstance(on, type | tuple)


def until_it_succeeds(on: Passes, *, first: float, most: float) -> Attempts:
    """As `a_few_times`, for ever."""
    return a_few_times(on, first=first, most=most)


class _EndedEarlyError(Exception):
    pass


async def keep_running(
    part: Callable[[], Awaitable[None]],
    *,
    on: Failures,
    failed: Callable[[Exception], None],
    first: float = 0.2,
    most: float = 5.0,
    steady: float = 10.0,
) -> Never:
    """Runs a part again when it has ended or failed with `on`; ends by cancellation or by another error alone.

    failed: is called with each failure. first, most: seconds of the pause, which grows until the part has run for
    `steady` seconds.
    """
    while True:
        async for attempt in until_it_succeeds(_EndedEarlyError, first=first, most=most):
            with attempt:
                began = time.monotonic()
                try:
                    await part()
                except on as error:
                    failed(error)
                if time.monotonic() - began < steady:
                    raise _EndedEarlyError
        await asyncio.sleep(first)
