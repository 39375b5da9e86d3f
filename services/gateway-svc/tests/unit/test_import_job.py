"""The job of an import: given a job, when a command comes, then events or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from gateway_svc.domain import import_job as domain
from gateway_svc.domain.import_job import (
    Accept,
    Acceptance,
    Command,
    Fail,
    Finish,
    Job,
    JobState,
    Moved,
    Resume,
    Start,
    Upload,
    Uploaded,
    Withdraw,
)
from hypothesis import given as over
from hypothesis import strategies as st
from servicekit.domain import StateError

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
CHECKED = Job(
    id="j1",
    version=1,
    state=JobState.CHECKED,
    dry_run=False,
    export_date=date(2026, 3, 1),
    zone_rule=None,
    migrated_counts=True,
    actor="account/cor",
    person="COR",
    grants=[],
    files=[],
    batch_digest="b",
    acceptance_digest="a",
    plan_digest="p",
    known_rows=0,
    total_rows=8,
    accepted_by=[],
    correlation="c1",
    failure=None,
    in_doubt=False,
    uploaded_at=NOW,
    finished_at=None,
    recorded_at=NOW,
)
COR = Accept(Acceptance("COR", "s1", "2026-03-02T10:00:00Z"), 2, "c2")
EVA = Accept(Acceptance("EVA", "s2", "2026-03-02T10:05:00Z"), 2, "c3")
BROKEN = Fail({"code": "unreachable", "detail": "qms does not answer"}, in_doubt=True)
REFUSED = Fail({"code": "refused", "detail": "a row"}, in_doubt=False)
COMMANDS: Sequence[Command] = (COR, EVA, Start(), BROKEN, REFUSED, Finish(), Resume(), Withdraw())


def given(*commands: Command, job: Job = CHECKED) -> Job:
    for command in commands:
        for event in domain.decide(job, command, NOW):
            job = domain.evolve(job, event)
    return job


def refusal(job: Job, command: Command) -> str:
    with pytest.raises(StateError) as refused:
        domain.decide(job, command, NOW)
    return refused.value.code


def test_an_upload_with_nothing_to_take_is_done_at_once() -> None:
    for job, state, finished in (
        (CHECKED, JobState.CHECKED, None),
        (replace(CHECKED, total_rows=0), JobState.DONE, NOW),
        (replace(CHECKED, total_rows=0, dry_run=True), JobState.CHECKED, None),
    ):
        [event] = domain.decide(None, Upload(job), NOW)
        assert isinstance(event, Uploaded)
        assert (event.job.state, event.job.finished_at) == (state, finished)


def test_as_many_accept_as_are_needed() -> None:
    once = given(COR)
    assert (once.state, once.correlation) == (JobState.ACCEPTED_ONCE, "c2")
    twice = given(COR, EVA)
    assert (twice.state, [a.person for a in twice.accepted_by]) == (JobState.ACCEPTED, ["COR", "EVA"])
    assert given(replace(COR, needed=1)).state == JobState.ACCEPTED
    assert refusal(twice, COR) == "not-acceptable"
    assert refusal(replace(CHECKED, dry_run=True), COR) == "dry-run"


def test_what_failed_is_resumed_or_given_up() -> None:
    failed = given(COR, EVA, Start(), REFUSED)
    assert failed.failure == REFUSED.failure
    resumed = given(Resume(), job=failed)
    assert (resumed.state, resumed.failure) == (JobState.ACCEPTED, None)
    done = given(Start(), Finish(), job=resumed)
    assert (done.state, done.finished_at) == (JobState.DONE, NOW)
    assert given(Withdraw(), job=failed).state == JobState.WITHDRAWN
    assert refusal(done, Resume()) == "not-failed"
    assert refusal(done, Withdraw()) == "not-withdrawable"


def test_a_job_whose_last_block_is_in_doubt_is_not_given_up() -> None:
    doubtful = given(COR, EVA, Start(), BROKEN)
    assert refusal(doubtful, Withdraw()) == "in-doubt"
    assert given(Resume(), Start(), job=doubtful).in_doubt is False


def test_rows_are_handed_over_only_after_the_acceptance() -> None:
    for job in (CHECKED, given(COR), given(Withdraw())):
        assert refusal(job, Start()) == "not-accepted"
        assert refusal(job, Finish()) == "not-committing"


@over(st.lists(st.sampled_from(COMMANDS), max_size=12))
def test_over_any_commands_a_job_moves_a_version_an_event_and_ends_for_good(
    commands: Sequence[Command],
) -> None:
    job, events = CHECKED, 0
    for command in commands:
        try:
            decided = domain.decide(job, command, NOW)
        except StateError:
            continue
        assert job.state not in (JobState.DONE, JobState.WITHDRAWN), "what has ended moves no more"
        for event in decided:
            assert isinstance(event, Moved)
            job, events = domain.evolve(job, event), events + 1
    assert job.version == 1 + events
    assert (job.finished_at is not None) == (job.state in (JobState.DONE, JobState.WITHDRAWN))
