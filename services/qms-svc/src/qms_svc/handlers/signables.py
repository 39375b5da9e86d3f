"""The kinds of signatures of this service: the approval of a change, the move of an effective date, the withdrawal of a
version.

Each is a command on an aggregate. Who must not sign is a rule of the policy file; that an account's person has left
is seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from plantkit.governing import statement
from servicekit.aggregates import carry_out, load
from servicekit.db import Tx
from servicekit.domain import NotFoundError
from servicekit.http.caller import Caller
from servicekit.policy import Parts
from servicekit.problems import forbidden, invalid
from servicekit.signing import Prepared, Signature, no_inputs

from qms_svc import outbound
from qms_svc.aggregates import CHANGE, DOCUMENT
from qms_svc.domain.change import Approve
from qms_svc.domain.control import Approval, Change, Control, check_approvable
from qms_svc.domain.document import (
    Document,
    MoveDate,
    Withdraw,
    check_move,
    check_signed_withdrawal,
    governing,
    version_of,
)
from qms_svc.domain.employment import has_left
from qms_svc.domain.version import Version
from qms_svc.projections import queries

APPROVAL = "change"
EFFECTIVE_DATE = "effective_date"
WITHDRAWAL = "withdrawal"
ACTION = "change.sign"
MEANINGS_OF_A_CHANGE = {
    "approve": "I approve this change: the document versions, the training decisions and the effective dates as shown.",
}
MEANINGS_OF_A_MOVE = {"approve": "I approve that this version takes effect at this place on the day shown."}
MEANINGS_OF_A_WITHDRAWAL = {"withdraw": "I withdraw this version: from now on it governs nowhere."}


class ChangeSignable:
    """The approval of a change (QM-02, QM-03): key its id, no inputs."""

    action = ACTION
    meanings = MEANINGS_OF_A_CHANGE

    async def load(
        self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Control:
        no_inputs(inputs)
        await _refuse_leaver(tx, caller)
        return await load(tx, CHANGE, (key, None), lock=lock)

    def parts(self, subject: Control) -> Parts:
        approvers = [approval.person for approval in subject.change.approvals]
        return {"author": wrote(subject.change), "approvers": approvers}

    def prepare(self, subject: Control, meaning: str, now: datetime) -> Prepared:
        check_approvable(subject, now)
        content = _content(subject)
        return Prepared(
            content=content,
            content_version=str(subject.change.version),
            meaning=meaning,
            meaning_text=self.meanings[meaning],
            display={"title": f"{subject.change.change}: {subject.change.title}", **content},
            time_zone="UTC",
        )

    async def apply(self, tx: Tx, subject: Control, signature: Signature) -> None:
        signed_at = outbound.instant(signature.signed_at) or ""
        approval = Approval(signature.signer, signature.meaning, signature.id, signed_at)
        await carry_out(tx, CHANGE, subject, Approve(approval))


@dataclass(frozen=True, slots=True)
class Target:
    """A version of a document, the change under which it was drafted, and for a move where and to which day."""

    document: Document
    version: Version
    change: Change | None
    place: str = ""
    on: date = date.min


class EffectiveDateSignable:
    """The move of an effective date (R-08): key `<document>/<version>`, inputs {place, on}, the site or `*` and the
    new local day. 409 `governs` once the version has taken effect at the place (R-76)."""

    action = ACTION
    meanings = MEANINGS_OF_A_MOVE

    async def load(
        self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Target:
        place, on = _place_and_day(inputs)
        await _refuse_leaver(tx, caller)
        return await _target(tx, key, place=place, on=on, lock=lock)

    def parts(self, subject: Target) -> Parts:
        return {"author": wrote(subject.change)}

    def prepare(self, subject: Target, meaning: str, now: datetime) -> Prepared:
        version, place, on = subject.version, subject.place, subject.on
        check_move(version, place, on, subject.document.sites, now)
        before = statement(version.effective, place)
        content = {
            "document": version.document,
            "version": version.number,
            "place": place,
            "on": outbound.day(on),
            "before": before
            and {"place": before.place, "on": outbound.day(before.on), "at": outbound.instant(before.at)},
        }
        return Prepared(
            content=content,
            content_version=f"{version.version}.{len(version.effective)}",
            meaning=meaning,
            meaning_text=self.meanings[meaning],
            display={"title": f"{version.document} v{version.number} at {place}", **content},
            time_zone="UTC",
        )

    async def apply(self, tx: Tx, subject: Target, signature: Signature) -> None:
        command = MoveDate(subject.version.number, subject.place, subject.on, signature.id)
        await carry_out(tx, DOCUMENT, subject.document, command)


class WithdrawalSignable:
    """The withdrawal of an approved version (R-09): key `<document>/<version>`, no inputs.

    It ends the version now, everywhere; the one before governs again where it governed (R-04). Its author may sign
    that, too: nothing is approved. A draft leaves its change without a signature.
    """

    action = ACTION
    meanings = MEANINGS_OF_A_WITHDRAWAL

    async def load(
        self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Target:
        no_inputs(inputs)
        await _refuse_leaver(tx, caller)
        return await _target(tx, key, lock=lock)

    def parts(self, subject: Target) -> Parts:
        return {"author": wrote(subject.change)}

    def prepare(self, subject: Target, meaning: str, now: datetime) -> Prepared:
        version = subject.version
        check_signed_withdrawal(version)
        content = {
            "document": version.document,
            "version": version.number,
            "change": version.change,
            "effective": [
                {"place": e.place, "on": outbound.day(e.on), "at": outbound.instant(e.at)}
                for e in version.effective
            ],
            "governs_at": _governs_at(subject.document, version.number, now),
        }
        return Prepared(
            content=content,
            content_version=str(version.version),
            meaning=meaning,
            meaning_text=self.meanings[meaning],
            display={"title": f"{version.document} v{version.number}", **content},
            time_zone="UTC",
        )

    async def apply(self, tx: Tx, subject: Target, signature: Signature) -> None:
        await carry_out(tx, DOCUMENT, subject.document, Withdraw(subject.version.number, signature.id))


SIGNABLES = {
    APPROVAL: ChangeSignable(),
    EFFECTIVE_DATE: EffectiveDateSignable(),
    WITHDRAWAL: WithdrawalSignable(),
}


def wrote(change: Change | None) -> list[str]:
    """Everybody who wrote on the change."""
    return [] if change is None else [change.author, *change.contributors]


async def _target(tx: Tx, key: str, *, lock: bool, **move: Any) -> Target:
    """The subject of a signature about a version; the key is `<document>/<version>`."""
    document_id, _, number = key.rpartition("/")
    if not document_id or not number.isdecimal() or len(number) > 7:
        raise NotFoundError("version", key)
    document = await load(tx, DOCUMENT, document_id, lock=lock)
    version = version_of(document, int(number))
    found = await queries.change(tx, version.change) if version.change else None
    return Target(document, version, found and found[0], **move)


async def _refuse_leaver(tx: Tx, caller: Caller) -> None:
    row = await tx.one(
        "SELECT employments FROM app.person WHERE person = :person", {"person": caller.subject}
    )
    if row is not None and has_left(row["employments"], tx.now):
        raise forbidden("separated", "who has left approves nothing any more")


def _place_and_day(inputs: Mapping[str, Any]) -> tuple[str, date]:
    if set(inputs) != {"place", "on"} or not isinstance(inputs["place"], str):
        raise invalid("inputs", "incomplete", "a move names place and on")
    try:
        return inputs["place"], date.fromisoformat(inputs["on"])
    except (TypeError, ValueError):
        raise invalid("inputs.on", "not-a-day", "a day is written YYYY-MM-DD") from None


def _governs_at(document: Document, number: int, at: datetime) -> list[str]:
    """The sites at which the version governs at the instant."""
    found = {
        site: governing(document.versions, document.retired, site, zone, at)
        for site, zone in document.sites.zones.items()
    }
    return sorted(site for site, here in found.items() if here is not None and here[0].number == number)


def _content(control: Control) -> dict[str, Any]:
    """Everything that the signature is to bind: the files by digest, decisions, dates, texts."""
    change = control.change
    return {
        "change": change.change,
        "change_title": change.title,
        "reason": change.change_reason,
        "risk_reason": change.risk_reason,
        "author": change.author,
        "versions": [
            {
                "document": version.document,
                "version": version.number,
                "change_class": outbound.text(version.change_class),
                "training_decision": outbound.text(version.training_decision),
                "effective": [
                    {"place": e.place, "on": outbound.day(e.on), "at": outbound.instant(e.at)}
                    for e in version.effective
                ],
                "ends": [{"place": e.place, "on": outbound.day(e.on)} for e in version.ends],
                "content": list(version.content),
                "sections": [section["id"] for section in version.sections],
                "sections_changed": version.sections_changed,
                "summary": version.summary,
                "minutes": version.minutes,
            }
            for version in control.versions
        ],
    }
