"""The kinds of files that an import knows: one for each module of `plantfiles.kinds`, found by looking."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from plantfiles import kinds as package
from plantfiles.codec import typed
from plantfiles.kind import Kind
from plantfiles.reasons import Reason, ReasonCode
from plantfiles.rows import Row


class Kinds:
    """Kinds of files in the order in which they are checked and reported. Raises ValueError when two clash."""

    def __init__(self, kinds: Iterable[Kind[Any]]) -> None:
        self._kinds = tuple(sorted(kinds, key=lambda kind: kind.order))
        self._by_file = {kind.file: kind for kind in self._kinds}
        for what in ("file", "order"):
            values = [getattr(kind, what) for kind in self._kinds]
            if twice := {str(value) for value in values if values.count(value) > 1}:
                raise ValueError(f"two kinds of files have the same {what}: {', '.join(sorted(twice))}")

    def __iter__(self) -> Iterator[Kind[Any]]:
        return iter(self._kinds)

    def __contains__(self, file: str) -> bool:
        return file in self._by_file

    def __getitem__(self, file: str) -> Kind[Any]:
        """The kind of a file by its name. Raises KeyError."""
        return self._by_file[file]

    def reasons(self) -> list[ReasonCode]:
        """Every reason code that a report may contain: the shared ones, then those of the kinds."""
        own = (kind.reasons for kind in self._kinds if kind.reasons is not None)
        return [code for codes in (Reason, *own) for code in codes]


def discover() -> Kinds:
    """The `KIND` of every module of `plantfiles.kinds`. Raises AttributeError when a module has none."""
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return Kinds(importlib.import_module(f"{package.__name__}.{name}").KIND for name in names)


KINDS = discover()


def from_dict(values: Mapping[str, Any], kinds: Kinds = KINDS) -> Row:
    """The inverse of `codec.as_dict`. Raises KeyError for an unknown file, pydantic.ValidationError for a missing or wrong value."""
    return typed(kinds[values["file"]].row, values)
