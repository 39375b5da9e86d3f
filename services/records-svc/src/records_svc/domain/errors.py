"""Business errors of training records, without HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(eq=False)
class RuleError(Exception):
    """A field that cannot be accepted: its name, a stable reason code, a sentence."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(eq=False)
class UnopenedError(Exception):
    """Sections that the reader has not opened yet (SR-05); each is (id, title)."""

    sections: Sequence[tuple[str, str]]

    def __str__(self) -> str:
        return f"not opened yet: {', '.join(title for _, title in self.sections)}"


@dataclass(eq=False)
class StateError(Exception):
    """The state of the thing does not allow the act."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class NotYoursError(StateError):
    """Segregation of duties: this person must not do this act on this subject (PL-06)."""
