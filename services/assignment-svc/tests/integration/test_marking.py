"""The test worth most: after any facts of any kind, and at any time, deriving every cell again changes nothing.

Facts of other services come in any order (`test_folds`); between them people are held and released here, and time passes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest
from assignment_svc import registry
from assignment_svc.handlers import holds, looks
from hypothesis import given
from hypothesis import strategies as st
from servicekit.context import Context
from servicekit.db.platform import raise_clock
from servicekit.problems import Problem
from servicekit.testing.folds import Batch, Case, Reader, cases, in_order


def _folds() -> ModuleType:
    path = Path(__file__).with_name("test_folds.py")
    spec = importlib.util.spec_from_file_location("folds_for_marking", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOLDS = _folds()
reader = FOLDS.reader
_CONTEXT = Context("system/test", "acts between facts", "test")


@dataclass(frozen=True, slots=True)
class Act:
    """What happens here between two batches.

    hold: `person` on `items` (None: all), from so many `days` ago. release: of the hold that was put `nth`. clock: so
    many `days` pass.
    """

    kind: Literal["hold", "release", "clock"]
    person: str = ""
    items: tuple[str, ...] | None = None
    nth: int = 0
    days: int = 0


type Step = Batch | Act

ACTS = st.one_of(
    st.builds(
        Act,
        st.just("hold"),
        st.sampled_from(("ANA", "BEN", "CHI")),
        st.sampled_from((None, ("SOP-101",), ("SOP-101", "WI-145"))),
        days=st.sampled_from((0, 10)),
    ),
    st.builds(Act, st.just("release"), nth=st.integers(0, 3)),
    st.builds(Act, st.just("clock"), days=st.sampled_from((1, 5, 40, 90))),
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Case, list[Step]]:
    """A delivery with acts anywhere in it."""
    case = draw(cases(*FOLDS.KINDS))
    steps: list[Step] = list(case.batches)
    for act in draw(st.lists(ACTS, min_size=1, max_size=6)):
        steps.insert(draw(st.integers(0, len(steps))), act)
    return case, steps


class Story:
    """One reader's holds and time, from the beginning."""

    def __init__(self, reader: Reader, *, blind: bool = False) -> None:
        self._reader = reader
        self._blind = blind
        self._put: list[dict[str, Any]] = []

    def begin(self) -> None:
        """An empty database at FOLDS.NOW. The clock of an installation never goes back; the next example's has to."""
        self._reader.empty()
        for table in registry.OWN_FACTS:
            self._reader.superuser.execute(
                "SELECT set_config('attest.' || name, 'system/test', false)"
                " FROM unnest('{actor,reason,correlation}'::text[]) AS name"
            )
            self._reader.superuser.execute(f"DELETE FROM {table}".encode())
        for statement in (
            b"ALTER TABLE app.clock_offset DISABLE TRIGGER clock_never_back",
            b"UPDATE app.clock_offset SET ahead = %s",
            b"ALTER TABLE app.clock_offset ENABLE ALWAYS TRIGGER clock_never_back",
        ):
            values = [FOLDS.NOW - datetime.now(FOLDS.NOW.tzinfo)] if b"%s" in statement else None
            self._reader.superuser.execute(statement, values)

    async def take(self, step: Step) -> None:
        if isinstance(step, Batch):
            await self._reader.deliver([step])
            return
        try:
            async with self._reader.database.transaction(_CONTEXT) as tx:
                if step.kind == "hold":
                    since = tx.now - timedelta(days=step.days)
                    self._put.append(await holds.put(tx, step.person, step.items, since))
                elif step.kind == "release" and self._put:
                    await holds.release(tx, self._put[step.nth % len(self._put)])
                elif step.kind == "clock":
                    ahead = tx.now + timedelta(days=step.days) - datetime.now(tx.now.tzinfo)
                    await raise_clock(tx.conn, ahead)
        except Problem as problem:
            # An item that has not come yet, a hold that is released already: refused, as it should be.
            assert problem.status in (409, 422)  # noqa: PT017 - what else is raised fails the test

    async def catch_up(self) -> None:
        """What the workers and the look at dates do."""
        if not self._blind:
            while await looks.look(self._reader.database):
                pass
        await FOLDS.drain(self._reader)

    async def told(self, steps: Sequence[Step], pause: int = 0) -> Any:
        """What is current after the steps. pause: the workers catch up after so many; 0: at the end alone."""
        self.begin()
        for number, step in enumerate(steps, 1):
            await self.take(step)
            if pause and number % pause == 0:
                await self.catch_up()
        await self.catch_up()
        return await FOLDS.current(self._reader)


@pytest.mark.part("R-54", "every change of a fact marks the cells that it concerns")
@pytest.mark.part("R-71", "every change of a fact marks the cells that it concerns")
@pytest.mark.part("C-24", "every change of a fact marks the cells that it concerns")
@given(story=stories(), pause=st.sampled_from((0, 1, 3)))
async def test_marking_is_complete(reader: Reader, story: tuple[Case, list[Step]], pause: int) -> None:
    found = await Story(reader).told(story[1], pause)
    assert await FOLDS.derived_again(reader) == (found, 0)


PLAIN = in_order([one[:1] for one in FOLDS.PLAIN])


def statuses(current: Any) -> list[str]:
    (timeline,) = [row[3] for row in current["timelines"]]
    return [segment["status"] for segment in timeline]


@pytest.mark.part("R-71", "a hold and its release mark the cells that they concern")
async def test_a_hold_and_its_release_are_heard(reader: Reader) -> None:
    held = [*PLAIN, Act("hold", "ANA")]
    free = await Story(reader).told(PLAIN, 1)
    assert "SUSPENDED" not in statuses(free)
    assert statuses(await Story(reader).told(held, 1))[-1] == "SUSPENDED"
    released = statuses(await Story(reader).told([*held, Act("release")], 1))
    assert "SUSPENDED" in released[:-1]
    assert released[-1] != "SUSPENDED"


@pytest.mark.part("R-71", "control: a hold without a mark is not noticed")
async def test_control_a_hold_without_a_mark_is_not_heard(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(holds, "_mark", nothing)
    found = await Story(reader).told([*PLAIN, Act("hold", "ANA")], 1)
    assert "SUSPENDED" not in statuses(found)
    again, events = await FOLDS.derived_again(reader)
    assert (statuses(again)[-1], events > 0) == ("SUSPENDED", True)


@pytest.mark.part("C-24", "control: without a look at dates, what time brings is not noticed")
async def test_control_without_a_look_at_dates_what_time_brings_is_not_heard(reader: Reader) -> None:
    steps = [*PLAIN, Act("clock", days=90)]
    late = await Story(reader, blind=True).told(steps, 1)
    again, events = await FOLDS.derived_again(reader)
    assert (again["open assignments"] != late["open assignments"], events > 0) == (True, True)
    found = await Story(reader).told(steps, 1)
    assert found["open assignments"] == again["open assignments"]
    assert await FOLDS.derived_again(reader) == (found, 0)
