"""Business errors of documents and changes, without HTTP."""

from __future__ import annotations

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
class StateError(Exception):
    """The state of the thing does not allow the act."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class OwnApprovalError(StateError):
    """Nobody approves what they wrote themselves (PL-06, R-53)."""
