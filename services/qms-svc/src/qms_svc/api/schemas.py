"""Request and response models of the qms API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Place = Annotated[str, StringConstraints(pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
Minutes = Annotated[int, Field(ge=0, le=10_000)]
ChangeClass = Literal["major", "minor", "editorial"]
TrainingDecision = Literal["none", "read", "read+quiz", "read+ojt", "read+quiz+ojt"]
VersionState = Literal["DRAFT", "IN_REVIEW", "APPROVED", "WITHDRAWN", "RETIRED"]
ChangeState = Literal["DRAFT", "IN_REVIEW", "APPROVED", "CANCELLED"]


class Strict(BaseModel):
    """A field that is not known is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Command(Strict):
    """Every command says why (PL-08)."""

    reason: Reason


class EffectiveIn(Strict):
    """From the start of a local day (`on`), from an instant (`at`), or from the approval itself (`at_approval`)."""

    place: Place
    on: date | None = None
    at: AwareDatetime | None = None
    at_approval: bool = False

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.on is not None) + (self.at is not None) + self.at_approval != 1:
            raise ValueError("exactly one of on, at and at_approval is given")
        return self


class EndIn(Strict):
    """First local day without a temporary version."""

    place: Place
    on: date


class DocumentIn(Command):
    document: Code
    title: Title
    document_type: Label
    framework: Label
    category: Label | None = None
    owner_department: Label | None = None


class DocumentPatch(Command):
    """revision: the one that was read; 409 `stale` when another stands."""

    revision: int
    title: Title | None = None
    document_type: Label | None = None
    framework: Label | None = None
    category: Label | None = None
    owner_department: Label | None = None


class ChangeIn(Command):
    change: Code | None = None
    title: Title
    risk_reason: Text | None = None


class ChangePatch(Command):
    revision: int
    title: Title | None = None
    risk_reason: Text | None = None


class VersionPatch(Command):
    """A field that is not given stays as it is; null empties it. revision: the one that the client has read; 409 `stale`
    when the stored one differs."""

    revision: int
    change_class: ChangeClass | None = None
    training_decision: TrainingDecision | None = None
    effective: list[EffectiveIn] | None = Field(default=None, max_length=200)
    ends: list[EndIn] | None = Field(default=None, max_length=200)
    summary: Text | None = None
    minutes: Minutes | None = None
    sections_changed: list[str] | None = Field(default=None, max_length=500)


class RetireIn(Command):
    place: Place = "*"
    on: date


class EffectiveOut(BaseModel):
    """at_approval: a draft that takes effect when it is approved."""

    place: str
    on: date | None
    at: datetime | None
    at_approval: bool
    recorded_at: datetime | None


class EndOut(BaseModel):
    place: str
    on: date


class FileOut(BaseModel):
    sha256: str
    size: int
    media_type: str
    language: str


class SectionOut(BaseModel):
    """Lines [line_from, line_to) of the Markdown, counted from 1; of a PDF: pages."""

    id: str
    title: str
    level: int
    line_from: int
    line_to: int


class PlaceStatus(BaseModel):
    """status: EFFECTIVE, SUPERSEDED, APPROVED_FOR_TRAINING (window open, not yet effective) or WITHDRAWN."""

    place: str
    status: str
    effective_at: datetime | None


class VersionOut(BaseModel):
    """revision: counts every edit of the draft and every later step."""

    document: str
    version: int
    revision: int
    state: VersionState
    change_class: ChangeClass | None
    training_decision: TrainingDecision | None
    change: str | None
    approved_at: datetime | None
    approved_on: date | None
    withdrawn_at: datetime | None
    effective: list[EffectiveOut]
    ends: list[EndOut]
    content: list[FileOut]
    sections: list[SectionOut]
    sections_changed: list[str] | None
    summary: str | None
    minutes: int | None
    source_class: str
    recorded_at: datetime
    places: list[PlaceStatus]


class Retired(BaseModel):
    place: str
    on: date


class GoverningAt(BaseModel):
    """The version that governs at a site now, since when, and the next one; times have the offset of the site."""

    place: str
    title: str
    time_zone: str
    governing_version: int | None
    since: datetime | None
    next_version: int | None
    next_from: datetime | None


class DocumentRow(BaseModel):
    """latest_version: the highest approved one. draft_version: the one in work, shown to those who may see changes."""

    document: str
    title: str
    document_type: str
    framework: str
    category: str | None
    owner_department: str | None
    latest_version: int | None
    draft_version: int | None
    retired: bool


class DocumentOut(BaseModel):
    document: str
    revision: int
    title: str
    document_type: str
    framework: str
    category: str | None
    owner_department: str | None
    source_class: str
    recorded_at: datetime
    retired: list[Retired]
    places: list[GoverningAt]
    versions: list[VersionOut]


class Progress(BaseModel):
    """Assignments of the versions of a change, counted.

    assigned = done + open + paused + upcoming + resolved_otherwise; overdue is a part of open. not_counted: opened
    and closed while older facts were still arriving (R-59).
    """

    assigned: int = 0
    done: int = 0
    open: int = 0
    overdue: int = 0
    paused: int = 0
    upcoming: int = 0
    resolved_otherwise: int = 0
    not_counted: int = 0


class ApprovalOut(BaseModel):
    """The manifestation of a signature (21 CFR 11.50): printed name, time with zone, meaning."""

    person: str
    printed_name: str
    meaning: str
    meaning_text: str
    signature: str
    signed_at: datetime
    time_zone: str


class ChangeRow(BaseModel):
    change: str
    revision: int
    title: str
    reason: str
    risk_reason: str | None
    state: ChangeState
    author: str
    required_approvals: int
    approved_at: datetime | None
    recorded_at: datetime
    documents: list[str]
    progress: Progress


class ChangeOut(ChangeRow):
    contributors: list[str]
    approvals: list[ApprovalOut]
    versions: list[VersionOut]


class Page[T](BaseModel):
    items: list[T]
    next: str | None = None
    complete_up_to: datetime


class ImportRow(BaseModel):
    """line: where the row starts in its file. Further fields of the importer are ignored."""

    line: Annotated[str, Field(coerce_numbers_to_str=True)]


class DocumentImportRow(ImportRow):
    document: Code
    title: Title
    type: Label
    framework: Label
    owner_department: Label | None = None


class VersionImportRow(ImportRow):
    document: Code
    version: Number
    approved_on: date
    effective_on: date
    change_class: ChangeClass
    retraining: TrainingDecision
    change_control: Code | None = None


class ImportBlock[R: ImportRow](BaseModel):
    """sha256: of the file. accepted_by: the two different people who accepted the batch (R-35)."""

    batch: Annotated[str, Field(min_length=1, max_length=100)]
    file: Annotated[str, Field(min_length=1, max_length=255)]
    sha256: Sha256
    accepted_by: Annotated[list[Code], Field(min_length=2, max_length=2)]
    rows: Annotated[list[R], Field(min_length=1, max_length=5000)]

    @model_validator(mode="after")
    def _two_people(self) -> Self:
        if len(set(self.accepted_by)) != len(self.accepted_by):
            raise ValueError("an imported batch is accepted by two different people")
        return self

    def plain(self) -> list[dict[str, Any]]:
        return [row.model_dump() for row in self.rows]


class ImportOut(BaseModel):
    taken: int
    unchanged: int
