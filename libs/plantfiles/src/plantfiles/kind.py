"""A kind of file: everything that an import needs to know of it, declared in one module of `plantfiles.kinds`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, cast

from plantfiles.fields import Fields
from plantfiles.keys import Examined
from plantfiles.plan import Finding, OpenQuestion
from plantfiles.reasons import ReasonCode
from plantfiles.rows import Origin, Row
from plantfiles.source import Workbook
from plantfiles.terms import Terms


class Stage(StrEnum):
    """The stages in which rows are sent to their owners; each waits until everybody has heard of the one before.

    The matrix comes last: without an obligation nothing is needed, so that no assignment opens and closes again while
    older facts are still arriving.
    """

    ORGANISATION = "organisation"
    DOCUMENTS = "documents"
    PEOPLE = "people"
    HISTORY = "history"
    MATRIX = "matrix"


class Holding(NamedTuple):
    """A person holds, held or will hold a source of the matrix. level: `job_function`, `area`, ... source: its code."""

    level: str
    source: str
    person: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table.

    required: columns that the file must have. optional: columns that it may have. key: None = all columns.
    Where other rows refer to a row by an id, that id is its key: two rows that say different things about one id
    cannot both be taken, whatever else they say.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return self.required + self.optional


@dataclass(slots=True)
class Reading:
    """What a workbook gives: cells for the keys; findings about sheets, rows and columns; open questions."""

    cells: list[Examined] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    questions: list[OpenQuestion] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind[R: Row]:
    """What all kinds of files have; a kind is a TableKind or a WorkbookKind.

    file: the name of the file, `people.csv`.
    row: the type of its rows.
    order: files are checked and reported in ascending order, so a row refers to files of a lower order alone.
    owner: the service that gets the rows, at `POST /internal/imports/{name}`.
    stage: when it gets them. sent: the place among the files of this stage, if it is not that of `order`.
    terms: names of the terms of the import that the owner gets with the rows.
    id: the id under which other rows refer to a row; None = no row refers to it by an id.
    holdings: which sources of the matrix a row gives to whom.
    reasons: the reason codes that this kind alone uses.
    """

    file: str
    row: type[R]
    order: int
    owner: str
    stage: Stage
    sent: int | None = None
    terms: tuple[str, ...] = ()
    id: Callable[[R], Hashable] | None = None
    holdings: Callable[[R], Iterable[Holding]] | None = None
    reasons: type[ReasonCode] | None = None

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.file.rpartition(".")[0]

    @property
    def referred(self) -> bool:
        """Whether rows of later files, or of later imports, look at rows of this kind."""
        return self.id is not None or self.holdings is not None


class Index:
    """What a row is checked against: the rows taken so far, in this import or an earlier one, and the terms.

    holders: (level, source) -> employee numbers.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.holders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._rows: defaultdict[str, dict[Hashable, Row]] = defaultdict(dict)
        self._refused: dict[str, set[str]] = {}

    def of[R: Row](self, kind: Kind[R]) -> Mapping[Any, R]:
        """The rows of a kind by the id under which others refer to them."""
        return cast("dict[Hashable, R]", self._rows[kind.name])

    def refused(self, kind: Kind[Any]) -> set[str]:
        """Ids of a kind that stand in refused rows alone; kept where the id is the one column of the key."""
        return self._refused.get(kind.name, set())

    def add[R: Row](self, kind: Kind[R], row: R) -> None:
        if kind.id is not None:
            self._rows[kind.name][kind.id(row)] = row
        if kind.holdings is not None:
            for level, source, person in kind.holdings(row):
                self.holders[level, source].add(person)

    def add_refused(self, kind: Kind[Any], seen: Iterable[str]) -> None:
        """seen: the ids of all rows of the file."""
        self._refused[kind.name] = {*seen} - self._rows[kind.name].keys()


type Rule[R: Row] = Callable[[Fields, Index, Origin], R | None]
"""Checks one row: answers it typed, or None when it noted a refusal in the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableKind[R: Row](Kind[R]):
    """A CSV file.

    rule: checks one row. content: what the digest of a row is made of, if that is not its values alone.
    whole: looks at all rows that are taken, once they are all known; answers them, changed where it must be, and what
    there is to report.
    """

    layout: Layout
    rule: Rule[R]
    content: Callable[[Mapping[str, str], Terms], Mapping[str, str]] | None = None
    whole: Callable[[Sequence[R], Index], tuple[list[R], list[Finding]]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookKind[R: Row](Kind[R]):
    """An xlsx file, whose cells are the rows.

    read: checks all cells. clashing: open questions about cells that the keys refused. questions: the name under
    which open questions are sent to the owner, after the rows.
    """

    read: Callable[[Workbook, Index], Reading]
    clashing: Callable[[Sequence[Examined], Sequence[Finding], Index], Iterator[OpenQuestion]]
    questions: str
