"""The signed move of an effective date (R-08): signing kind `effective_date`, meaning `approve`.

key: `<document>/<version>`; inputs: {place, on}, the site or `*` and the new local day. There is no other way to move
one; 409 `governs` once the version has taken effect at the place (R-76).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from plantkit.governing import statement
from servicekit.bus.outbox import claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.problems import invalid
from servicekit.signing import Prepared, Signature, Statement, insert_signature

from qms_svc import outbound
from qms_svc.db import queries
from qms_svc.domain.document import check_move
from qms_svc.domain.errors import RuleError, StateError
from qms_svc.handlers import versions
from qms_svc.handlers.announcing import document_subject
from qms_svc.handlers.approval import refuse_leaver
from qms_svc.handlers.problems import problem_of

KIND = "effective_date"
MEANINGS = {"approve": "I approve that this version takes effect at this place on the day shown."}


class EffectiveDateSignable:
    """What who moves a date is shown: the day that stands and the day that is to stand."""

    action = "change.sign"

    async def prepare(
        self, tx: Tx, caller: Caller, key: str, meaning: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Prepared:
        if meaning not in MEANINGS:
            raise invalid("meaning", "unknown", f"one of {', '.join(MEANINGS)}")
        document, number = versions.key_of(key)
        place, on = _inputs(inputs)
        if lock:
            await claim(tx, [document_subject(document)])
        stored = await versions.version_of(tx, document, number)
        mover = caller.subject or ""
        await refuse_leaver(tx, mover)
        await versions.not_by_its_author(tx, stored, mover)
        now = tx.recorded_at if lock else tx.now
        try:
            check_move(stored.version, place, on, await queries.sites(tx), now)
        except (RuleError, StateError) as error:
            raise (problem_of(error) or error) from error
        before = statement(stored.effective, place)
        content = {
            "document": document,
            "version": number,
            "place": place,
            "on": outbound.day(on),
            "before": before
            and {"place": before.place, "on": outbound.day(before.on), "at": outbound.instant(before.at)},
        }
        return Prepared(
            content=content,
            content_version=f"{stored.row['version']}.{len(stored.effective)}",
            meaning=meaning,
            meaning_text=MEANINGS[meaning],
            display={"title": f"{document} v{number} at {place}", **content},
            time_zone="UTC",
        )

    async def apply(
        self,
        tx: Tx,
        caller: Caller,
        key: str,
        inputs: Mapping[str, Any],
        prepared: Prepared,
        statement: Statement,
    ) -> Signature:
        document, number = versions.key_of(key)
        place, on = _inputs(inputs)
        await claim(tx, [document_subject(document)])
        signature = await insert_signature(tx, KIND, key, prepared, statement)
        await versions.move(tx, document, number, place, on, statement.signer, signature.id)
        return signature


def _inputs(inputs: Mapping[str, Any]) -> tuple[str, date]:
    if set(inputs) != {"place", "on"} or not isinstance(inputs["place"], str):
        raise invalid("inputs", "incomplete", "a move names place and on")
    try:
        return inputs["place"], date.fromisoformat(inputs["on"])
    except (TypeError, ValueError):
        raise invalid("inputs.on", "not-a-day", "a day is written YYYY-MM-DD") from None
