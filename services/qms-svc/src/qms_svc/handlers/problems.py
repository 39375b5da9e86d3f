"""Business errors -> RFC 9457 problems, for commands and signatures alike."""

from __future__ import annotations

from servicekit.problems import Problem, conflict, forbidden, invalid

from qms_svc.domain.errors import OwnApprovalError, RuleError, StateError


def problem_of(error: Exception) -> Problem | None:
    """422 naming the field, 403 for one's own approval, 409 for a state that does not allow it; else None."""
    if isinstance(error, RuleError):
        return invalid(error.field, error.reason, error.message)
    if isinstance(error, OwnApprovalError):
        return forbidden(error.code, error.message)
    if isinstance(error, StateError):
        return conflict(error.code, error.message)
    return None
