"""From an older major version of a state to the next: pure functions, one step each, chained.

`attest_contracts.reading` applies them to what a consumer reads: a consumer learns a new major here
before its producer switches, and replays meet old events for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

type Data = Mapping[str, Any]
type Upcaster = Callable[[Data], Data]


def _person_without_roster(data: Data) -> Data:
    """Rostered days have a topic of their own, ``matrix.roster``, on which their owner announces all of them."""
    state = {name: value for name, value in data["state"].items() if name != "roster"}
    return {**data, "state": state}


UPCASTERS: Mapping[str, Upcaster] = {"matrix.person.v1": _person_without_roster}
"""Schema name that a step reads (``matrix.person.v1``) -> the step to the next major."""


class UnknownMajorError(LookupError):
    """No chain of steps leads from the version that was met to the one that is known."""


def upcast(have: str, want: str, data: Data, registry: Mapping[str, Upcaster] = UPCASTERS) -> Data:
    """``data`` of the schema ``have`` in the form of ``want``, both e.g. ``matrix.person.v1``.

    Equal versions give the data untouched. UnknownMajorError when a step is missing, when ``have``
    is newer than ``want``, or when they are not versions of one schema: the caller parks the event.
    """
    for step in steps_between(have, want, registry):
        data = step(data)
    return data


def steps_between(have: str, want: str, registry: Mapping[str, Upcaster] = UPCASTERS) -> list[Upcaster]:
    """The steps that lead from ``have`` to ``want``, in order; UnknownMajorError as in `upcast`."""
    base, current = _split(have)
    wanted_base, target = _split(want)
    if base != wanted_base or not 0 < current <= target:
        raise UnknownMajorError(f"{have} cannot be read as {want}")
    steps = []
    for major in range(current, target):
        step = registry.get(f"{base}.v{major}")
        if step is None:
            raise UnknownMajorError(f"no step leads from {base}.v{major} towards {want}")
        steps.append(step)
    return steps


def _split(name: str) -> tuple[str, int]:
    base, separator, major = name.rpartition(".v")
    if not separator or not major.isdigit():
        raise UnknownMajorError(f"{name!r} names no version of a schema")
    return base, int(major)
