"""`training_history.csv`: legacy records (C-33), taken as MIGRATED (R-62).

Of several reasons for a refusal only the first is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from whenever import OffsetDateTime, PlainDateTime, RepeatedTime, SkippedTime

from plantfiles.fields import Fields, whole_number
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.kinds import document_versions, documents, people, sites
from plantfiles.kinds.people import Person, known_person
from plantfiles.reasons import Reason, ReasonCode
from plantfiles.rows import Origin, Row
from plantfiles.terms import SITE_RULE, Terms

_LOCAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
_PLAIN = re.compile(_LOCAL)
_OFFSET = re.compile(_LOCAL + r"(?:Z|\+(?:0[0-9]|1[0-4])(?::[0-5][0-9])?|-(?:0[0-9]|1[0-2])(?::[0-5][0-9])?)")
_SCORE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")
_METHODS = {"read": "R", "quiz": "Q", "ojt": "O"}
_ORDER = "RQO"


class HistoryReason(ReasonCode):
    VERSION_UNKNOWN = "VERSION_UNKNOWN", "unknown version of the document"
    NOT_A_DATE_TIME = "NOT_A_DATE_TIME", "not an ISO 8601 date-time; never converted"
    NO_OFFSET = "NO_OFFSET", "no offset from UTC, and no zone rule was named for this import"
    TIME_SKIPPED = (
        "TIME_SKIPPED",
        "by the zone rule this local time does not exist (clocks went forward)",
    )
    TIME_REPEATED = (
        "TIME_REPEATED",
        "by the zone rule this local time existed twice (clocks went back)",
    )
    BEFORE_APPROVAL = "BEFORE_APPROVAL", "before the version was approved"
    AFTER_EXPORT = "AFTER_EXPORT", "later than the day of the export"
    EVALUATOR_IS_TRAINEE = "EVALUATOR_IS_TRAINEE", "the evaluator is the trainee"
    SCORE_INVALID = "SCORE_INVALID", "not a score from 0 to 100"
    METHOD_UNKNOWN = "METHOD_UNKNOWN", "not a method: read, quiz, ojt, joined by +"
    AFTER_EMPLOYMENT = "AFTER_EMPLOYMENT", "on or after the first day without employment"
    BEFORE_HIRE = "BEFORE_HIRE", "before the day of hire"
    OFFSET_NOT_OF_ZONE = (
        "OFFSET_NOT_OF_ZONE",
        "the offset is not that of the site's zone at this time; the instant stands as written",
    )
    OJT_WITHOUT_EVALUATOR = "OJT_WITHOUT_EVALUATOR", "training on the job without an evaluator"
    QUIZ_WITHOUT_SCORE = "QUIZ_WITHOUT_SCORE", "a quiz without a score"
    EVALUATOR_UNKNOWN = (
        "EVALUATOR_UNKNOWN",
        "the evaluator is not a person of this import; kept as written",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRecord(Row):
    """A legacy training record: source class MIGRATED (R-62).

    completed_at: an instant with the offset of the file, or of the zone rule. completed_at_text: as it stands in the
    file. methods: of R, Q, O. site, time_zone: of the person, at which local days were judged. zone_rule: the IANA
    zone that the importer named for times without offset, None = the file had the offset. score: percent.
    """

    employee_no: str
    document: str
    version: int
    completed_at: datetime
    completed_at_text: str
    methods: tuple[str, ...]
    score: Decimal | None
    evaluator_no: str | None
    source_record: str
    site: str
    time_zone: str
    zone_rule: str | None


def _record(row: Fields, index: Index, origin: Origin) -> HistoryRecord | None:
    person = known_person(row, index)
    if person is None:
        return None
    document = row["document"]
    if document not in index.of(documents.KIND):
        return row.refuse("document", Reason.DOCUMENT_UNKNOWN)
    number = whole_number(row["version"])
    version = index.of(document_versions.KIND).get((document, number)) if number else None
    if version is None:
        return row.refuse("version", HistoryReason.VERSION_UNKNOWN)
    zone = index.of(sites.KIND)[person.site].time_zone
    zone_rule = index.terms.zone_rule
    rule_zone = zone if zone_rule == SITE_RULE else zone_rule
    moment, by_rule = _moment(row, rule_zone)
    if moment is None:
        return None
    local = moment.to_tz(zone)
    if local.offset != moment.offset and by_rule is None:
        row.warn("completed_at", HistoryReason.OFFSET_NOT_OF_ZONE, zone)
    local_day = local.date().to_stdlib()
    if local_day < version.approved_on:
        return row.refuse("completed_at", HistoryReason.BEFORE_APPROVAL, f"approved on {version.approved_on}")
    export_date = index.terms.export_date
    if local_day > export_date:
        return row.refuse("completed_at", HistoryReason.AFTER_EXPORT, f"exported on {export_date}")
    evaluator = row["evaluator_no"]
    if evaluator and evaluator == person.employee_no:
        return row.refuse("evaluator_no", HistoryReason.EVALUATOR_IS_TRAINEE)
    score = _score(row["score"])
    if row["score"] and score is None:
        return row.refuse("score", HistoryReason.SCORE_INVALID)
    methods = _methods(row["method"])
    if methods is None:
        return row.refuse("method", HistoryReason.METHOD_UNKNOWN)
    if not row["source_record"].strip():
        return row.refuse("source_record", Reason.VALUE_MISSING)
    source_record = row.text("source_record")
    if evaluator:
        row.id("evaluator_no")
    if row.refused or source_record is None:
        return None
    _warn_of_employment(row, person, local_day)
    if "O" in methods and not evaluator:
        row.warn("evaluator_no", HistoryReason.OJT_WITHOUT_EVALUATOR)
    elif evaluator and evaluator not in index.of(people.KIND):
        row.warn("evaluator_no", HistoryReason.EVALUATOR_UNKNOWN)
    if "Q" in methods and score is None:
        row.warn("score", HistoryReason.QUIZ_WITHOUT_SCORE)
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


def _content(values: Mapping[str, str], terms: Terms) -> Mapping[str, str]:
    """The zone rule is part of what a row without offset says."""
    if terms.zone_rule is None or not _PLAIN.fullmatch(values["completed_at"]):
        return values
    return {**values, "zone rule": terms.zone_rule}


def _moment(row: Fields, rule_zone: str | None) -> tuple[OffsetDateTime | None, str | None]:
    """The instant as written, and the zone that gave its offset if the row did not."""
    text = row["completed_at"]
    try:
        if _OFFSET.fullmatch(text) and not text.endswith(("-00", "-00:00")):
            return OffsetDateTime.parse_iso(text), None
        plain = PlainDateTime.parse_iso(text) if _PLAIN.fullmatch(text) else None
    except ValueError:
        plain = None
    if plain is None:
        row.refuse("completed_at", HistoryReason.NOT_A_DATE_TIME)
        return None, None
    if rule_zone is None:
        row.refuse("completed_at", HistoryReason.NO_OFFSET)
        return None, None
    try:
        return plain.assume_tz(rule_zone, disambiguation="raise").to_fixed_offset(), rule_zone
    except SkippedTime:
        row.refuse("completed_at", HistoryReason.TIME_SKIPPED, rule_zone)
    except RepeatedTime:
        row.refuse("completed_at", HistoryReason.TIME_REPEATED, rule_zone)
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
        row.warn("completed_at", HistoryReason.BEFORE_HIRE, f"hired on {person.hired_on}")
    elif person.ended_on is not None and local_day >= person.ended_on:
        row.warn("completed_at", HistoryReason.AFTER_EMPLOYMENT, f"ended on {person.ended_on}")


KIND = TableKind(
    file="training_history.csv",
    row=HistoryRecord,
    order=310,
    owner="records",
    stage=Stage.HISTORY,
    terms=("migrated_counts",),
    reasons=HistoryReason,
    layout=Layout(
        ("employee_no", "document", "version", "completed_at", "method", "source_record"),
        ("score", "evaluator_no"),
        key=("source_record",),
    ),
    rule=_record,
    content=_content,
)
