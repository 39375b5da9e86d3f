"""Answers of the reporting service. Times of a place have its offset; others are UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class Reason(BaseModel):
    code: str
    detail: str | None = None


class AsOfOut(BaseModel):
    """at: instant of the plant; known_at: of the system. provisional: an earlier event may still come."""

    at: datetime
    known_at: datetime
    complete_up_to: datetime | None
    provisional: bool


class Cell(BaseModel):
    """One cell at one instant (C-26).

    unqualified_since: the beginning of the time, unbroken until then, in which the person is not trained for what
    governs, be it several versions one after the other (R-06).
    """

    person: str
    item: str
    place: str
    status: str
    verdict: str
    flags: list[str]
    governing_version: int | None
    completed_version: int | None
    completed_at: datetime | None
    expires_at: datetime | None
    due_at: datetime | None
    trigger: str | None
    reasons: list[Reason]
    records: list[str]
    sources: list[str]
    since: datetime
    until: datetime | None
    unqualified_since: datetime | None


class Cells(AsOfOut):
    items: list[Cell]
    next: str | None


class SegmentOut(BaseModel):
    since: datetime
    until: datetime | None
    status: str
    verdict: str
    flags: list[str]
    governing_version: int | None
    completed_version: int | None
    completed_at: datetime | None
    expires_at: datetime | None
    records: list[str]
    reasons: list[Reason]
    sources: list[str]


class Bar(BaseModel):
    """The timeline of one cell. recorded_at: when this version of it became known."""

    item: str
    place: str
    title: str | None
    zone: str | None
    recorded_at: datetime
    rule_version: str
    tzdata_version: str
    segments: list[SegmentOut]


class Timeline(AsOfOut):
    person: str
    name: str | None
    items: list[Bar]
    next: str | None


class RecordOut(BaseModel):
    """A training record that one answer rests on and the other does not. known_from: record time."""

    record: str
    version: int
    methods: list[str]
    result: str
    completed_at: datetime
    valid_from: datetime
    source_class: str
    known_from: datetime
    recorded_at: datetime
    late_entry: dict[str, Any] | None
    entered_in_error: dict[str, Any] | None


class CauseOut(BaseModel):
    """A change of the cell's timeline between the two, and the event behind it. recorded_at: when the cell's changed;
    at: when the event's owner knew of it."""

    recorded_at: datetime
    event: str
    cause: str | None
    correlation: str
    at: datetime | None
    type: str | None
    subject: str | None
    actor: str | None
    actor_person: str | None
    actor_name: str | None
    actor_roles: list[str]


class DifferenceOut(BaseModel):
    """a, b: the answers as known at known_a and known_b; null: not known then."""

    place: str
    a: Cell | None
    b: Cell | None
    same: bool
    changed: list[str]
    records_gained: list[RecordOut]
    records_lost: list[RecordOut]
    causes: list[CauseOut]


class Differences(BaseModel):
    person: str
    item: str
    at: datetime
    known_a: datetime
    known_b: datetime
    complete_up_to: datetime | None
    provisional: bool
    items: list[DifferenceOut]
    next: str | None = None


class ColumnChange(BaseModel):
    column: str
    before: Any = None
    after: Any = None
    personal: bool


class AuditEntry(BaseModel):
    """at: with the offset of `zone`: that of the place of the person whom the entry is about, of a signature the one
    that it was made in, else UTC."""

    service: str
    entry: int
    entity: str
    key: str
    version: int | None
    at: datetime
    zone: str
    op: str
    actor: str
    actor_person: str | None
    actor_name: str | None
    actor_roles: list[str]
    on_behalf_of: str | None
    reason: str
    cause: str | None
    correlation: str
    person: str | None
    changes: list[ColumnChange]
    body_sha256: str


class Trail(BaseModel):
    items: list[AuditEntry]
    next: str | None
    complete_up_to: datetime | None
