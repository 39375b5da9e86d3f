"""Training history (C-33): legacy records, taken as MIGRATED (R-62). The first reason for a refusal is the only one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from whenever import OffsetDateTime, PlainDateTime, RepeatedTime, SkippedTime

from plantfiles.fields import Fields, whole_number
from plantfiles.index import Index
from plantfiles.people import known_person
from plantfiles.reasons import Reason
from plantfiles.rows import HistoryRecord, Person

if TYPE_CHECKING:
    from plantfiles.check import Origin

SITE_RULE = "site"
"""Zone rule: a time without offset is of the zone of the person's site. Any other rule is the name of a zone."""

_LOCAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
_PLAIN = re.compile(_LOCAL)
_OFFSET = re.compile(_LOCAL + r"(?:Z|\+(?:0[0-9]|1[0-4])(?::[0-5][0-9])?|-(?:0[0-9]|1[0-2])(?::[0-5][0-9])?)")
_SCORE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")
_METHODS = {"read": "R", "quiz": "Q", "ojt": "O"}
_ORDER = "RQO"


def rule(export_date: date, zone_rule: str | None) -> Callable[[Fields, Index, Origin], HistoryRecord | None]:
    """The rule for one import. export_date: no record is later than this local day. zone_rule: for times without
    offset: None = refuse them, `site`, or the name of a zone."""

    def record(row: Fields, index: Index, origin: Origin) -> HistoryRecord | None:
        return _record(row, index, origin, export_date, zone_rule)

    return record


def _record(
    row: Fields, index: Index, origin: Origin, export_date: date, zone_rule: str | None
) -> HistoryRecord | None:
    person = known_person(row, index)
    if person is None:
        return None
    document = row["document"]
    if document not in index.documents:
        return row.refuse("document", Reason.DOCUMENT_UNKNOWN)
    number = whole_number(row["version"])
    version = index.versions.get((document, number)) if number else None
    if version is None:
        return row.refuse("version", Reason.VERSION_UNKNOWN)
    zone = index.sites[person.site].time_zone
    rule_zone = zone if zone_rule == SITE_RULE else zone_rule
    moment, by_rule = _moment(row, rule_zone)
    if moment is None:
        return None
    local = moment.to_tz(zone)
    if local.offset != moment.offset and by_rule is None:
        row.warn("completed_at", Reason.OFFSET_NOT_OF_ZONE, zone)
    local_day = local.date().to_stdlib()
    if local_day < version.approved_on:
        return row.refuse("completed_at", Reason.BEFORE_APPROVAL, f"approved on {version.approved_on}")
    if local_day > export_date:
        return row.refuse("completed_at", Reason.AFTER_EXPORT, f"exported on {export_date}")
    evaluator = row["evaluator_no"]
    if evaluator and evaluator == person.employee_no:
        return row.refuse("evaluator_no", Reason.EVALUATOR_IS_TRAINEE)
    score = _score(row["score"])
    if row["score"] and score is None:
        return row.refuse("score", Reason.SCORE_INVALID)
    methods = _methods(row["method"])
    if methods is None:
        return row.refuse("method", Reason.METHOD_UNKNOWN)
    if not row["source_record"].strip():
        return row.refuse("source_record", Reason.VALUE_MISSING)
    source_record = row.text("source_record")
    if evaluator:
        row.id("evaluator_no")
    if row.refused or source_record is None:
        return None
    _warn_of_employment(row, person, local_day)
    if "O" in methods and not evaluator:
        row.warn("evaluator_no", Reason.OJT_WITHOUT_EVALUATOR)
    elif evaluator and evaluator not in index.people:
        row.warn("evaluator_no", Reason.EVALUATOR_UNKNOWN)
    if "Q" in methods and score is None:
        row.warn("score", Reason.QUIZ_WITHOUT_SCORE)
    return HistoryRecord(
        **origin,
        employee_no=person.employee_no,
        document=document,
        version=version.version,
        completed_at=moment.to_stdlib(),
        completed_at_text=row["completed_at"],
        methods=methods,
        score=score,
        evaluator_no=evaluator or None,
        source_record=source_record,
        site=person.site,
        time_zone=zone,
        zone_rule=by_rule,
    )


def needs_zone_rule(completed_at: str) -> bool:
    """Whether a time says no offset, so that the zone rule is part of what the row says."""
    return _PLAIN.fullmatch(completed_at) is not None


def _moment(row: Fields, rule_zone: str | None) -> tuple[OffsetDateTime | None, str | None]:
    """The instant as written, and the zone that gave its offset if the row did not."""
    text = row["completed_at"]
    try:
        if _OFFSET.fullmatch(text) and not text.endswith(("-00", "-00:00")):
            return OffsetDateTime.parse_iso(text), None
        plain = PlainDateTime.parse_iso(text) if needs_zone_rule(text) else None
    except ValueError:
        plain = None
    if plain is None:
        row.refuse("completed_at", Reason.NOT_A_DATE_TIME)
        return None, None
    if rule_zone is None:
        row.refuse("completed_at", Reason.NO_OFFSET)
        return None, None
    try:
        return plain.assume_tz(rule_zone, disambiguation="raise").to_fixed_offset(), rule_zone
    except SkippedTime:
        row.refuse("completed_at", Reason.TIME_SKIPPED, rule_zone)
    except RepeatedTime:
        row.refuse("completed_at", Reason.TIME_REPEATED, rule_zone)
    return None, None


def _score(text: str) -> Decimal | None:
    if not _SCORE.fullmatch(text):
        return None
    score = Decimal(text)
    return score if score <= 100 else None


@cache
def _methods(text: str) -> tuple[str, ...] | None:
    words = text.split("+")
    if len(set(words)) != len(words) or not set(words) <= _METHODS.keys():
        return None
    return tuple(sorted((_METHODS[word] for word in words), key=_ORDER.index))


def _warn_of_employment(row: Fields, person: Person, local_day: date) -> None:
    if local_day < person.hired_on:
        row.warn("completed_at", Reason.BEFORE_HIRE, f"hired on {person.hired_on}")
    elif person.ended_on is not None and local_day >= person.ended_on:
        row.warn("completed_at", Reason.AFTER_EMPLOYMENT, f"ended on {person.ended_on}")
