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
from qms_svc.domain.control import Change, Control
from qms_svc.domain.document import Document, governing, upcoming
from qms_svc.domain.version import Version, VersionState


def version(
    stored: Version,
    document: Document | None,
    sites: Sites,
    now: datetime,
) -> schemas.VersionOut:
    retired = document is not None and is_retired(document, sites, now)
    state: Any = str(
        VersionState.RETIRED if retired and stored.state == VersionState.APPROVED else stored.state
    )
    return schemas.VersionOut(
        document=stored.document,
        version=stored.number,
        revision=stored.version,
        state=state,
        effective=[
            schemas.EffectiveOut(
                place=entry.place,
                on=entry.on,
                at=entry.at,
                at_approval=entry.on is None and entry.at is None,
                recorded_at=entry.recorded_at or stored.recorded_at,
            )
            for entry in stored.effective
        ],
        ends=[schemas.EndOut(place=end.place, on=end.on) for end in stored.ends],
        places=[] if document is None else _places(stored, document, sites, now),
        **{name: _text(getattr(stored, name)) for name in ("change_class", "training_decision")},
        **{name: getattr(stored, name) for name in _SAME},
    )


_SAME = (
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


def _places(stored: Version, document: Document, sites: Sites, now: datetime) -> list[schemas.PlaceStatus]:
    if stored.state in (VersionState.DRAFT, VersionState.IN_REVIEW):
        return []
    shown: list[schemas.PlaceStatus] = []
    for site, zone in sorted(sites.zones.items()):
        since = stored.effective_at(site, zone)
        if since is None:
            continue
        found = governing(document.versions, document.retired, site, zone, now)
        if stored.state == VersionState.WITHDRAWN:
            status = "WITHDRAWN"
        elif found is not None and found[0].number == stored.number:
            status = "EFFECTIVE"
        else:
            status = "APPROVED_FOR_TRAINING" if since > now else "SUPERSEDED"
        shown.append(schemas.PlaceStatus(place=site, status=status, effective_at=_local(since, zone)))
    return shown


def document(
    stored: Document,
    sites: Sites,
    titles: Mapping[str, str],
    now: datetime,
    *,
    drafts: bool,
) -> schemas.DocumentOut:
    """drafts: whether versions that nobody approved yet are shown."""
    places: list[schemas.GoverningAt] = []
    for site, zone in sorted(sites.zones.items()):
        here = governing(stored.versions, stored.retired, site, zone, now)
        following = upcoming(stored.versions, stored.retired, site, zone, now)
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
        **{name: getattr(stored, name) for name in _DOCUMENT},
        revision=stored.version,
        retired=[schemas.Retired(place=place, on=on) for place, on in stored.retired.items()],
        places=places,
        versions=[
            version(v, stored, sites, now)
            for v in stored.versions
            if drafts or v.approved_at or v.approved_on
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


def is_retired(stored: Document, sites: Sites, now: datetime) -> bool:
    """Whether the document governs nowhere any more: its day of retirement has begun at every known site."""
    everywhere = stored.retired.get(EVERYWHERE)
    if not sites.zones:
        return everywhere is not None and everywhere <= sites.latest_today(now, [])
    days = {site: stored.retired.get(site, everywhere) for site in sites.zones}
    return all(day is not None and sites.start_of_day(site, day) <= now for site, day in days.items())


def change_row(stored: Change, versions: Sequence[Version], progress: Mapping[str, int]) -> schemas.ChangeRow:
    return schemas.ChangeRow(**_change(stored, versions, progress))


def change(
    control: Control, progress: Mapping[str, int], signatures: Sequence[Signature], now: datetime
) -> schemas.ChangeOut:
    by_id = {signature.id: signature for signature in signatures}
    return schemas.ChangeOut(
        **_change(control.change, control.versions, progress),
        contributors=sorted(control.change.contributors),
        approvals=[
            schemas.ApprovalOut(
                person=approval.person,
                printed_name=by_id[approval.signature].printed_name,
                meaning=approval.meaning,
                meaning_text=by_id[approval.signature].meaning_text,
                signature=approval.signature,
                signed_at=by_id[approval.signature].signed_at,
                time_zone=by_id[approval.signature].time_zone,
            )
            for approval in control.change.approvals
        ],
        versions=[
            version(v, control.documents.get(v.document), control.sites, now) for v in control.versions
        ],
    )


def _change(stored: Change, versions: Sequence[Version], progress: Mapping[str, int]) -> dict[str, Any]:
    return {
        "change": stored.change,
        "revision": stored.version,
        "title": stored.title,
        "reason": stored.change_reason,
        "risk_reason": stored.risk_reason,
        "state": str(stored.state),
        "author": stored.author,
        "required_approvals": stored.required_approvals,
        "approved_at": stored.approved_at,
        "recorded_at": stored.recorded_at,
        "documents": [version.name for version in versions],
        "progress": schemas.Progress(**progress),
    }


async def site_titles(tx: Tx) -> dict[str, str]:
    return {row["site"]: row["title"] for row in await tx.rows("SELECT site, title FROM app.site")}


def _local(at: datetime, zone: str) -> datetime:
    """With the offset of the place."""
    return at.astimezone(ZoneInfo(zone))


def _text(value: str | None) -> Any:
    return None if value is None else str(value)
