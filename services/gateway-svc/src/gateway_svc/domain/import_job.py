"""The job of an import, from the check to the last row: CHECKED -> ACCEPTED_ONCE -> ACCEPTED -> COMMITTING -> DONE.

COMMITTING can end in FAILED, which is resumed where it stopped; what nobody wants any more is WITHDRAWN. That different
people accept a job, and how many, is rule `import-two-people` of the policy file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from servicekit.domain import StateError


class JobState(StrEnum):
    CHECKED = "CHECKED"
    ACCEPTED_ONCE = "ACCEPTED_ONCE"
    ACCEPTED = "ACCEPTED"
    COMMITTING = "COMMITTING"
    DONE = "DONE"
    FAILED = "FAILED"
    WITHDRAWN = "WITHDRAWN"


UNDER_WAY = (JobState.ACCEPTED, JobState.COMMITTING, JobState.FAILED)
"""States in which rows may be on their way: one job at a time is in one of them."""

_ACCEPTABLE = (JobState.CHECKED, JobState.ACCEPTED_ONCE)
_WITHDRAWABLE = (JobState.CHECKED, JobState.ACCEPTED_ONCE, JobState.FAILED)
_ENDS = (JobState.DONE, JobState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Acceptance:
    person: str
    signature: str
    signed_at: str
    """RFC 3339, UTC."""


@dataclass(frozen=True, slots=True)
class Job:
    """version: of its row. actor, person, grants: of the one who uploaded, in whose name the rows are handed over.

    files: {file, sha256, size} of each. known_rows: how many rows were known at the check; another import in between
    makes the check stale. in_doubt: a block was sent and its answer is not known.
    """

    id: str
    version: int
    state: JobState
    dry_run: bool
    export_date: date
    zone_rule: str | None
    migrated_counts: bool
    actor: str
    person: str | None
    grants: Sequence[Mapping[str, Any]]
    files: Sequence[Mapping[str, Any]]
    batch_digest: str
    acceptance_digest: str
    plan_digest: str
    known_rows: int
    total_rows: int
    accepted_by: Sequence[Acceptance]
    correlation: str
    failure: Mapping[str, Any] | None
    in_doubt: bool
    uploaded_at: datetime
    finished_at: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """job: as it was checked."""

    job: Job


@dataclass(frozen=True, slots=True)
class Accept:
    """needed: how many people must accept. correlation: of the acceptance, under which the rows are handed over."""

    acceptance: Acceptance
    needed: int
    correlation: str


@dataclass(frozen=True, slots=True)
class Start:
    pass


@dataclass(frozen=True, slots=True)
class Fail:
    """failure: {code, detail, ...}."""

    failure: Mapping[str, Any]
    in_doubt: bool


@dataclass(frozen=True, slots=True)
class Finish:
    pass


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class Withdraw:
    pass


type Command = Upload | Accept | Start | Fail | Finish | Resume | Withdraw


@dataclass(frozen=True, slots=True)
class Uploaded:
    job: Job


@dataclass(frozen=True, slots=True)
class Moved:
    """To another state, with what came of it."""

    state: JobState
    fields: Mapping[str, Any]
    at: datetime


type Event = Uploaded | Moved


def decide(job: Job | None, command: Command, now: datetime) -> list[Event]:
    """The events of a command on a job; raises StateError when the state does not allow it."""
    if isinstance(command, Upload):
        made = command.job
        # With nothing to take the job is done at once: an import that is run again changes nothing (C-30).
        nothing = not made.dry_run and made.total_rows == 0
        state = JobState.DONE if nothing else JobState.CHECKED
        return [Uploaded(replace(made, state=state, finished_at=now if nothing else None, recorded_at=now))]
    assert job is not None, "only an upload makes a job"
    match command:
        case Accept(acceptance, needed, correlation):
            check_acceptable(job)
            accepted = [*job.accepted_by, acceptance]
            state = JobState.ACCEPTED if len(accepted) >= needed else JobState.ACCEPTED_ONCE
            return [Moved(state, {"accepted_by": accepted, "correlation": correlation}, now)]
        case Start():
            _check(job, "not-accepted", JobState.ACCEPTED)
            return [Moved(JobState.COMMITTING, {"failure": None, "in_doubt": False}, now)]
        case Fail(failure, in_doubt):
            _check(job, "not-committing", JobState.ACCEPTED, JobState.COMMITTING)
            return [Moved(JobState.FAILED, {"failure": failure, "in_doubt": in_doubt}, now)]
        case Finish():
            _check(job, "not-committing", JobState.COMMITTING)
            return [Moved(JobState.DONE, {}, now)]
        case Resume():
            if job.state != JobState.FAILED:
                raise StateError(
                    "not-failed", f"import {job.id} is {job.state}: only a failed one is resumed"
                )
            return [Moved(JobState.ACCEPTED, {"failure": None}, now)]
        case Withdraw():
            _check(job, "not-withdrawable", *_WITHDRAWABLE)
            if job.in_doubt:
                raise StateError(
                    "in-doubt",
                    "a block was sent without an answer: resume, so that it is known what was taken",
                )
            return [Moved(JobState.WITHDRAWN, {}, now)]


def evolve(job: Job | None, event: Event) -> Job:
    """The job after the event."""
    if isinstance(event, Uploaded):
        return event.job
    assert job is not None
    return replace(
        job,
        **event.fields,
        state=event.state,
        version=job.version + 1,
        finished_at=event.at if event.state in _ENDS else None,
        recorded_at=event.at,
    )


def check_acceptable(job: Job) -> None:
    if job.dry_run:
        raise StateError("dry-run", "a dry run is not accepted: upload the files for an import")
    _check(job, "not-acceptable", *_ACCEPTABLE)


def _check(job: Job, code: str, *states: JobState) -> None:
    if job.state not in states:
        raise StateError(code, f"import {job.id} is {job.state}")
