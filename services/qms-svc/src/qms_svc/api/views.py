"""Stored rows -> what the API shows, the derived status of each place included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from plantkit.sites import EVERYWHERE, Sites
from servicekit.db import Tx
from servicekit.signing import Signature

from qms_svc.api import schemas
from qms_svc.db import queries
from qms_svc.domain.document import Version, VersionState, governing, upcoming


def version(
    stored: queries.Stored,
    document: queries.StoredDocument | None,
    sites: Sites,
    now: datetime,
) -> schemas.VersionOut:
    row = stored.row
    retired = document is not None and is_retired(document, sites, now)
    state = VersionState.RETIRED.value if retired and row["state"] == VersionState.APPROVED else row["state"]
    return schemas.VersionOut(
        document=row["document"],
        version=row["number"],
        revision=row["version"],
        state=state,
        effective=[
            schemas.EffectiveOut(
                place=entry.place,
                on=entry.on,
                at=entry.at,
                at_approval=entry.on is None and entry.at is None,
                recorded_at=entry.recorded_at,
            )
            for entry in stored.effective
        ],
        ends=[schemas.EndOut(place=end.place, on=end.on) for end in stored.ends],
        places=[] if document is None else _places(stored.version, document, sites, now),
        **{name: row[name] for name in _SAME},
    )


_SAME = (
    "change_class",
    "training_decision",
    "change",
    "approved_at",
    "approved_on",
    "withdrawn_at",
    "content",
    "sections",
    "sections_changed",
    "summary",
    "minutes",
    "source_class",
    "recorded_at",
)


def _places(
    stored: Version, document: queries.StoredDocument, sites: Sites, now: datetime
) -> list[schemas.PlaceStatus]:
    if stored.state in (VersionState.DRAFT, VersionState.IN_REVIEW):
        return []
    shown: list[schemas.PlaceStatus] = []
    versions = [v.version for v in document.versions]
    for site, zone in sorted(sites.zones.items()):
        since = stored.effective_at(site, zone)
        if since is None:
            continue
        found = governing(versions, document.retired, site, zone, now)
        if stored.state == VersionState.WITHDRAWN:
            status = "WITHDRAWN"
        elif found is not None and found[0].number == stored.number:
            status = "EFFECTIVE"
        else:
            status = "APPROVED_FOR_TRAINING" if since > now else "SUPERSEDED"
        shown.append(schemas.PlaceStatus(place=site, status=status, effective_at=_local(since, zone)))
    return shown


def document(
    stored: queries.StoredDocument,
    sites: Sites,
    titles: Mapping[str, str],
    now: datetime,
    *,
    drafts: bool,
) -> schemas.DocumentOut:
    """drafts: whether versions that nobody approved yet are shown."""
    row = stored.row
    versions = [v.version for v in stored.versions]
    places: list[schemas.GoverningAt] = []
    for site, zone in sorted(sites.zones.items()):
        here = governing(versions, stored.retired, site, zone, now)
        following = upcoming(versions, stored.retired, site, zone, now)
        places.append(
            schemas.GoverningAt(
                place=site,
                title=titles[site],
                time_zone=zone,
                governing_version=here and here[0].number,
                since=here and _local(here[1], zone),
                next_version=following and following[0].number,
                next_from=following and _local(following[1], zone),
            )
        )
    return schemas.DocumentOut(
        **{name: row[name] for name in _DOCUMENT},
        revision=row["version"],
        retired=[schemas.Retired(place=place, on=on) for place, on in stored.retired.items()],
        places=places,
        versions=[
            version(v, stored, sites, now)
            for v in stored.versions
            if drafts or v.row["approved_at"] or v.row["approved_on"]
        ],
    )


_DOCUMENT = (
    "document",
    "title",
    "document_type",
    "framework",
    "category",
    "owner_department",
    "source_class",
    "recorded_at",
)


def is_retired(stored: queries.StoredDocument, sites: Sites, now: datetime) -> bool:
    """Whether the document governs nowhere any more: its day of retirement has begun at every known site."""
    everywhere = stored.retired.get(EVERYWHERE)
    if not sites.zones:
        return everywhere is not None and everywhere <= sites.latest_today(now, [])
    days = {site: stored.retired.get(site, everywhere) for site in sites.zones}
    return all(day is not None and sites.start_of_day(site, day) <= now for site, day in days.items())


def change_row(
    row: Mapping[str, Any], versions: Sequence[queries.Stored], progress: Mapping[str, int]
) -> schemas.ChangeRow:
    return schemas.ChangeRow(**_change(row, versions, progress))


def change(
    row: Mapping[str, Any],
    versions: Sequence[queries.Stored],
    documents: Mapping[str, queries.StoredDocument],
    progress: Mapping[str, int],
    signatures: Sequence[Signature],
    sites: Sites,
    now: datetime,
) -> schemas.ChangeOut:
    by_id = {signature.id: signature for signature in signatures}
    return schemas.ChangeOut(
        **_change(row, versions, progress),
        contributors=row["contributors"],
        approvals=[
            schemas.ApprovalOut(
                person=approval["person"],
                printed_name=by_id[approval["signature"]].printed_name,
                meaning=approval["meaning"],
                meaning_text=by_id[approval["signature"]].meaning_text,
                signature=approval["signature"],
                signed_at=by_id[approval["signature"]].signed_at,
                time_zone=by_id[approval["signature"]].time_zone,
            )
            for approval in row["approvals"]
        ],
        versions=[version(v, documents.get(v.row["document"]), sites, now) for v in versions],
    )


def _change(
    row: Mapping[str, Any], versions: Sequence[queries.Stored], progress: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "change": row["change"],
        "revision": row["version"],
        "title": row["title"],
        "reason": row["change_reason"],
        "risk_reason": row["risk_reason"],
        "state": row["state"],
        "author": row["author"],
        "required_approvals": row["required_approvals"],
        "approved_at": row["approved_at"],
        "recorded_at": row["recorded_at"],
        "documents": [f"{v.row['document']}/{v.number}" for v in versions],
        "progress": schemas.Progress(**progress),
    }


async def site_titles(tx: Tx) -> dict[str, str]:
    return {row["site"]: row["title"] for row in await tx.rows("SELECT site, title FROM app.site")}


def _local(at: datetime, zone: str) -> datetime:
    """With the offset of the place."""
    return at.astimezone(ZoneInfo(zone))
