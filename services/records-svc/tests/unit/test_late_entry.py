"""A late entry and a mark: given what was proposed, when a command comes, then events or a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from records_svc.domain import correction, late_entry
from records_svc.domain.correction import Confirm, Mark, Proposal
from records_svc.domain.late_entry import EntryState, LateEntry, Refuse, Verified, Verify
from servicekit.domain import DomainError
from servicekit.signing import Signature

NOW = datetime(2026, 3, 12, 10, tzinfo=UTC)
INK = NOW - timedelta(days=2)
EVA = Signature(
    id="s1",
    kind="late_entry",
    key="e1",
    content_version="1",
    digest="d",
    meaning="verify",
    meaning_text="",
    signer="EVA",
    printed_name="Eva",
    signed_at=NOW,
    time_zone="UTC",
    auth_time=NOW,
    auth_method="password",
)
ENTRY = LateEntry(
    late_entry="e1",
    person="BEN",
    item="SOP-101",
    number=4,
    methods=["R"],
    result="PASS",
    score=Decimal(90),
    evaluator=None,
    ink_signed_at=INK,
    place="NL1",
    time_zone="Europe/Amsterdam",
    scan_sha256="0" * 64,
    scan_media_type="application/pdf",
    scan_size=1,
    entry_reason="the terminal was down",
    corrects=None,
    proposed_by="SAM",
    recorded_at=NOW,
)
RECORD = {"record": "r1", "person": "BEN", "evaluator": None}
MARK = Mark(RECORD, [], None, marked=False)
PROPOSE = correction.Propose("p1", "COR", "another person's record")


def refusal(decide: object, *arguments: object) -> str:
    assert callable(decide)
    with pytest.raises(DomainError) as refused:
        decide(*arguments)
    return refused.value.code


def test_a_verified_entry_names_its_record() -> None:
    [event] = late_entry.decide(ENTRY, Verify("r1", EVA, "a1"), NOW)
    assert event == Verified(ENTRY, "r1", EVA, "a1", NOW)
    verified = late_entry.evolve(ENTRY, event)
    assert (verified.state, verified.record) == (EntryState.VERIFIED, "r1")


@pytest.mark.part("SR-15", "an entry is verified or refused once")
def test_an_entry_is_decided_on_once() -> None:
    [refused] = late_entry.decide(ENTRY, Refuse("EVA", "another person"), NOW)
    closed = late_entry.evolve(ENTRY, refused)
    assert (closed.state, closed.refused_by) == (EntryState.REFUSED, "EVA")
    for entry in (closed, replace(ENTRY, state=EntryState.VERIFIED)):
        for command in (Verify("r2", EVA, None), Refuse("EVA", "again")):
            assert refusal(late_entry.decide, entry, command, NOW) == "not-proposed"


@pytest.mark.part("SR-03", "a record is marked once, by what was proposed")
def test_a_mark_is_proposed_then_confirmed_or_refused() -> None:
    assert refusal(correction.decide, MARK, Confirm(EVA), NOW) == "not-proposed"
    [event] = correction.decide(MARK, PROPOSE, NOW)
    proposed = correction.evolve(MARK, event)
    assert proposed.proposal == Proposal("p1", "another person's record", "COR")
    assert refusal(correction.decide, proposed, PROPOSE, NOW) == "proposed"
    [event] = correction.decide(proposed, correction.Refuse("EVA", "it was his"), NOW)
    assert correction.evolve(proposed, event) == MARK
    [event] = correction.decide(proposed, Confirm(EVA), NOW)
    marked = correction.evolve(proposed, event)
    assert (marked.marked, marked.proposal, marked.row["marked_by"]) == (True, None, "EVA")
    assert refusal(correction.decide, marked, PROPOSE, NOW) == "in-error"
