"""Training requirement rules: a source requires an item, by methods, every so many months.

Rules are prospective from the signature that approves them (R-35); the signed day-one baseline alone holds from
before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from servicekit.domain import RuleError

METHODS = frozenset("RQO")
DEFAULT_PASS_MARK = 80
LONGEST_INTERVAL_MONTHS = 120


class SourceKind(StrEnum):
    JOB_FUNCTION = "job_function"
    AREA = "area"
    DEPARTMENT = "department"
    SITE = "site"
    EQUIPMENT = "equipment"
    OVERLAY = "overlay"


type Place = tuple[SourceKind, str, str]
"""Where in the matrix something stands: source kind, source, item."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One cell of the matrix in one version.

    source: code within its kind: `OPR`, `NL1/GA`, `NL1`, `NL1/FILL-01`, `TRN`. methods: of R (read and understood),
    Q (quiz), O (observed on the job). interval_months: None = once. pass_mark: per cent, for Q. valid_from: None =
    always (baseline). valid_to: first instant without, None = open.
    """

    id: str
    rule_version: int
    matrix_version: int
    source_kind: SourceKind
    source: str
    item: str
    methods: frozenset[str]
    interval_months: int | None
    pass_mark: int | None
    valid_from: datetime | None
    valid_to: datetime | None
    baseline: bool
    recorded_at: datetime

    @property
    def place(self) -> Place:
        return self.source_kind, self.source, self.item


@dataclass(frozen=True, slots=True)
class Question:
    """A cell of an imported matrix that nobody could read: open until a signed matrix version answers it (C-34).

    value: as found. answered_from: the first instant at which it is open no more, None = open.
    """

    id: str
    source_kind: SourceKind
    source: str
    item: str
    value: str
    answered_from: datetime | None
    recorded_at: datetime

    @property
    def at(self) -> Place:
        return self.source_kind, self.source, self.item


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a draft of the matrix, for one source and item; no methods: the cell is empty."""

    source_kind: SourceKind
    source: str
    item: str
    methods: frozenset[str]
    interval_months: int | None = None
    pass_mark: int | None = None


def check_cell(cell: Cell) -> None:
    """Raises RuleError for a cell that cannot be a rule."""
    if not cell.methods <= METHODS:
        raise RuleError("methods", "unknown-method", "methods are of R, Q and O")
    if cell.interval_months is not None and not 1 <= cell.interval_months <= LONGEST_INTERVAL_MONTHS:
        raise RuleError("interval_months", "out-of-range", f"1 to {LONGEST_INTERVAL_MONTHS} months")
    if cell.pass_mark is not None and not 0 <= cell.pass_mark <= 100:
        raise RuleError("pass_mark", "out-of-range", "0 to 100 per cent")
    if not cell.methods and (cell.interval_months is not None or cell.pass_mark is not None):
        raise RuleError("methods", "empty", "a cell without a method has no interval and no pass mark")


def starts_at(effective_at: datetime | None, signed_at: datetime) -> datetime:
    """R-35: never before the signature."""
    return signed_at if effective_at is None else max(effective_at, signed_at)
