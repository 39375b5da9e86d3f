"""A record made in error (R-34, SR-03): never changed, never deleted; a mark beside it that two people made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from records_svc.domain.errors import NotYoursError, StateError
from records_svc.domain.vocabulary import MEANING_EDITION


def check_own(record: Mapping[str, Any], person: str) -> None:
    """Nobody has a hand in marking a record that they made as trainee or evaluator (PL-06)."""
    if person in (record["person"], record["evaluator"]):
        raise NotYoursError("own-error", "nobody marks a record of their own as made in error")


def check_proposable(*, marked: bool, proposed: bool) -> None:
    if marked:
        raise StateError("in-error", "the record is marked as made in error already")
    if proposed:
        raise StateError("proposed", "a mark is proposed already: a second person decides on it")


def check_second(proposed_by: str, person: str) -> None:
    if person == proposed_by:
        raise NotYoursError("second-person", "the mark is confirmed by another person than proposed it")


def signed_content(
    record: Mapping[str, Any], record_digest: str | None, proposal: Mapping[str, Any]
) -> dict[str, Any]:
    """What the second signature binds. record_digest: of the record's own signature; None for a migrated record."""
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
