"""Request and response models of the matrix API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def _printable(name: str) -> str:
    """A name that a spreadsheet would run, or that hides characters, is refused (C-31)."""
    if name[:1] in "=+-@" or any(not c.isprintable() for c in name):
        raise ValueError("a name does not begin with = + - @ and has no control or format character")
    return name


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_printable)
]
Employment = Literal["employee", "contractor", "temp", "visitor", "consultant"]
Method = Literal["R", "Q", "O"]
SourceKind = Literal["job_function", "area", "department", "site", "equipment", "overlay"]


class Command(BaseModel):
    """Every command says why (PL-08); a field that is not known is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


class ShiftTime(BaseModel):
    shift: Code
    starts: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    ends: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


Revision = Annotated[int | None, Field(ge=1, description="The version that was read; none for what is new.")]


class UnitIn(Command):
    revision: Revision = None
    kind: Literal["site", "area", "job_function", "equipment", "overlay", "framework", "training_category"]
    code: Code
    title: str = Field(min_length=1, max_length=200)
    site: Code | None = None
    area: Code | None = None
    department: str | None = Field(default=None, max_length=120)
    time_zone: str | None = None
    shifts: list[ShiftTime] = []
    expiry_lead_days: int | None = Field(default=None, ge=0, le=365)
    active: bool = True


class UnitOut(BaseModel):
    unit: str
    kind: str
    code: str
    title: str
    site: str | None
    area: str | None
    department: str | None
    time_zone: str | None
    shifts: list[dict[str, Any]]
    expiry_lead_days: int | None
    active: bool
    version: int


class EmploymentIn(Command):
    """With what an employment begins."""

    employment: Employment = "employee"
    site: Code
    department: str | None = Field(default=None, max_length=120)
    area: Code | None = None
    job_function: Code
    function_from: date | None = None
    shift: Code | None = None
    supervisor: Code | None = None
    hired_on: date
    overlays: list[Code] = []
    equipment: list[str] = []


class HireIn(EmploymentIn):
    person: Code
    given_name: Name
    family_name: Name
    email: str | None = Field(default=None, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    badge: str | None = Field(default=None, max_length=64)
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")


class FunctionIn(Command):
    """A further job function; with `ends` a move: the named spell, or `current`, ends on the same day (AE-02)."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    job_function: Code
    from_on: date = Field(alias="from")
    to_on: date | None = Field(default=None, alias="to")
    ends: str | None = "current"


class PlaceIn(Command):
    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    site: Code
    department: str | None = Field(default=None, max_length=120)
    area: Code | None = None
    from_on: date = Field(alias="from")
    ends: str | None = "current"


class OverlayIn(Command):
    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    overlay: Code
    from_on: date = Field(alias="from")
    to_on: date | None = Field(default=None, alias="to")


class EquipmentIn(Command):
    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    equipment: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")
    from_on: date = Field(alias="from")
    to_on: date | None = Field(default=None, alias="to")


class LeaveIn(Command):
    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    kind: str = Field(min_length=1, max_length=40)
    from_on: date = Field(alias="from")
    to_on: date | None = Field(default=None, alias="to", description="First day back.")


class ShiftIn(Command):
    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    shift: Code
    from_on: date = Field(alias="from")
    ends: str | None = "current"


class EndIn(Command):
    ended_on: date = Field(description="First day without employment; the last day worked is the day before.")


class SpellEndIn(Command):
    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    to_on: date = Field(alias="to")


class PersonName(BaseModel):
    given_name: str
    family_name: str
    email: str | None
    badge: str | None


class PersonState(BaseModel):
    """Spells as the contract `matrix.person` has them."""

    person: str
    employment: str
    language: str | None
    supervisor: str | None
    employments: list[dict[str, Any]]
    places: list[dict[str, Any]]
    functions: list[dict[str, Any]]
    overlays: list[dict[str, Any]]
    equipment: list[dict[str, Any]]
    leaves: list[dict[str, Any]]
    shifts: list[dict[str, Any]]


class PersonOut(PersonState):
    """The spells with the name beside them."""

    name: PersonName | None
    version: int


class PersonRow(BaseModel):
    person: str
    given_name: str | None
    family_name: str | None
    site: str | None
    department: str | None
    area: str | None
    job_functions: list[str]
    shift: str | None
    supervisor: str | None
    hired_on: date | None
    ended_on: date | None


class CellIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source_kind: SourceKind
    source: str
    item: Code
    methods: list[Method]
    interval_months: int | None = Field(default=None, ge=1, le=120)
    pass_mark: int | None = Field(default=None, ge=0, le=100)


class MatrixDraftIn(Command):
    title: str = Field(min_length=1, max_length=200)
    effective_at: AwareDatetime | None = None
    cells: list[CellIn] = Field(min_length=1, max_length=5000)


class MatrixDifference(BaseModel):
    """A difference that a draft makes. stricter: a person who met the old rule may not meet the new one. people: who hold the source when it takes
    effect or later; both are told by the preview alone."""

    change: Literal["added", "removed", "changed", "answered"]
    cell: dict[str, Any]
    before: dict[str, Any] | None
    stricter: bool | None = None
    people: list[str] = []


class MatrixVersionOut(BaseModel):
    number: int
    title: str
    state: str
    author: str
    effective_at: datetime | None
    baseline: bool
    approved_at: datetime | None
    differences: list[MatrixDifference] = []
    people_affected: int | None = None


class TaskIn(Command):
    revision: Revision = None
    task: Code
    title: str = Field(min_length=1, max_length=200)
    job_function: Code | None = None
    items: list[Code] = Field(min_length=1)
    equipment: list[str] = []
    active: bool = True


class TaskOut(BaseModel):
    task: str
    title: str
    job_function: str | None
    items: list[str]
    equipment: list[str]
    active: bool
    version: int


class RuleOut(BaseModel):
    """A requirement: who holds the source, meets the item. valid_to: null while it is in force."""

    rule: str
    rule_version: int
    source_kind: SourceKind
    source: str
    methods: list[Method]
    interval_months: int | None
    pass_mark: int | None
    valid_from: datetime
    valid_to: datetime | None
    baseline: bool
    recorded_at: datetime


class ItemRuleOut(RuleOut):
    item: str


class OpenQuestionOut(BaseModel):
    """A cell that an import could not read. answered_from: when a signed matrix version answers it."""

    source_kind: SourceKind
    source: str
    value: str
    answered_from: datetime | None


class RequirementOut(BaseModel):
    """An item with every rule that ever required it, and the questions that an import left."""

    item: str
    title: str
    document_type: str
    framework: str | None
    category: str | None
    rules: list[RuleOut]
    unresolved: list[OpenQuestionOut]


class Page[T](BaseModel):
    """Every list: `next` is the cursor of the following page; `complete_up_to` the record time it is final for."""

    items: list[T]
    next: str | None = None
    complete_up_to: datetime
