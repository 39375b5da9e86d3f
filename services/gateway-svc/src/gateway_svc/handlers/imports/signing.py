"""Acceptance of an import: kind `import_batch`, key = job, meaning `accept`, signed by two different people.

The signature binds the files by digest, the parameters, what is taken and refused of each file, and the policy that
migrated records may allow, or may not (C-36, R-62). With the second one the batch becomes the signed baseline (R-35).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from servicekit.aggregates import carry_out, load
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import is_uuid
from servicekit.policy import Parts, Policy
from servicekit.problems import conflict, forbidden, not_found
from servicekit.signing import Prepared, Signature, no_inputs

from gateway_svc.db import import_rows
from gateway_svc.db.import_rows import utc
from gateway_svc.domain.import_job import UNDER_WAY, Accept, Acceptance, Job, check_acceptable
from gateway_svc.handlers.imports.jobs import ACTION_ACCEPT, JOB

KIND = "import_batch"
ACCEPT = "accept"
MEANINGS = {
    ACCEPT: "I accept these files as the baseline: the rows as counted are taken over from the former system,"
    " and its training records count as evidence.",
}
WITHOUT_RECORDS = (
    "I accept these files as the baseline: the rows as counted are taken over from the former system;"
    " its training records are kept and shown, and allow nobody to work."
)
"""The meaning where the policy is that migrated records do not count."""


@dataclass(frozen=True, slots=True)
class Batch:
    """An import job with its report; `other` is another job whose rows are on their way, `known` counts the rows that
    were taken since the check."""

    job: Job
    report: Mapping[Any, Any]
    other: Mapping[Any, Any] | None
    known: int


class ImportBatchSignable:
    """No inputs. The one who uploaded may be one of the two."""

    action = ACTION_ACCEPT
    meanings = MEANINGS

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def load(self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool) -> Batch:
        no_inputs(inputs)
        if not is_uuid(key):
            raise not_found("import", key)
        if lock:
            # Two second signatures of two jobs at once: one of them has to see the other.
            await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('import', 0))")
        job = await load(tx, JOB, key, lock=lock)
        if not self._policy.decide(caller, ACTION_ACCEPT, {}).allowed:
            raise forbidden(
                "scope", f"an import concerns every site: this needs {ACTION_ACCEPT} without a scope"
            )
        report = await tx.one("SELECT * FROM app.import_report WHERE job = CAST(:job AS uuid)", {"job": key})
        assert report is not None
        other = await tx.one(
            "SELECT id, state FROM app.import_job WHERE state = ANY(:states) AND id <> :job",
            {"states": [state.value for state in UNDER_WAY], "job": key},
        )
        return Batch(job, report, other, await import_rows.count(tx))

    def parts(self, subject: Batch) -> Parts:
        return {"accepted_by": [acceptance.person for acceptance in subject.job.accepted_by]}

    def prepare(self, subject: Batch, meaning: str, now: datetime) -> Prepared:
        job, report = subject.job, subject.report
        _check(subject)
        counted = ("file", "sha256", "rows", "taken", "refused", "identical")
        content = {
            "job": job.id,
            "acceptance_digest": job.acceptance_digest,
            "batch_digest": job.batch_digest,
            "plan_digest": job.plan_digest,
            "export_date": job.export_date.isoformat(),
            "zone_rule": job.zone_rule,
            "files": [{name: file[name] for name in counted} for file in report["files"]],
            "findings": report["severities"],
            "open_questions": len(report["questions"]),
            "migrated_counts": job.migrated_counts,
            "uploaded_by": job.person or job.actor,
        }
        return Prepared(
            content=content,
            # The version is left out: the first signature raises it, and the second signature accepts the same content.
            content_version=job.acceptance_digest,
            meaning=meaning,
            meaning_text=MEANINGS[meaning] if job.migrated_counts else WITHOUT_RECORDS,
            display={"title": f"Import of {len(job.files)} files", **content},
            time_zone="UTC",
        )

    async def apply(self, tx: Tx, subject: Batch, signature: Signature) -> None:
        acceptance = Acceptance(signature.signer, signature.id, utc(signature.signed_at))
        needed = self._policy.actors_needed(ACTION_ACCEPT, KIND)
        await carry_out(tx, JOB, subject.job, Accept(acceptance, needed, tx.context.correlation))


def _check(batch: Batch) -> None:
    job, other = batch.job, batch.other
    check_acceptable(job)
    if other is not None:
        raise conflict("another-import", f"import {other['id']} is {other['state']}: end that one first")
    if batch.known != job.known_rows:
        raise conflict("stale", "another import was taken since these files were checked: upload them again")
