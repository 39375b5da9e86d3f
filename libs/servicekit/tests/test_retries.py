"""Trying again."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest
from prometheus_client import REGISTRY
from servicekit.retries import a_few_times, keep_running, until_it_succeeds

COUNTED = (
    "stamina_retries_total",
    {"callable": "<context block>", "retry_num": "1", "error_type": f"{__name__}.Passing"},
)


class Passing(Exception):
    pass


def always(_: Exception) -> bool:
    return True


async def test_work_is_tried_until_it_succeeds() -> None:
    tries = 0
    async for attempt in until_it_succeeds(Passing, first=0.001, most=0.002):
        with attempt:
            tries += 1
            if tries < 20:
                raise Passing
    assert tries == 20


async def test_another_failure_is_raised_at_once() -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        async for attempt in until_it_succeeds(lambda e: isinstance(e, Passing), first=0.001, most=0.002):
            with attempt:
                tries += 1
                raise Passing if tries == 1 else ValueError("for good")

    with pytest.raises(ValueError, match="for good"):
        await work()
    assert tries == 2


def test_the_last_failure_is_raised_after_so_many_tries() -> None:
    tries = 0

    def work() -> None:
        nonlocal tries
        for attempt in a_few_times((Passing, OSError), attempts=3, first=0.001, most=0.002):
            with attempt:
                tries += 1
                raise Passing(str(tries))

    with pytest.raises(Passing, match="3"):
        work()
    assert tries == 3


@pytest.mark.parametrize("on", [Exception, always])
async def test_a_cancellation_ends_the_tries(on) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async for attempt in until_it_succeeds(on, first=0.001, most=0.002):
            with attempt:
                started.set()
                await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    _, left = await asyncio.wait([task], timeout=10)
    assert not left
    assert task.cancelled()


async def test_a_part_runs_again_and_its_failures_are_heard_of() -> None:
    heard: list[str] = []
    began: list[float] = []
    enough = asyncio.Event()

    async def part() -> None:
        began.append(time.monotonic())
        if len(began) == 4:
            enough.set()
        if len(began) % 2:
            raise Passing(str(len(began)))

    task = asyncio.create_task(
        keep_running(part, on=Passing, failed=lambda e: heard.append(str(e)), first=0.02, most=0.1)
    )
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled()
    assert heard == ["1", "3"]
    pauses = [after - before for before, after in itertools.pairwise(began)]
    # Each at least twice the one before: 20, 40, 80 ms.
    assert [pause >= 0.02 * 2**n for n, pause in enumerate(pauses)] == [True] * len(pauses)


async def test_a_part_that_ran_steadily_begins_with_the_first_pause_again() -> None:
    began: list[float] = []
    enough = asyncio.Event()

    async def part() -> None:
        began.append(time.monotonic())
        if len(began) == 8:
            enough.set()
        raise Passing

    # Each run is steady: with pauses that grow, the eighth would begin after 2.5 s.
    task = asyncio.create_task(
        keep_running(part, on=Passing, failed=lambda _: None, first=0.02, most=5.0, steady=0.0)
    )
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert began[-1] - began[0] < 2.0


async def test_an_unexpected_error_of_a_part_is_raised() -> None:
    async def part() -> None:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        await keep_running(part, on=Passing, failed=lambda _: None)


async def test_retries_are_counted_and_what_the_error_says_is_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = REGISTRY.get_sample_value(*COUNTED) or 0.0
    async for attempt in until_it_succeeds(Passing, first=0.001, most=0.002):
        with attempt:
            if attempt.num == 1:
                raise Passing("Anna de Vries")
    assert REGISTRY.get_sample_value(*COUNTED) == counted + 1
    shown = capsys.readouterr()
    assert "Anna" not in shown.out + shown.err
