"""The signed withdrawal of an approved version (R-09): signing kind `withdrawal`, meaning `withdraw`.

key: `<document>/<version>`; no inputs. It ends the version now, everywhere; the one before governs again where it
governed (R-04). Who wrote it may sign that, too: nothing is approved. A draft leaves its change without a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from plantkit.sites import Sites
from servicekit.bus.outbox import claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.problems import conflict, invalid, not_found
from servicekit.signing import Prepared, Signature, Statement, insert_signature

from qms_svc import outbound
from qms_svc.db import queries
from qms_svc.domain.document import check_withdraw, governing
from qms_svc.domain.errors import StateError
from qms_svc.handlers import versions
from qms_svc.handlers.announcing import document_subject
from qms_svc.handlers.approval import refuse_leaver
from qms_svc.handlers.documents import locked
from qms_svc.handlers.problems import problem_of

KIND = "withdrawal"
MEANINGS = {"withdraw": "I withdraw this version: from now on it governs nowhere."}


class WithdrawalSignable:
    """What who withdraws is shown: the version, and where it governs at that moment."""

    action = "change.sign"

    async def prepare(
        self, tx: Tx, caller: Caller, key: str, meaning: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Prepared:
        if meaning not in MEANINGS:
            raise invalid("meaning", "unknown", f"one of {', '.join(MEANINGS)}")
        if inputs:
            raise invalid("inputs", "unknown", "a withdrawal has no inputs")
        document, number = versions.key_of(key)
        if lock:
            await claim(tx, [document_subject(document)])
        await refuse_leaver(tx, caller.subject or "")
        found = await locked(tx, document)
        stored = found.stored(number)
        if stored is None:
            raise not_found("version", key)
        if queries.is_unapproved(stored.row):
            raise conflict(
                "not-approved", f"{document} v{number} is a draft: it is withdrawn without a signature"
            )
        try:
            check_withdraw(stored.version)
        except StateError as error:
            raise (problem_of(error) or error) from error
        now = tx.recorded_at if lock else tx.now
        content = {
            "document": document,
            "version": number,
            "change": stored.row["change"],
            "effective": [
                {"place": e.place, "on": outbound.day(e.on), "at": outbound.instant(e.at)}
                for e in stored.version.effective
            ],
            "governs_at": _places(found, number, await queries.sites(tx), now),
        }
        return Prepared(
            content=content,
            content_version=str(stored.row["version"]),
            meaning=meaning,
            meaning_text=MEANINGS[meaning],
            display={"title": f"{document} v{number}", **content},
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
        await claim(tx, [document_subject(document)])
        signature = await insert_signature(tx, KIND, key, prepared, statement)
        await versions.withdraw(tx, document, number, signature.id)
        return signature


def _places(document: queries.StoredDocument, number: int, sites: Sites, at: datetime) -> list[str]:
    """The sites at which the version governs at the instant."""
    versions = [stored.version for stored in document.versions]
    found = {
        site: governing(versions, document.retired, site, zone, at) for site, zone in sites.zones.items()
    }
    return sorted(site for site, here in found.items() if here is not None and here[0].number == number)
