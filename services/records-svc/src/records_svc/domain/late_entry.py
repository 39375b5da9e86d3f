"""A paper record that is entered late (R-18, SR-15): a scan, a reason, and a second person.

It is valid from the ink signature that the scan shows and known from its entry, never made to look contemporaneous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from servicekit.domain import RuleError, StateError

from records_svc.domain.places import Person, Place, has_left
from records_svc.domain.versions import Version
from records_svc.domain.vocabulary import MEANING_EDITION, Method, SignatureFacts

LARGEST_SCAN = 20 * 1024 * 1024


def sniff(data: bytes) -> str:
    """The media type of a scan by its first bytes. Raises RuleError for anything but PDF, PNG, JPEG or TIFF."""
    if not data:
        raise RuleError("scan", "empty", "the scan is empty")
    if len(data) > LARGEST_SCAN:
        raise RuleError("scan", "too-large", "a scan has at most 20 MB")
    for magic, media_type in _MAGIC.items():
        if data.startswith(magic):
            return media_type
    raise RuleError("scan", "not-a-scan", "a scan is a PDF, PNG, JPEG or TIFF file")


_MAGIC = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}


class EntryState(StrEnum):
    PROPOSED = "PROPOSED"
    VERIFIED = "VERIFIED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class LateEntry:
    """The data of the paper as the first person enters them. score: percent. record: made by its verification."""

    late_entry: str
    person: str
    item: str
    number: int
    methods: Sequence[str]
    result: str
    score: Decimal | None
    evaluator: str | None
    ink_signed_at: datetime
    place: str
    time_zone: str
    scan_sha256: str
    scan_media_type: str
    scan_size: int
    entry_reason: str
    corrects: str | None
    proposed_by: str
    recorded_at: datetime
    state: EntryState = EntryState.PROPOSED
    record: str | None = None
    refused_by: str | None = None
    refusal_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Propose:
    """entry: its place and zone are those of the person at the ink signature. person, version: whom it concerns."""

    entry: LateEntry
    person: Person
    version: Version


@dataclass(frozen=True, slots=True)
class Verify:
    """record: the id of the record to be. assignment: the open one that it fulfils."""

    record: str
    signature: SignatureFacts
    assignment: str | None


@dataclass(frozen=True, slots=True)
class Refuse:
    person: str
    reason: str


type Command = Propose | Verify | Refuse


@dataclass(frozen=True, slots=True)
class Proposed:
    entry: LateEntry


@dataclass(frozen=True, slots=True)
class Verified:
    """The record is valid from the ink signature and known from `at`."""

    entry: LateEntry
    record: str
    signature: SignatureFacts
    assignment: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    late_entry: str
    person: str
    reason: str
    at: datetime


type Event = Proposed | Verified | Refused


def decide(entry: LateEntry | None, command: Command, now: datetime) -> list[Event]:
    """What a command on a late entry brings about. An entry is verified or refused once (SR-15)."""
    if isinstance(command, Propose):
        check_proposal(command, now)
        return [Proposed(replace(command.entry, recorded_at=now))]
    assert entry is not None, "only a proposal makes an entry"
    check_open(entry)
    match command:
        case Verify(record, signature, assignment):
            return [Verified(entry, record, signature, assignment, now)]
        case Refuse(person, reason):
            return [Refused(entry.late_entry, person, reason, now)]


def evolve(entry: LateEntry | None, event: Event) -> LateEntry:
    """The entry after the event."""
    if isinstance(event, Proposed):
        return event.entry
    assert entry is not None
    match event:
        case Verified():
            return replace(entry, state=EntryState.VERIFIED, record=event.record)
        case Refused(_, person, reason, _):
            return replace(entry, state=EntryState.REFUSED, refused_by=person, refusal_reason=reason)


def check_proposal(command: Propose, now: datetime) -> None:
    """Raises RuleError naming the field."""
    entry, place = command.entry, Place(command.entry.place, command.entry.time_zone)
    if entry.ink_signed_at > now:
        raise RuleError("ink_signed_at", "in-the-future", "the ink signature is not made yet")
    opens = command.version.at_place(place).window_opens
    if opens is None or entry.ink_signed_at < opens:
        raise RuleError("ink_signed_at", "before-approval", "the version was not approved yet at that time")
    if has_left(command.person, place.zone, entry.ink_signed_at):
        raise RuleError("ink_signed_at", "separated", "the person had left before the ink signature")
    if Method.O in entry.methods and not entry.evaluator:
        raise RuleError("evaluator", "missing", "training on the job has an evaluator")
    if entry.evaluator == entry.person:
        raise RuleError("evaluator", "is-trainee", "nobody evaluates themselves")
    if Method.Q in entry.methods and entry.score is None:
        raise RuleError("score", "missing", "a quiz has a score, in percent")


def check_open(entry: LateEntry) -> None:
    if entry.state != EntryState.PROPOSED:
        raise StateError("not-proposed", f"this is {entry.state} already")


def signed_content(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The content that the second person's signature binds: the whole entry, and the digest of the scan. Instants are text."""
    return {
        "kind": "late_entry",
        "meaning_edition": MEANING_EDITION,
        **{
            name: entry[name]
            for name in (
                "late_entry",
                "person",
                "item",
                "version",
                "methods",
                "result",
                "score",
                "evaluator",
                "ink_signed_at",
                "place",
                "time_zone",
                "scan_sha256",
                "entry_reason",
                "proposed_by",
                "corrects",
            )
        },
    }
