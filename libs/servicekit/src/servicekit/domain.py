"""Errors that a pure domain module raises. Standard library alone: domain modules import this, and nothing else of
servicekit. `servicekit.problems.problem_of` shows each as an RFC 9457 problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class DomainError(Exception):
    """A business rule says no. code: stable, for machines. message: a sentence for the reader.

    extra: further members of the answer, such as the revision that stands.
    """

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra = extra


class StateError(DomainError):
    """The state of the thing does not allow the act (409)."""


class NotYoursError(DomainError):
    """The act is allowed, but not to this actor (403)."""


class NotFoundError(DomainError):
    """There is no such thing (404)."""

    def __init__(self, what: str, key: str) -> None:
        super().__init__("not-found", f"{what} {key} was not found")
        self.what = what
        self.key = key


class RuleError(DomainError):
    """A field of the command cannot be accepted (422). reason: stable, for machines."""

    def __init__(self, field: str, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class FieldsError(DomainError):
    """Several fields at once (422): each is (field, reason, message). title: what is wrong with them."""

    def __init__(self, code: str, title: str, message: str, fields: Sequence[tuple[str, str, str]]) -> None:
        super().__init__(code, message)
        self.title = title
        self.fields = fields


def stale(what: str, revision: int, expected: int) -> None:
    """Raises StateError `stale` unless the writer has seen the revision that stands."""
    if revision != expected:
        raise StateError("stale", f"{what} changed since it was read", revision=revision)
