"""Requests and answers of the gateway's own routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
"""Why: PL-08."""


class Closed(BaseModel):
    """A request: what it does not know is a mistake of the caller, not something to pass over."""

    model_config = ConfigDict(extra="forbid")


class Because(Closed):
    reason: Reason


class Page[T](BaseModel):
    """A list; gateway's lists are short and complete, so `next` is null."""

    items: list[T]
    next: str | None = None
    complete_up_to: datetime | None = None


class LogIn(Closed):
    """kiosk: a shared terminal; the session ends after 60 idle seconds, and with a signature."""

    username: str = Field(max_length=200)
    password: SecretStr = Field(max_length=1000)
    kiosk: bool = False


class Scope(Closed):
    site: str | None = None
    area: str | None = None
    job_function: str | None = None


class GrantOut(BaseModel):
    grant: str
    role: str
    scope: Scope
    granted_by: str | None = None
    granted_at: datetime | None = None
    reason: str | None = None


class SessionOut(BaseModel):
    """The user, their rights, and the token that each changing call sends in `X-CSRF-Token`."""

    account: str
    username: str
    person: str | None
    printed_name: str
    grants: list[GrantOut]
    roles: list[str]
    actions: list[str]
    site: str | None
    csrf: str
    must_change_password: bool
    kiosk: bool
    idle_seconds: int
    mode: str
    clock: datetime


class PasswordChange(Closed):
    current: SecretStr = Field(max_length=1000)
    new: SecretStr = Field(max_length=1000)
    reason: Reason = "password changed by its owner"


PersonNamePart = Annotated[str, Field(min_length=1, max_length=120)]


class PersonNameIn(Closed):
    """The name of a person whom no event has announced yet: the first accounts are made before the first import."""

    given_name: PersonNamePart
    family_name: PersonNamePart


class AccountIn(Closed):
    """password: the first one, which its holder must change; without it a one-time password is made and shown.

    name: lets the account be that of a person who is not known yet; of a known person it is left out of account.
    """

    username: str = Field(max_length=200)
    person: str | None = Field(default=None, max_length=64)
    name: PersonNameIn | None = None
    password: SecretStr | None = Field(default=None, max_length=1000)
    reason: Reason


class GrantIn(Closed):
    role: str
    scope: Scope = Scope()
    reason: Reason


class AccountOut(BaseModel):
    account: str
    username: str
    person: str | None
    printed_name: str | None
    status: str
    must_change_password: bool
    signing_blocked: bool
    grants: list[GrantOut]
    last_login_at: datetime | None


class AccountMade(AccountOut):
    """one_time_password: shown now and never again; null when the request brought one."""

    one_time_password: str | None


class OneTimePassword(BaseModel):
    account: str
    one_time_password: str


class Role(BaseModel):
    role: str
    title: str
    machine: bool


class TokenIn(Closed):
    name: str = Field(min_length=1, max_length=100)
    role: str
    scope: Scope = Scope()
    expires_in_days: int = 90
    reason: Reason


class TokenOut(BaseModel):
    token: str
    name: str
    role: str
    scope: Scope
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class TokenMade(TokenOut):
    """secret: the bearer token; shown now and never again."""

    secret: str


class IntentIn(Closed):
    service: str
    kind: str
    key: str = Field(max_length=200)
    meaning: str = Field(max_length=60)
    inputs: dict[str, Any] = {}
    reason: Reason


class IntentOut(BaseModel):
    """The content that a confirmation signs: `display` is the owner's view of it, and `digest` binds it."""

    id: str
    service: str
    kind: str
    key: str
    digest: str
    display: dict[str, Any]
    meaning: str
    meaning_text: str
    printed_name: str
    time_zone: str
    expires_at: datetime


class Confirm(Closed):
    password: SecretStr = Field(max_length=1000)


class SignatureOut(BaseModel):
    """21 CFR 11.50: printed name, date and time with the zone, meaning."""

    id: str
    kind: str
    key: str
    digest: str
    meaning: str
    meaning_text: str
    signer: str
    printed_name: str
    signed_at: datetime
    time_zone: str


class ClockOut(BaseModel):
    now: datetime
    movable: bool
    mode: str


class ClockIn(Closed):
    now: AwareDatetime
    reason: Reason = "moves the clock forward"


class DemoGrant(Closed):
    role: str
    scope: Scope = Scope()


class DemoAccount(Closed):
    username: str
    password: SecretStr
    person: str | None = None
    name: PersonNameIn | None = None
    grants: list[DemoGrant] = []


class DemoAccounts(Closed):
    accounts: list[DemoAccount] = Field(max_length=100)
    reason: Reason


class TopicHealth(BaseModel):
    """lag_seconds: how old the newest thing is that is sure to have been read. events_behind: not yet read."""

    topic: str
    lag_seconds: float | None
    events_behind: int | None
    parked: int


class ParkedEvent(BaseModel):
    """The oldest parked event of a subject; an event that could not be read has the subject ""."""

    id: str
    topic: str
    subject: str
    reason: str
    at: datetime
    attempts: int


class ServiceHealth(BaseModel):
    service: str
    ready: bool
    reasons: list[str]
    version: str | None
    pending: int | None
    oldest_pending_seconds: float | None
    marks: int | None
    consumers: list[TopicHealth]
    parked: list[ParkedEvent]


class Health(BaseModel):
    at: datetime
    services: list[ServiceHealth]


class Contract(BaseModel):
    topic: str
    version: str
    digest: str | None


class ServiceVersion(BaseModel):
    service: str
    version: str
    schema_: str = Field(serialization_alias="schema")


class About(BaseModel):
    product: str
    version: str
    build: str | None
    tzdata: str
    mode: str
    policy: str
    contracts: list[Contract]
    services: list[ServiceVersion]
