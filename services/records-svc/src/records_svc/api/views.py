"""Rows -> what the API shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from servicekit.db import Tx
from servicekit.signing import Signature

from records_svc.api import schemas
from records_svc.handlers.reading import Material, open_session, opened_in
from records_svc.handlers.shown import local
from records_svc.handlers.verification import verify
from records_svc.projections import queries
from records_svc.projections.documents import titles


async def reading(tx: Tx, read: Material, language: str | None) -> schemas.ReadingOut:
    file = read.file(language)
    zone = read.place.zone
    who, document, version = read.reader.person, read.document, read.version
    opened = await opened_in(tx, await open_session(tx, who, document.document, version.number, file.sha256))
    own = (read.reader.language or file.language).lower().split("-")[0]
    signed = await tx.rows(
        "SELECT r.record FROM app.training_record r LEFT JOIN app.error_mark m ON m.record = r.record"
        " WHERE r.person = :person AND r.item = :item AND r.number = :number AND m.record IS NULL"
        " ORDER BY r.completed_at DESC, r.record DESC LIMIT 20",
        {"person": who, "item": document.document, "number": version.number},
    )
    return schemas.ReadingOut(
        assignment=read.assignment.assignment if read.assignment else None,
        trigger=read.assignment.trigger if read.assignment else None,
        due_at=local(read.assignment.due_at, read.assignment.due_zone or zone)
        if read.assignment and read.assignment.due_at
        else None,
        person=who,
        document=document.document,
        version=version.number,
        title=document.title,
        summary=version.summary,
        minutes=version.minutes,
        change=version.change,
        content=schemas.FileOut(
            sha256=file.sha256, size=file.size, media_type=file.media_type, language=file.language
        ),
        languages=[each.language for each in version.content],
        in_own_language=file.language.lower().split("-")[0] == own,
        sections=[
            schemas.SectionOut(
                id=section.id,
                title=section.title,
                first_opened_at=local(opened[section.id].first_at, zone) if section.id in opened else None,
                last_opened_at=local(opened[section.id].last_at, zone) if section.id in opened else None,
            )
            for section in version.sections
        ],
        may_sign=all(section.id in opened for section in version.sections),
        signed=[str(row["record"]) for row in signed],
        place=read.place.site,
        time_zone=zone,
    )


def record_row(row: Mapping[Any, Any], titled: Mapping[str, str]) -> schemas.RecordRow:
    zone = row["time_zone"]
    return schemas.RecordRow(
        record=str(row["record"]),
        person=row["person"],
        item=row["item"],
        title=titled.get(row["item"]),
        version=row["number"],
        methods=row["methods"],
        result=row["result"],
        score=decimal(row["score"]),
        completed_at=local(row["completed_at"], zone),
        valid_from=local(row["valid_from"], zone),
        place=row["place"],
        time_zone=zone,
        source_class=row["source_class"],
        mark=row["mark"],
        evaluator=row["evaluator"],
        assignment=text(row["assignment"]),
        recorded_at=local(row["recorded_at"], zone),
    )


async def record(tx: Tx, row: Mapping[Any, Any]) -> schemas.RecordOut:
    """row: as `queries.record_row` gives it."""
    zone = row["time_zone"]
    signatures = await queries.signatures(tx, row)
    matches = await verify(tx, row, signatures)
    marked = row["marked_at"] is not None
    shown = schemas.RecordOut(
        record=str(row["record"]),
        person=row["person"],
        item=row["item"],
        title=(await titles(tx, [row["item"]])).get(row["item"]),
        version=row["number"],
        methods=row["methods"],
        result=row["result"],
        score=decimal(row["score"]),
        completed_at=local(row["completed_at"], zone),
        completed_at_utc=row["completed_at"],
        valid_from=local(row["valid_from"], zone),
        performed_at=local(row["performed_at"], zone) if row["performed_at"] else None,
        place=row["place"],
        time_zone=zone,
        source_class=row["source_class"],
        flags=[
            *([row["source_class"]] if row["source_class"] != "NATIVE" else []),
            *(["IN_ERROR"] if marked else []),
        ],
        assignment=text(row["assignment"]),
        evaluator=row["evaluator"],
        content=_content(row),
        late_entry=_late_entry(row, signatures),
        source=await _source(tx, row),
        signatures=[_signature(signature, matches[signature.id]) for signature in signatures],
        verified=all(matches.values()) if matches else None,
        corrections=await _corrections(tx, row),
        not_applicable={},
        recorded_at=local(row["recorded_at"], zone),
    )
    shown.not_applicable = _not_applicable(shown)
    return shown


def late_entry(row: Mapping[Any, Any]) -> schemas.LateEntryOut:
    """row: as `queries.late_entry_row` gives it."""
    return schemas.LateEntryOut(
        late_entry=str(row["late_entry"]),
        state=row["state"],
        person=row["person"],
        document=row["item"],
        version=row["number"],
        methods=row["methods"],
        result=row["result"],
        score=decimal(row["score"]),
        evaluator=row["evaluator"],
        ink_signed_at=local(row["ink_signed_at"], row["time_zone"]),
        place=row["place"],
        time_zone=row["time_zone"],
        scan_sha256=row["scan_sha256"],
        scan_media_type=row["scan_media_type"],
        scan_size=row["scan_size"],
        reason=row["entry_reason"],
        proposed_by=row["proposed_by"],
        corrects=text(row["corrects"]),
        record=text(row["record"]),
        refused_by=row["refused_by"],
        refusal_reason=row["refusal_reason"],
        recorded_at=row["recorded_at"],
    )


def text(value: object | None) -> str | None:
    return None if value is None else str(value)


def decimal(value: Decimal | None) -> str | None:
    """Without an exponent and without zeros that say nothing."""
    if value is None:
        return None
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _signature(signature: Signature, matches: bool) -> schemas.SignatureOut:
    return schemas.SignatureOut(
        id=signature.id,
        signer=signature.signer,
        printed_name=signature.printed_name,
        signed_at=local(signature.signed_at, signature.time_zone),
        signed_at_utc=signature.signed_at,
        time_zone=signature.time_zone,
        meaning=signature.meaning,
        meaning_text=signature.meaning_text,
        digest=signature.digest,
        auth_method=signature.auth_method,
        matches=matches,
    )


def _content(row: Mapping[Any, Any]) -> schemas.ContentOut | None:
    sections = row["sections"]
    if not sections:
        return None
    zone = row["time_zone"]
    return schemas.ContentOut(
        sha256=row["content_sha256"],
        language=row["language"],
        first_opened_at=local(min(s["first_opened_at"] for s in sections), zone),
        last_opened_at=local(max(s["last_opened_at"] for s in sections), zone),
        sections=[
            schemas.SectionOut(
                id=s["id"],
                title=s["title"],
                first_opened_at=local(s["first_opened_at"], zone),
                last_opened_at=local(s["last_opened_at"], zone),
            )
            for s in sections
        ],
    )


def _late_entry(row: Mapping[Any, Any], signatures: Sequence[Signature]) -> schemas.LateEntryShown | None:
    if row["late_entry"] is None:
        return None
    return schemas.LateEntryShown(
        late_entry=str(row["late_entry"]),
        ink_signed_at=local(row["ink_signed_at"], row["time_zone"]),
        scan_sha256=row["scan_sha256"],
        scan_media_type=row["scan_media_type"],
        scan_size=row["scan_size"],
        reason=row["entry_reason"],
        entered_by=row["entered_by"],
        second_person=signatures[0].signer,
    )


async def _source(tx: Tx, row: Mapping[Any, Any]) -> schemas.SourceOut | None:
    if row["source_record"] is None:
        return None
    file = await tx.one(
        "SELECT file, accepted_by FROM app.import_file WHERE batch = :batch AND file_sha256 = :sha256",
        {"batch": row["source_batch"], "sha256": row["source_file_sha256"]},
    )
    assert file is not None
    return schemas.SourceOut(
        source_record=row["source_record"],
        batch=row["source_batch"],
        file=file["file"],
        file_sha256=row["source_file_sha256"],
        line=row["source_line"],
        completed_at_text=row["completed_at_text"],
        zone_rule=row["zone_rule"],
        counts=row["counts"],
        accepted_by=file["accepted_by"],
    )


async def _corrections(tx: Tx, row: Mapping[Any, Any]) -> schemas.CorrectionsOut:
    proposed = await queries.open_proposal(tx, str(row["record"]))
    return schemas.CorrectionsOut(
        entered_in_error=None
        if row["marked_at"] is None
        else schemas.MarkOut(
            proposal=str(row["mark_proposal"]),
            reason=row["error_reason"],
            proposed_by=row["proposed_by"],
            marked_at=local(row["marked_at"], row["time_zone"]),
            marked_by=row["marked_by"],
        ),
        proposed=None
        if proposed is None
        else schemas.MarkOut(
            proposal=str(proposed["proposal"]),
            reason=proposed["error_reason"],
            proposed_by=proposed["proposed_by"],
            marked_at=None,
            marked_by=None,
        ),
        corrects=text(row["corrects"]),
        corrected_by=list(await queries.corrected_by(tx, str(row["record"]))),
    )


_BY_SOURCE = {
    "NATIVE": "made and signed here, at the time",
    "LATE_ENTRY": "entered late from paper: see late_entry",
    "MIGRATED": "migrated from another system: see source",
}


def _not_applicable(shown: schemas.RecordOut) -> dict[str, str]:
    """Why each empty field is empty (SR-01: non-null or explicitly not applicable)."""
    origin = _BY_SOURCE[shown.source_class]
    reasons = {
        "score": "no quiz was scored",
        "performed_at": "performed when it was completed",
        "assignment": "voluntary: no assignment was open" if shown.source_class != "MIGRATED" else origin,
        "evaluator": "reading has no evaluator" if shown.methods == ["R"] else f"none was recorded; {origin}",
        "content": origin,
        "late_entry": origin,
        "source": origin,
        "place": f"not stated; {origin}",
        "time_zone": f"not stated; {origin}",
        "title": "the document is not known here",
        "verified": f"it bears no signature; {origin}",
    }
    empty = {name for name in reasons if getattr(shown, name) is None}
    if not shown.signatures:
        reasons["signatures"] = origin
        empty.add("signatures")
    return {name: reasons[name] for name in sorted(empty)}
