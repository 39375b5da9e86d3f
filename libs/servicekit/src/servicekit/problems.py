"""Errors that an API shows as RFC 9457 problems.

The shell raises a `Problem`; a domain module raises a `DomainError`, which `problem_of` turns into one, here and
nowhere else. `errors` names each bad field and the reason, so that the user can put it right without losing the rest
of what was entered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from servicekit.domain import DomainError, FieldsError, NotFoundError, NotYoursError, RuleError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: a JSON pointer or column name, a stable reason code, a sentence for the reader."""

    field: str
    reason: str
    message: str = ""


@dataclass(eq=False)
class Problem(Exception):
    """An error with an HTTP status, a stable `code` (the last part of the problem's `type`) and a sentence."""

    status: int
    code: str
    title: str
    detail: str = ""
    errors: list[FieldError] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail or self.title}"

    def body(self) -> dict[str, Any]:
        """The `application/problem+json` body."""
        body: dict[str, Any] = {
            "type": f"urn:attest:problem:{self.code}",
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [
                {"field": e.field, "reason": e.reason, "message": e.message or e.reason} for e in self.errors
            ]
        return body | self.extra


def invalid(field_name: str, reason: str, message: str = "", **more: Any) -> Problem:
    """422: the request was understood, one field cannot be accepted."""
    return Problem(
        422,
        "invalid",
        "The request has a bad field",
        message,
        [FieldError(field_name, reason, message)],
        **more,
    )


def not_found(what: str, key: str) -> Problem:
    return Problem(404, "not-found", f"There is no such {what}", f"{what} {key} was not found")


def conflict(code: str, detail: str, **extra: Any) -> Problem:
    """409: the state of the thing does not allow the act."""
    return Problem(409, code, "The act conflicts with the present state", detail, extra=extra)


def forbidden(code: str, detail: str) -> Problem:
    return Problem(403, code, "Not allowed", detail)


def problem_of(error: DomainError) -> Problem:
    """422 naming each field, 404, 403 for an act that is somebody else's, 409 for a state that does not allow it."""
    if isinstance(error, RuleError):
        return invalid(error.field, error.reason, error.message)
    if isinstance(error, FieldsError):
        fields = [FieldError(*each) for each in error.fields]
        return Problem(422, error.code, error.title, error.message, fields)
    if isinstance(error, NotFoundError):
        return not_found(error.what, error.key)
    if isinstance(error, NotYoursError):
        return forbidden(error.code, error.message)
    return conflict(error.code, error.message, **error.extra)
