"""Keys and running again (C-30): validation comes first, so a refused row claims no key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from plantfiles.plan import Counts, Finding, Known
from plantfiles.reasons import Reason, Severity
from plantfiles.rows import Row


@dataclass(frozen=True, slots=True)
class Examined:
    """A row after its rules. row: None = refused. findings: refusals, and the warnings met until then.

    key_column, key_value: where a clash of keys is to be shown.
    """

    row: Row | None
    findings: tuple[Finding, ...] = ()
    key_column: str = ""
    key_value: str = ""


@dataclass(slots=True)
class Settled:
    """A file after its keys. held: rows that stand, taken now or before: what others may refer to."""

    taken: list[Row] = field(default_factory=list)
    held: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    refused: int = 0
    repeated: int = 0
    unchanged: int = 0

    @property
    def counts(self) -> Counts:
        return Counts(self.rows, len(self.taken), self.refused, self.repeated, self.unchanged)


def settle(file: str, examined: Iterable[Examined], known: Known) -> Settled:
    """Decides which rows are taken. A row with the key and the content of an earlier row is identical and counted; a row
    with the same key and other content is refused.

    The report shows the warnings of every row, except of one that an earlier import has taken.
    """
    result = Settled()
    first: dict[str, Row] = {}
    for each in examined:
        result.rows += 1
        row = each.row
        if row is None:
            result.refused += 1
            result.findings.extend(each.findings)
            continue
        earlier = first.get(row.key)
        before = known.digest(file, row.key)
        if before is not None and before != row.digest:
            result.refused += 1
            result.findings.append(_finding(each, row, Reason.CONFLICTS_WITH_IMPORTED, Severity.REFUSED))
            result.findings.extend(each.findings)
        elif earlier is not None and earlier.digest != row.digest:
            result.refused += 1
            detail = f"line {earlier.line} was taken, line {row.line} is not"
            result.findings.append(_finding(each, row, Reason.DUPLICATE_KEY, Severity.REFUSED, detail))
            result.findings.extend(each.findings)
        elif earlier is not None:
            result.repeated += 1
            detail = f"line {row.line} repeats line {earlier.line}"
            result.findings.append(_finding(each, row, Reason.IDENTICAL_ROW, Severity.IGNORED, detail))
            if before is None:
                result.findings.extend(each.findings)
        else:
            first[row.key] = row
            result.held.append(row)
            if before is not None:
                result.unchanged += 1
            else:
                result.taken.append(row)
                result.findings.extend(each.findings)
    return result


def _finding(each: Examined, row: Row, reason: Reason, severity: Severity, detail: str = "") -> Finding:
    return Finding(row.file, row.line, each.key_column, each.key_value, reason, severity, detail)
