"""Import jobs as they are stored: the check of an upload and its report.

The states of a job and its commands stand in `gateway_svc.domain.import_job`; what the API shows of a job, in
`gateway_svc.projections.import_jobs`.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from plantfiles import check, read_files
from plantfiles.digests import file_digest
from plantfiles.handover import Item, open_questions, plan_digest
from plantfiles.plan import ImportPlan, Known
from plantfiles.reasons import Severity
from plantfiles.report import summary
from servicekit.aggregates import Aggregate, Columns, handle, load, one_row
from servicekit.aggregates import create as make
from servicekit.db import Tx
from servicekit.http.caller import Caller, Grant
from servicekit.ids import new_id
from servicekit.policy import Policy
from servicekit.problems import conflict
from sqlalchemy import select

from gateway_svc.db.tables import import_job
from gateway_svc.domain.import_job import Command, Job, JobState, Upload, decide, evolve
from gateway_svc.projections.import_jobs import shown

ACTION_RUN, ACTION_ACCEPT = "import.run", "import.accept"


_lock, _load, _rows = one_row(Columns(import_job, Job))
JOB = Aggregate(name="import", decide=decide, evolve=evolve, lock=_lock, load=_load, rows=_rows)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of files, nothing stored yet."""

    contents: Mapping[str, bytes]
    plan: ImportPlan
    questions: tuple[Item, ...]

    @property
    def total_rows(self) -> int:
        return sum(result.counts.taken for result in self.plan.files) + len(self.questions)

    @property
    def plan_digest(self) -> str:
        return plan_digest(self.plan, list(self.questions))


class Latest:
    """The check of the last upload, for a while: mostly it is accepted at once, and a check takes seconds.

    All it saves is time: the plan is held against the accepted digest all the same.
    """

    def __init__(self, seconds: float = 900.0) -> None:
        self._seconds = seconds
        self._kept: tuple[str, Checked, float] | None = None

    def keep(self, job: str, checked: Checked) -> None:
        self._kept = job, checked, time.monotonic() + self._seconds

    def take(self, job: str) -> Checked | None:
        """That of the job, once; None for another one. Whatever is too old is let go."""
        kept = self._kept
        if kept is None or (kept[0] != job and time.monotonic() < kept[2]):
            return None
        self._kept = None
        return kept[1] if kept[0] == job and time.monotonic() < kept[2] else None

    def forget_old(self) -> None:
        """Called now and then, so that an upload that nobody accepts does not stay in memory."""
        if self._kept is not None and time.monotonic() >= self._kept[2]:
            self._kept = None


latest = Latest()


def examine(
    contents: Mapping[str, bytes],
    *,
    export_date: date,
    zone_rule: str | None,
    migrated_counts: bool,
    known: Known,
) -> Checked:
    """Reads and checks the files: seconds of work for a plant, so it belongs into a thread of its own.

    Raises ValueError for a zone rule that is neither `site` nor an IANA zone.
    """
    plan = check(
        read_files(contents),
        export_date=export_date,
        zone_rule=zone_rule,
        migrated_counts=migrated_counts,
        known=known,
    )
    return Checked(contents, plan, tuple(open_questions(plan, known)))


async def create(
    tx: Tx, caller: Caller, policy: Policy, checked: Checked, *, dry_run: bool, known_count: int
) -> Mapping[str, Any]:
    """Stores a checked job with its report and, unless it is a dry run, its files as they came."""
    plan, job = checked.plan, new_id()
    made = Job(
        id=job,
        version=1,
        state=JobState.CHECKED,
        dry_run=dry_run,
        export_date=plan.export_date,
        zone_rule=plan.zone_rule,
        migrated_counts=plan.migrated_counts,
        actor=caller.actor,
        person=caller.subject,
        grants=_grants(caller, policy),
        files=[
            {"file": name, "sha256": file_digest(data), "size": len(data)}
            for name, data in checked.contents.items()
        ],
        batch_digest=plan.batch_digest,
        acceptance_digest=plan.acceptance_digest,
        plan_digest=checked.plan_digest,
        known_rows=known_count,
        total_rows=checked.total_rows,
        accepted_by=[],
        correlation=tx.context.correlation,
        failure=None,
        in_doubt=False,
        uploaded_at=tx.now,
        finished_at=None,
        recorded_at=tx.now,
    )
    await make(tx, JOB, job, Upload(made))
    if not dry_run:
        for data in checked.contents.values():
            await tx.execute(
                "INSERT INTO app.import_file (sha256, size, content) VALUES (:sha256, :size, :content)"
                " ON CONFLICT DO NOTHING",
                {"sha256": file_digest(data), "size": len(data), "content": data},
            )
    await _store_report(tx, job, checked)
    return await shown(tx, job)


