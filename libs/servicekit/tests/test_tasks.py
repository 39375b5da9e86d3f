"""Ending tasks for sure."""

from __future__ import annotations

import asyncio
import contextlib

from servicekit.tasks import end_all


async def deaf(times: int) -> None:
    """Swallows so many cancellations, as a client that is being closed may."""
    for _ in range(times):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_who_swallows_a_cancellation_is_cancelled_again() -> None:
    tasks = [asyncio.create_task(deaf(times)) for times in range(3)]
    await asyncio.sleep(0)
    await asyncio.wait_for(end_all(tasks, patience=0.05), 20)
    assert [task.cancelled() for task in tasks] == [True] * 3


async def test_control_one_cancellation_does_not_end_it() -> None:
    task = asyncio.create_task(deaf(1))
    await asyncio.sleep(0)
    task.cancel()
    _, left = await asyncio.wait([task], timeout=0.2)
    assert left == {task}
    await end_all([task], patience=0.05)


async def test_what_they_raised_stays_in_them_and_ended_ones_are_left_alone() -> None:
    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while it was put away")

    async def done() -> int:
        return 7

    failing, ended = asyncio.create_task(fails()), asyncio.create_task(done())
    await asyncio.sleep(0)
    await end_all([failing, ended])
    assert isinstance(failing.exception(), ValueError)
    assert ended.result() == 7
