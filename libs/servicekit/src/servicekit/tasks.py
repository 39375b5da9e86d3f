"""Ending tasks for sure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

PATIENCE_S = 20.0
"""Longer than any part takes to put down what it has in hand."""


async def end_all(tasks: Iterable[asyncio.Future[Any]], *, patience: float = PATIENCE_S) -> None:
    """Cancels the tasks and returns when they have ended; what they raised stays in them.

    One cancellation is not always enough: a library may swallow it, as aiokafka does while it closes a client, and
    whoever then waits for the task waits for ever. patience: seconds until a task is cancelled again.
    """
    every = list(tasks)
    left = {task for task in every if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=patience)
    for task in every:
        # Retrieves the exception, so that asyncio does not log it as never retrieved.
        if not task.cancelled():
            task.exception()
