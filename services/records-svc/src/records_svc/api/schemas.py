"""Request and response models of the records API. Times are RFC 3339 with the offset of the place where there is one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
Score = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Method = Literal["R", "Q", "O"]
Result = Literal["PASS", "FAIL"]
SourceClass = Literal["NATIVE", "MIGRATED", "LATE_ENTRY"]
LateEntryState = Literal["PROPOSED", "VERIFIED", "REFUSED"]
Mark = Literal["none", "proposed", "marked"]


class Strict(BaseModel):
    """A field that is not known is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Command(Strict):
    """Every command says why (PL-08)."""

    reason: Reason


class Page[T](BaseModel):
    """Every list: `next` is the cursor of the following page; `complete_up_to` the record time it is final for."""

    items: list[T]
    next: str | None = None
    complete_up_to: datetime


class OpenedIn(Strict):
    """language: of the file that is shown, by default the reader's own."""

    language: Language | None = None


class FileOut(BaseModel):
    sha256: str
    size: int
    media_type: str
    language: str


class SectionOut(BaseModel):
    id: str
    title: str
    first_opened_at: str | None
    last_opened_at: str | None


class ReadingOut(BaseModel):
    """What to read. may_sign: every section was opened. in_own_language: false when no file in it exists (SR-18).

    signed: the standing records of the reader on this version, newest first.
    """

    assignment: str | None
    trigger: str | None
    due_at: str | None
    person: str
    document: str
    version: int
    title: str
    summary: str | None
    minutes: int | None
    change: str | None
    content: FileOut
    languages: list[str]
    in_own_language: bool
    sections: list[SectionOut]
    may_sign: bool
    signed: list[str]
    place: str
    time_zone: str


class OpenedOut(BaseModel):
    document: str
    version: int
    section: str
    language: str
    content_sha256: str
    first_opened_at: datetime
    last_opened_at: datetime


class ContentOut(BaseModel):
    """The content that was shown: the digest of the file, and when each section was opened."""

    sha256: str
    language: str
    first_opened_at: str
    last_opened_at: str
    sections: list[SectionOut]


class SignatureOut(BaseModel):
    """The manifestation (21 CFR 11.50): printed name as at signing, date and time with zone, meaning.

    matches: the digest, computed again from the record as it is stored, is the one that was signed.
    """

    id: str
    signer: str
    printed_name: str
    signed_at: str
    signed_at_utc: datetime
    time_zone: str
    meaning: str
    meaning_text: str
    digest: str
    auth_method: str
    matches: bool


class LateEntryShown(BaseModel):
    """A record that was not made at the time: always shown as such (R-18)."""

    late_entry: str
    ink_signed_at: str
    scan_sha256: str
    scan_media_type: str
    scan_size: int
    reason: str
    entered_by: str
    second_person: str


class SourceOut(BaseModel):
    """Where a migrated record comes from (R-62). completed_at_text: as it stood in the file. counts: whether the
    people who accepted the batch let it allow anybody to work (C-36)."""

    source_record: str
    batch: str
    file: str
    file_sha256: str
    line: str
    completed_at_text: str
    zone_rule: str | None
    counts: bool
    accepted_by: list[str]


class MarkOut(BaseModel):
    """marked_at, marked_by: None while it is only proposed."""

    proposal: str
    reason: str
    proposed_by: str
    marked_at: str | None
    marked_by: str | None


class CorrectionsOut(BaseModel):
    entered_in_error: MarkOut | None
    proposed: MarkOut | None
    corrects: str | None
    corrected_by: list[str]


class RecordOut(BaseModel):
    """A training record (SR-01). Each field that is null is named in `not_applicable`, with the reason."""

    record: str
    person: str
    item: str
    title: str | None
    version: int
    methods: list[Method]
    result: Result
    score: str | None
    completed_at: str
    completed_at_utc: datetime
    valid_from: str
    performed_at: str | None
    place: str | None
    time_zone: str | None
    source_class: SourceClass
    flags: list[Literal["LATE_ENTRY", "MIGRATED", "IN_ERROR"]]
    assignment: str | None
    evaluator: str | None
    content: ContentOut | None
    late_entry: LateEntryShown | None
    source: SourceOut | None
    signatures: list[SignatureOut]
    verified: bool | None = Field(description="Every signature matches; null: it has none.")
    corrections: CorrectionsOut
    not_applicable: dict[str, str]
    recorded_at: str


class RecordRow(BaseModel):
    record: str
    person: str
    item: str
    title: str | None
    version: int
    methods: list[Method]
    result: Result
    score: str | None
    completed_at: str
    valid_from: str
    place: str | None
    time_zone: str | None
    source_class: SourceClass
    mark: Mark
    evaluator: str | None
    assignment: str | None
    recorded_at: str


class AccessOut(BaseModel):
    reader: str
    purpose: str
    rows: int
    at: datetime


class LateEntryOut(BaseModel):
    late_entry: str
    state: LateEntryState
    person: str
    document: str
    version: int
    methods: list[Method]
    result: Result
    score: str | None
    evaluator: str | None
    ink_signed_at: str
    place: str
    time_zone: str
    scan_sha256: str
    scan_media_type: str
    scan_size: int
    reason: str
    proposed_by: str
    corrects: str | None
    record: str | None
    refused_by: str | None
    refusal_reason: str | None
    recorded_at: datetime


class ProposalOut(BaseModel):
    proposal: str
    record: str


class HistoryRow(Strict):
    """A row of the legacy training history, as the importer checked it."""

    file: str
    line: str
    key: str
    digest: Sha256
    employee_no: Code
    document: Code
    version: Number
    completed_at: AwareDatetime
    completed_at_text: str
    methods: Annotated[list[Method], Field(min_length=1)]
    score: Score | None
    evaluator_no: Code | None
    source_record: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    site: str
    time_zone: str
    zone_rule: str | None


class ImportBlock(Strict):
    """sha256: of the whole file. accepted_by: the people who signed the batch. migrated_counts: C-36."""

    batch: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    file: str
    sha256: Sha256
    accepted_by: Annotated[list[Code], Field(min_length=2)]
    migrated_counts: bool = True
    rows: Annotated[list[HistoryRow], Field(min_length=1, max_length=10_000)]


class ImportOut(BaseModel):
    taken: int
    unchanged: int
