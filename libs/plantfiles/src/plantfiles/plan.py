"""What a check of an import gives: rows to send, findings, open questions, and counts that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from plantfiles.reasons import MATRIX_UNRESOLVED, ReasonCode, Severity
from plantfiles.rows import Row


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell about one row.

    line: 1-based physical line where the row starts, or `sheet!cell`; empty = the file as a whole (C-35).
    value: as it stands in the file.
    """

    file: str
    line: str
    column: str
    value: str
    reason: ReasonCode
    severity: Severity
    detail: str = ""

    @property
    def message(self) -> str:
        text = self.reason.message
        return f"{text}: {self.detail}" if self.detail else text


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A matrix cell that was refused: what it requires, and of whom, is to be answered by a person (C-34).

    level: job_function, area, equipment or overlay, empty when the sheet itself is unknown. source: the column's
    code, item: the row's document, both as they stand in the sheet. people: employee numbers that hold, held or will
    hold the source in this import or an earlier one: the cells (person, item) carry the flag. asked: whether there are
    such cells, so that the question is sent to the owner; else the report alone has it.
    """

    file: str
    line: str
    level: str
    source: str
    item: str
    value: str
    reason: ReasonCode
    people: tuple[str, ...]
    flag: str = MATRIX_UNRESOLVED
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a file; `rows == taken + refused + identical` always (C-30).

    repeated: identical to an earlier row of the same file. unchanged: identical to what was imported before. Of the
    workbook a "row" is a filled cell.
    """

    rows: int = 0
    taken: int = 0
    refused: int = 0
    repeated: int = 0
    unchanged: int = 0

    @property
    def identical(self) -> int:
        return self.repeated + self.unchanged


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file. sha256: of its bytes, hexadecimal. taken: in the order of the file."""

    file: str
    sha256: str
    counts: Counts
    taken: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier imports brought.

    digests: file -> key -> content digest of every row taken before (C-30 "Running again"). rows: those rows
    themselves, file -> rows, so that later files may refer to them; without them a reference to an earlier import is
    unknown, and refused.
    """

    digests: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def digest(self, file: str, key: str) -> str | None:
        return self.digests.get(file, {}).get(key)


@dataclass(frozen=True)
class ImportPlan:
    """The outcome of a check; nothing has been written anywhere yet.

    files: in the order in which they are to be sent (organisation, documents, people, history, the matrix last).
    batch_digest: SHA-256 over names and digests of the files. acceptance_digest: over the batch and the parameters
    too: what two people accept.
    """

    files: tuple[FileResult, ...]
    findings: tuple[Finding, ...]
    questions: tuple[OpenQuestion, ...]
    export_date: date
    zone_rule: str | None
    migrated_counts: bool
    batch_digest: str
    acceptance_digest: str

    @cached_property
    def by_file(self) -> dict[str, FileResult]:
        return {result.file: result for result in self.files}

    def taken(self, file: str) -> tuple[Row, ...]:
        """The rows of a file that are to be sent; none for a file that is not part of the import."""
        result = self.by_file.get(file)
        return result.taken if result else ()

    def counts(self, file: str) -> Counts:
        result = self.by_file.get(file)
        return result.counts if result else Counts()

    def reasons(self, file: str, severity: Severity | None = None) -> Counter[ReasonCode]:
        """How often each reason was found in a file."""
        return Counter(
            finding.reason
            for finding in self.findings
            if finding.file == file and (severity is None or finding.severity is severity)
        )

    def remember(self, known: Known | None = None) -> Known:
        """What is known once every row of this plan has been taken; add it to what was known."""
        known = known or Known()
        digests = {file: dict(keys) for file, keys in known.digests.items()}
        rows = {file: list(earlier) for file, earlier in known.rows.items()}
        for result in self.files:
            digests.setdefault(result.file, {}).update({row.key: row.digest for row in result.taken})
            rows.setdefault(result.file, []).extend(result.taken)
        return Known(digests, rows)