async def _store_report(tx: Tx, job: str, checked: Checked) -> None:
    plan = checked.plan
    severities = Counter(finding.severity for finding in plan.findings)
    questions = [
        {
            "file": q.file,
            "line": q.line,
            "level": q.level,
            "source": q.source,
            "item": q.item,
            "value": q.value,
            "reason": q.reason.value,
            "flag": q.flag,
            "people": list(q.people),
        }
        for q in plan.questions
    ]
    await tx.execute(
        "INSERT INTO app.import_report (job, files, severities, questions)"
        " VALUES (:job, CAST(:files AS jsonb), CAST(:severities AS jsonb), CAST(:questions AS jsonb))",
        {
            "job": job,
            "files": json.dumps(summary(plan)),
            "severities": json.dumps({severity.value: severities[severity] for severity in Severity}),
            "questions": json.dumps(questions),
        },
    )
    await tx.copy(
        "app.import_finding",
        ["job", "position", "file", "line", "column", "value", "reason", "severity", "message"],
        [
            (
                job,
                position,
                f.file,
                f.line,
                f.column,
                _storable(f.value),
                f.reason.value,
                f.severity.value,
                _storable(f.message),
            )
            for position, f in enumerate(plan.findings)
        ],
    )


def _storable(text: str) -> str:
    """PostgreSQL keeps neither NUL nor half a surrogate pair; they are written out as Python writes them."""
    if "\0" not in text and text.isprintable():
        return text
    return "".join(
        letter.encode("unicode_escape").decode()
        if letter == "\0" or "\ud800" <= letter <= "\udfff"
        else letter
        for letter in text
    )


def _grants(caller: Caller, policy: Policy) -> list[dict[str, Any]]:
    """The uploader's grants that allow imports. The rows are handed over under these grants and no others."""
    return [
        {"role": grant.role, "scope": dict(grant.scope)}
        for grant in caller.grants
        if policy.decide(Caller(caller.actor, (grant,), caller.subject), ACTION_RUN).allowed
    ]


def uploader(job: Job) -> Caller:
    """Whose name the rows are handed over in."""
    return Caller(
        actor=job.actor,
        grants=tuple(Grant(grant["role"], grant["scope"]) for grant in job.grants),
        subject=job.person,
    )


async def next_to_do(tx: Tx) -> Job | None:
    """The oldest job that is accepted and not done."""
    states = [JobState.ACCEPTED.value, JobState.COMMITTING.value]
    query = (
        select(import_job.c.id)
        .where(import_job.c.state.in_(states))
        .order_by(import_job.c.recorded_at)
        .limit(1)
    )
    job = await tx.scalar(query)
    return None if job is None else await load(tx, JOB, job, lock=False)


async def carry_out(tx: Tx, job: str, command: Command) -> dict[str, Any]:
    """A command on the job; what the API shows of it afterwards."""
    await handle(tx, JOB, job, command)
    return await shown(tx, job)


async def contents_of(tx: Tx, job: Job) -> dict[str, bytes]:
    """The files of a job as they came, each checked against its digest."""
    contents: dict[str, bytes] = {}
    for entry in job.files:
        data = await tx.scalar(
            "SELECT content FROM app.import_file WHERE sha256 = :sha256", {"sha256": entry["sha256"]}
        )
        if data is None or file_digest(bytes(data)) != entry["sha256"]:
            raise conflict("file-damaged", f"the kept bytes of {entry['file']} are not those that came")
        contents[entry["file"]] = bytes(data)
    return contents
