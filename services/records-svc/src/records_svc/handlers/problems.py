"""Business errors -> RFC 9457 problems, for commands and signatures alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from servicekit.problems import FieldError, Problem, conflict, forbidden, invalid

from records_svc.domain.errors import NotYoursError, RuleError, StateError, UnopenedError


def problem_of(error: Exception) -> Problem | None:
    """422 naming each field, 403 for an act that is somebody else's, 409 for a state that does not allow it."""
    if isinstance(error, RuleError):
        return invalid(error.field, error.reason, error.message)
    if isinstance(error, UnopenedError):
        return Problem(
            422,
            "unopened-sections",
            "Not every section was opened",
            f"open before signing: {', '.join(title for _, title in error.sections)}",
            [FieldError(f"sections.{id_}", "not-opened", title) for id_, title in error.sections],
        )
    if isinstance(error, NotYoursError):
        return forbidden(error.code, error.message)
    if isinstance(error, StateError):
        return conflict(error.code, error.message)
    return None


@contextmanager
def as_problems() -> Iterator[None]:
    """Business errors inside leave as problems: for reads and signatures, which no command translates."""
    try:
        yield
    except (RuleError, UnopenedError, StateError) as error:
        raise problem_of(error) or error from error
