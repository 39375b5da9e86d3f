"""Records made in error (R-34, SR-03): one person proposes the mark, a second one signs it.

Signing kind `record_error`, meaning `mark_in_error`, key the record's id, no inputs. Nothing is changed or deleted:
the record is shown for ever, with the mark beside it, and counts never again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from plantkit.scope import resource_of
from servicekit.aggregates import carry_out, load
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import is_uuid
from servicekit.policy import Parts, Policy
from servicekit.problems import not_found
from servicekit.signing import Prepared, Signature, no_inputs

from records_svc import outbound
from records_svc.aggregates import MARK
from records_svc.domain import correction as rules
from records_svc.domain.correction import Confirm, Mark, open_proposal
from records_svc.domain.vocabulary import MARK_IN_ERROR, MEANING_TEXTS
from records_svc.handlers.late_entries import signer_zone
from records_svc.handlers.shown import local
from records_svc.projections import queries

ACTION = "record.mark_in_error"


async def existing(tx: Tx, record: str) -> Mapping[Any, Any]:
    row = await queries.record_row(tx, record) if is_uuid(record) else None
    if row is None:
        raise not_found("record", record)
    return row


def content_of(
    row: Mapping[Any, Any], record_digest: str | None, proposal: Mapping[Any, Any]
) -> dict[str, Any]:
    """The content that the signature binds, from the stored record and proposal. record_digest: of the signature that made
    the record."""
    return rules.signed_content(
        {
            **row,
            "record": str(row["record"]),
            "version": row["number"],
            "methods": list(row["methods"]),
            "completed_at": outbound.instant(row["completed_at"]),
        },
        record_digest,
        {**proposal, "proposal": str(proposal["proposal"])},
    )


MEANINGS = {MARK_IN_ERROR: MEANING_TEXTS[MARK_IN_ERROR]}


@dataclass(frozen=True, slots=True)
class Examined:
    """A record with its proposed mark, and the zone of the one who examines it."""

    mark: Mark
    zone: str


class ErrorMarkSignable:
    """The content for the second person, and the mark that the signature makes. No inputs."""

    action = ACTION
    meanings = MEANINGS

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def load(
        self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Examined:
        no_inputs(inputs)
        mark = await load(tx, MARK, key, lock=lock)
        self._policy.require(caller, ACTION, await resource_of(tx, mark.row["person"]))
        return Examined(mark, await signer_zone(tx, caller.subject or ""))

    def parts(self, subject: Examined) -> Parts:
        return parts_of(subject.mark.row) | {"proposer": open_proposal(subject.mark).proposed_by}

    def prepare(self, subject: Examined, meaning: str, now: datetime) -> Prepared:
        mark, row = subject.mark, subject.mark.row
        proposal = open_proposal(mark)
        content = content_of(row, mark.signatures[0].digest if mark.signatures else None, asdict(proposal))
        return Prepared(
            content=content,
            content_version=f"proposal {proposal.proposal}",
            meaning=meaning,
            meaning_text=self.meanings[meaning],
            display={
                "title": f"Made in error: {row['person']}, {row['item']} version {row['number']}",
                **content,
                "completed_at": local(row["completed_at"], row["time_zone"]),
            },
            time_zone=subject.zone,
        )

    async def apply(self, tx: Tx, subject: Examined, signature: Signature) -> None:
        await carry_out(tx, MARK, subject.mark, Confirm(signature))


def parts_of(row: Mapping[Any, Any]) -> dict[str, str | None]:
    """The people who made the record, as trainee or evaluator."""
    return {"person": row["person"], "evaluator": row["evaluator"]}
