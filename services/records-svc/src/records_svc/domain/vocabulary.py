"""The closed lists of a training record, and what each signature means (R-69)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Method(StrEnum):
    """How an item is trained: R read and understood, Q assessed by quiz, O on the job (C-07)."""

    R = "R"
    Q = "Q"
    O = "O"  # noqa: E741 - the field's own letter


class Result(StrEnum):
    """Outcome."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"


class SourceClass(StrEnum):
    """Where the record comes from (R-18, R-62)."""

    NATIVE = "NATIVE"
    MIGRATED = "MIGRATED"
    LATE_ENTRY = "LATE_ENTRY"


METHOD_ORDER = "RQO"

READING, LATE_ENTRY, RECORD_ERROR = "reading", "late_entry", "record_error"
"""The kinds of thing that are signed here."""

READ_AND_UNDERSTOOD, VERIFY, MARK_IN_ERROR = "read_and_understood", "verify", "mark_in_error"

MEANING_EDITION = 1
"""Raised when one of the texts below changes; it is signed, stored and shown with the text itself (R-69)."""

MEANING_TEXTS = {
    READ_AND_UNDERSTOOD: "I have read every section of this version and understood it.",
    VERIFY: (
        "I have compared this late entry with the scan: it shows this person's training on this version, and the ink"
        " signature at the stated time."
    ),
    MARK_IN_ERROR: "I have examined this record and confirm that it was made in error, for the stated reason.",
}


def ordered(methods: frozenset[str] | set[str] | list[str] | tuple[str, ...]) -> list[str]:
    """Methods without repetition, in the order R, Q, O."""
    return sorted(set(methods), key=METHOD_ORDER.index)


class SignatureFacts(Protocol):
    """A signature as a record shows it. digest: SHA-256 of the bound content, lower-case hex."""

    @property
    def id(self) -> str: ...

    @property
    def signer(self) -> str: ...

    @property
    def meaning(self) -> str: ...

    @property
    def signed_at(self) -> datetime: ...

    @property
    def time_zone(self) -> str: ...

    @property
    def digest(self) -> str: ...
