"""A record made in error (R-34, SR-03): never changed, never deleted; a mark beside it that two people made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from servicekit.domain import StateError

from records_svc.domain.vocabulary import MEANING_EDITION, SignatureFacts


@dataclass(frozen=True, slots=True)
class Proposal:
    proposal: str
    error_reason: str
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A training record as far as its mark is concerned. row: the record as it is stored; signatures: that made it."""

    row: Mapping[Any, Any]
    signatures: Sequence[SignatureFacts]
    proposal: Proposal | None
    """The proposed mark that is neither confirmed nor refused."""
    marked: bool


@dataclass(frozen=True, slots=True)
class Propose:
    """id: of the proposal to be."""

    id: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Confirm:
    signature: SignatureFacts


@dataclass(frozen=True, slots=True)
class Refuse:
    person: str
    reason: str


type Command = Propose | Confirm | Refuse


@dataclass(frozen=True, slots=True)
class Proposed:
    record: str
    proposal: Proposal
    at: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    record: str
    proposal: Proposal
    signature: SignatureFacts
    at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    proposal: str
    person: str
    reason: str
    at: datetime


type Event = Proposed | Confirmed | Refused


def decide(mark: Mark | None, command: Command, now: datetime) -> list[Event]:
    """The events of a command on the mark of a record."""
    assert mark is not None, "the record is there"
    record = str(mark.row["record"])
    match command:
        case Propose(id_, person, reason):
            if mark.marked:
                raise StateError("in-error", "the record is marked as made in error already")
            if mark.proposal is not None:
                raise StateError("proposed", "a mark is proposed already: a second person decides on it")
            return [Proposed(record, Proposal(id_, reason, person), now)]
        case Confirm(signature):
            return [Confirmed(record, open_proposal(mark), signature, now)]
        case Refuse(person, reason):
            return [Refused(open_proposal(mark).proposal, person, reason, now)]


def evolve(mark: Mark | None, event: Event) -> Mark:
    """The mark after the event."""
    assert mark is not None
    match event:
        case Proposed(_, proposal, _):
            return replace(mark, proposal=proposal)
        case Confirmed(_, proposal, signature, at):
            row = {
                **mark.row,
                "marked_at": at,
                "marked_by": signature.signer,
                "mark_proposal": proposal.proposal,
                "error_reason": proposal.error_reason,
                "proposed_by": proposal.proposed_by,
            }
            signatures = [*mark.signatures, signature]
            return Mark(row=row, signatures=signatures, proposal=None, marked=True)
        case Refused():
            return replace(mark, proposal=None)


def open_proposal(mark: Mark) -> Proposal:
    if mark.proposal is None:
        raise StateError("not-proposed", "nobody proposed to mark this record as made in error")
    return mark.proposal


def signed_content(
    record: Mapping[str, Any], record_digest: str | None, proposal: Mapping[str, Any]
) -> dict[str, Any]:
    """The content that the second signature binds. record_digest: of the record's own signature; None for a migrated record."""
    return {
        "kind": "record_error",
        "meaning_edition": MEANING_EDITION,
        "proposal": proposal["proposal"],
        "reason": proposal["error_reason"],
        "proposed_by": proposal["proposed_by"],
        "record_digest": record_digest,
        **{
            name: record[name]
            for name in (
                "record",
                "person",
                "item",
                "version",
                "methods",
                "result",
                "completed_at",
                "source_class",
                "source_record",
                "source_file_sha256",
            )
        },
    }
