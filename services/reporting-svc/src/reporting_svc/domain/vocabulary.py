"""The closed lists that reports count by, restated from the contracts (a test holds them equal)."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The twelve statuses of a cell (C-03)."""

    NOT_REQUIRED = "NOT_REQUIRED"
    SUSPENDED = "SUSPENDED"
    IN_WINDOW = "IN_WINDOW"
    EXPIRING = "EXPIRING"
    CARRIED_FORWARD = "CARRIED_FORWARD"
    QUALIFIED = "QUALIFIED"
    WAIVED = "WAIVED"
    SUPERVISED_ONLY = "SUPERVISED_ONLY"
    LAPSED = "LAPSED"
    SUPERSEDED = "SUPERSEDED"
    INCOMPLETE = "INCOMPLETE"
    NEVER_TRAINED = "NEVER_TRAINED"


class Verdict(StrEnum):
    """What a status means for work (C-03)."""

    ALLOW = "ALLOW"
    ALLOW_WITH_CONDITION = "ALLOW_WITH_CONDITION"
    DENY = "DENY"
    NONE = "NONE"


class Trigger(StrEnum):
    """Why an assignment was opened (AE-05)."""

    MATRIX_ENROLMENT = "MATRIX_ENROLMENT"
    MATRIX_CHANGE = "MATRIX_CHANGE"
    NEW_HIRE = "NEW_HIRE"
    ROLE_CHANGE = "ROLE_CHANGE"
    REVISION = "REVISION"
    CAPA = "CAPA"
    DEVIATION = "DEVIATION"
    AUDIT_FINDING = "AUDIT_FINDING"
    RECURRENCE = "RECURRENCE"
    RETURN_FROM_LEAVE = "RETURN_FROM_LEAVE"
    STUDY_AMENDMENT = "STUDY_AMENDMENT"
    MOC = "MOC"
    SELF = "SELF"
    MANUAL = "MANUAL"


ON_LEAVE = "ON_LEAVE"
"""The reason code of a suspension by leave, which the percentage leaves out."""


_VERDICTS = frozenset(verdict.value for verdict in Verdict)


def known_verdict(verdict: str) -> str:
    """An unknown verdict is of a later release and reads as DENY (contracts, README)."""
    return verdict if verdict in _VERDICTS else Verdict.DENY.value


AUDITED = frozenset(
    {
        "access_entry",
        "access_event",
        "account",
        "assignment",
        "cell_answer",
        "change",
        "clock_move",
        "content",
        "document",
        "document_version",
        "effective_date",
        "error_mark",
        "error_proposal",
        "export",
        "hold",
        "hold_release",
        "import_block",
        "import_file",
        "import_job",
        "imported_row",
        "late_entry",
        "machine_token",
        "machine_token_end",
        "matrix_version",
        "person",
        "person_name",
        "reading_session",
        "refusal",
        "retirement",
        "role_grant",
        "role_grant_end",
        "roster_day",
        "rule",
        "rule_end",
        "section_opened",
        "sign.signature",
        "signing_intent",
        "spell",
        "task",
        "training_record",
        "unit",
        "unresolved_cell",
        "version_end",
    }
)
"""What the audit trails of all services speak of: every table that holds facts or aggregates."""

ENTITY_OF = {"record": "training_record", "signature": "sign.signature"}
"""Shorter words for some of them."""
