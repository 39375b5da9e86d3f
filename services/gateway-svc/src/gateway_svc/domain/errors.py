"""What a rule says no with; the shell shows it as a problem."""

from __future__ import annotations


class RuleError(Exception):
    """code: stable, for machines. field: the field of the request that is wrong, "" when it is the state."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.field = field
