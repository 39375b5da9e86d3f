"""The rows of an import, typed, ready to be sent to the services that own them.

Every row names where it stood (`file`, `line`), its `key` (C-30) and the `digest` of its content. Days are local days
of the person's site; `to` is the first day without, None = open (C-02).
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    file: str
    line: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Row):
    """time_zone: IANA."""

    site: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(Row):
    """Local times of the site; one that ends before it starts ends the next day (C-20)."""

    site: str
    shift: str
    starts: time
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Area(Row):
    site: str
    area: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment(Row):
    site: str
    area: str | None
    equipment: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFunction(Row):
    job_function: str
    name: str
    department: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay(Row):
    overlay: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Row):
    """category: training category, None = that of the document type."""

    document: str
    title: str
    type: str
    framework: str
    owner_department: str | None
    category: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersion(Row):
    """approved_on: the training window opens at its first instant at each place; effective_on likewise (C-06)."""

    document: str
    version: int
    approved_on: date
    effective_on: date
    change_class: str
    retraining: str
    change_control: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Row):
    """Site, department and area hold from hired_on, the job function from function_from (C-05)."""

    employee_no: str
    given_name: str
    family_name: str
    email: str | None
    employment: str
    site: str
    department: str | None
    area: str | None
    job_function: str
    function_from: date
    shift: str | None
    supervisor_no: str | None
    hired_on: date
    ended_on: date | None
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell(Row):
    employee_no: str
    from_on: date
    to_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpell(Spell):
    job_function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlaySpell(Spell):
    overlay: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentSpell(Spell):
    """equipment: site and code, `NL1/FILL-01`."""

    equipment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveSpell(Spell):
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterDay(Row):
    """The shift that starts on a local day; None = off. Where a day is rostered it wins over the letter (C-20)."""

    employee_no: str
    day: date
    shift: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Row):
    """A regulated task. items: documents that all must allow. equipment: `site/code`, empty = any."""

    task: str
    name: str | None
    job_function: str | None
    items: tuple[str, ...]
    equipment: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRecord(Row):
    """A legacy training record: source class MIGRATED (R-62).

    completed_at: an instant with the offset of the file, or of the zone rule. completed_at_text: as it stands in the
    file. methods: of R, Q, O. site, time_zone: of the person, at which local days were judged. zone_rule: the IANA
    zone that the importer named for times without offset, None = the file had the offset. score: percent.
    """

    employee_no: str
    document: str
    version: int
    completed_at: datetime
    completed_at_text: str
    methods: tuple[str, ...]
    score: Decimal | None
    evaluator_no: str | None
    source_record: str
    site: str
    time_zone: str
    zone_rule: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell(Row):
    """A source requires a document. level: job_function, area, equipment, overlay. source: `OPR`, `NL1/GA`, ...

    methods: of R (read and understood), Q (quiz), O (observed on the job), in this order. interval_months: None =
    once.
    """

    level: str
    source: str
    document: str
    methods: tuple[str, ...]
    interval_months: int | None


ROW_TYPES: dict[str, type[Row]] = {
    "sites.csv": Site,
    "shifts.csv": Shift,
    "areas.csv": Area,
    "job_functions.csv": JobFunction,
    "equipment.csv": Equipment,
    "overlays.csv": Overlay,
    "documents.csv": Document,
    "document_versions.csv": DocumentVersion,
    "people.csv": Person,
    "function_history.csv": FunctionSpell,
    "people_overlays.csv": OverlaySpell,
    "people_equipment.csv": EquipmentSpell,
    "leaves.csv": LeaveSpell,
    "roster.csv": RosterDay,
    "tasks.csv": Task,
    "training_history.csv": HistoryRecord,
    "matrix.xlsx": MatrixCell,
}
"""Files of an import in the order of their stages: each refers only to files before it, and the matrix comes last."""


def as_dict(row: Row) -> dict[str, Any]:
    """A row as JSON values: days, times and instants in ISO 8601, numbers that are decimal as text."""
    return {name: _plain(getattr(row, name)) for name, _ in _hints(type(row))}


def from_dict(values: Mapping[str, Any]) -> Row:
    """The inverse of as_dict. Raises KeyError for an unknown file or a missing value."""
    kind = ROW_TYPES[values["file"]]
    return kind(**{name: _typed(hint, values[name]) for name, hint in _hints(kind)})


@cache
def _hints(kind: type[Row]) -> tuple[tuple[str, Any], ...]:
    """Names and types of the fields: resolving them anew for each row is what takes the time."""
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(kind))


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _typed(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    kinds = get_args(hint) if get_origin(hint) is types.UnionType else (hint,)
    kind = next(each for each in kinds if each is not type(None))
    if get_origin(kind) is tuple:
        return tuple(value)
    if kind in (datetime, date, time):
        return kind.fromisoformat(value)
    return Decimal(value) if kind is Decimal else value
