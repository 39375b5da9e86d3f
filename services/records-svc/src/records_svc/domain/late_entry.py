"""A paper record that is entered late (R-18, SR-15): a scan, a reason, and a second person.

It is valid from the ink signature that the scan shows and known from its entry, never made to look contemporaneous.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from records_svc.domain.errors import NotYoursError, RuleError, StateError
from records_svc.domain.places import Person, Place, has_left
from records_svc.domain.versions import Version
from records_svc.domain.vocabulary import MEANING_EDITION, Method

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


def check_proposal(
    *,
    person: Person,
    version: Version,
    methods: Collection[str],
    ink_signed_at: datetime,
    score_given: bool,
    evaluator: str | None,
    place: Place,
    proposer: str,
    now: datetime,
) -> None:
    """Raises RuleError naming the field, or NotYoursError for a record of one's own. place: at the ink signature."""
    if proposer == person.person:
        raise NotYoursError("own-late-entry", "nobody enters a late record of their own")
    if ink_signed_at > now:
        raise RuleError("ink_signed_at", "in-the-future", "the ink signature is not made yet")
    opens = version.at_place(place).window_opens
    if opens is None or ink_signed_at < opens:
        raise RuleError("ink_signed_at", "before-approval", "the version was not approved yet at that time")
    if has_left(person, place.zone, ink_signed_at):
        raise RuleError("ink_signed_at", "separated", "the person had left before the ink signature")
    if Method.O in methods and not evaluator:
        raise RuleError("evaluator", "missing", "training on the job has an evaluator")
    if evaluator == person.person:
        raise RuleError("evaluator", "is-trainee", "nobody evaluates themselves")
    if Method.Q in methods and not score_given:
        raise RuleError("score", "missing", "a quiz has a score, in percent")


def check_verifier(proposal: Mapping[str, Any], verifier: str) -> None:
    """The second person is neither the first nor the trainee, and an entry is verified or refused once (SR-15)."""
    if verifier == proposal["person"]:
        raise NotYoursError("own-late-entry", "nobody checks a late record of their own")
    if verifier == proposal["proposed_by"]:
        raise NotYoursError("second-person", "a late entry is checked by another person than entered it")
    check_open(proposal["state"])


def check_open(state: str) -> None:
    if state != "PROPOSED":
        raise StateError("not-proposed", f"this is {state} already")


def signed_content(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the second person's signature binds: the whole entry and the scan by its digest. Instants are text."""
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
