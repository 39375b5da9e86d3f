"""The closed lists of the engine, restated from the contracts (a test holds them equal)."""

from enum import StrEnum


class _Word(StrEnum):
    """A word of a closed list. It hashes as the text that it equals; the hash of an enum is many times
    slower, and methods are keys in the innermost loop."""

    __hash__ = str.__hash__


class Method(_Word):
    """How an item is trained: R read and understood, Q quiz, O on the job (C-07)."""

    R = "R"
    Q = "Q"
    O = "O"  # noqa: E741 - the letter of the matrix


class Status(_Word):
    """The twelve statuses of a cell, by precedence (C-03)."""

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


class Verdict(_Word):
    """The meaning of a status for work (C-03)."""

    ALLOW = "ALLOW"
    ALLOW_WITH_CONDITION = "ALLOW_WITH_CONDITION"
    DENY = "DENY"
    NONE = "NONE"


VERDICT_OF: dict[Status, Verdict] = {
    Status.NOT_REQUIRED: Verdict.NONE,
    Status.SUSPENDED: Verdict.DENY,
    Status.IN_WINDOW: Verdict.ALLOW,
    Status.EXPIRING: Verdict.ALLOW,
    Status.CARRIED_FORWARD: Verdict.ALLOW,
    Status.QUALIFIED: Verdict.ALLOW,
    Status.WAIVED: Verdict.ALLOW_WITH_CONDITION,
    Status.SUPERVISED_ONLY: Verdict.ALLOW_WITH_CONDITION,
    Status.LAPSED: Verdict.DENY,
    Status.SUPERSEDED: Verdict.DENY,
    Status.INCOMPLETE: Verdict.DENY,
    Status.NEVER_TRAINED: Verdict.DENY,
}
"""Verdict of each status (C-03)."""


class Flag(_Word):
    """Conditions that are true beside the status (C-04)."""

    IN_WINDOW = "IN_WINDOW"
    EXPIRING = "EXPIRING"
    CARRIED_FORWARD = "CARRIED_FORWARD"
    INCOMPLETE = "INCOMPLETE"
    LATE_ENTRY = "LATE_ENTRY"
    MIGRATED = "MIGRATED"
    PRETRAINED_NEXT = "PRETRAINED_NEXT"
    MATRIX_UNRESOLVED = "MATRIX_UNRESOLVED"
    GRANDFATHERED = "GRANDFATHERED"


class TrainingDecision(_Word):
    """Training that a version asks for, as signed in its change control (QM-03)."""

    NONE = "none"
    READ = "read"
    READ_QUIZ = "read+quiz"
    READ_OJT = "read+ojt"
    READ_QUIZ_OJT = "read+quiz+ojt"


METHODS_OF_DECISION: dict[TrainingDecision, frozenset[Method]] = {
    TrainingDecision.NONE: frozenset(),
    TrainingDecision.READ: frozenset({Method.R}),
    TrainingDecision.READ_QUIZ: frozenset({Method.R, Method.Q}),
    TrainingDecision.READ_OJT: frozenset({Method.R, Method.O}),
    TrainingDecision.READ_QUIZ_OJT: frozenset({Method.R, Method.Q, Method.O}),
}
"""Parts that a signed decision names, and so voids (R-45)."""


class SourceClass(_Word):
    """Where a training record comes from."""

    NATIVE = "NATIVE"
    MIGRATED = "MIGRATED"
    LATE_ENTRY = "LATE_ENTRY"


class Basis(_Word):
    """The basis of a record (C-03 row 6, R-10, R-12, R-20)."""

    TRAINING = "TRAINING"
    RPL = "RPL"
    GRANDFATHERED = "GRANDFATHERED"
    BOOTSTRAP = "BOOTSTRAP"


class Trigger(_Word):
    """Why an assignment was opened (AE-05)."""

    CAPA = "CAPA"
    DEVIATION = "DEVIATION"
    AUDIT_FINDING = "AUDIT_FINDING"
    MOC = "MOC"
    STUDY_AMENDMENT = "STUDY_AMENDMENT"
    REVISION = "REVISION"
    NEW_HIRE = "NEW_HIRE"
    ROLE_CHANGE = "ROLE_CHANGE"
    RETURN_FROM_LEAVE = "RETURN_FROM_LEAVE"
    MATRIX_CHANGE = "MATRIX_CHANGE"
    MATRIX_ENROLMENT = "MATRIX_ENROLMENT"
    RECURRENCE = "RECURRENCE"
    SELF = "SELF"
    MANUAL = "MANUAL"


TRIGGER_RANK: dict[Trigger, int] = {trigger: rank for rank, trigger in enumerate(Trigger)}
"""Ties between triggers: the lowest rank wins; the members stand in the order of C-24."""


class SuspendPolicy(_Word):
    """When an unmet retraining order suspends (R-72)."""

    DUE = "due"
    NOW = "now"
    NEVER = "never"


class AssignmentState(_Word):
    """Life of an assignment."""

    OPEN = "OPEN"
    PAUSED = "PAUSED"
    UPCOMING = "UPCOMING"
    CLOSED = "CLOSED"


class ClosingReason(_Word):
    """Why an assignment was closed (C-25)."""

    COMPLETED = "COMPLETED"
    SUPERSEDED_BY = "SUPERSEDED_BY"
    NO_LONGER_REQUIRED = "NO_LONGER_REQUIRED"
    SEPARATED = "SEPARATED"
    WITHDRAWN = "WITHDRAWN"
    WAIVED = "WAIVED"
    CREDITED = "CREDITED"
    CANCELLED = "CANCELLED"
