"""Why a row was refused, warned or ignored: one closed list, stable for machines, each with its message."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """R: the row is not taken. W: a doubt, which alone stops no row. I: ignored, the same row was taken before."""

    REFUSED = "R"
    WARNED = "W"
    IGNORED = "I"


class Reason(StrEnum):
    """Reason codes of an import report. Codes are added, never renamed."""

    # The file as a whole.
    FILE_UNKNOWN = "FILE_UNKNOWN"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FILE_UNREADABLE = "FILE_UNREADABLE"
    COLUMN_MISSING = "COLUMN_MISSING"
    COLUMN_REPEATED = "COLUMN_REPEATED"
    COLUMN_UNKNOWN = "COLUMN_UNKNOWN"
    SHEET_UNKNOWN = "SHEET_UNKNOWN"
    SHEET_LAYOUT = "SHEET_LAYOUT"
    # The row as text.
    ROW_MALFORMED = "ROW_MALFORMED"
    ROW_SHAPE = "ROW_SHAPE"
    NOT_UTF8 = "NOT_UTF8"
    VALUE_MISSING = "VALUE_MISSING"
    VALUE_TOO_LONG = "VALUE_TOO_LONG"
    VALUE_UNKNOWN = "VALUE_UNKNOWN"
    ID_INVALID = "ID_INVALID"
    DATE_INVALID = "DATE_INVALID"
    TIME_INVALID = "TIME_INVALID"
    NUMBER_INVALID = "NUMBER_INVALID"
    TEXT_CONTROL = "TEXT_CONTROL"
    # Keys (C-30).
    DUPLICATE_KEY = "DUPLICATE_KEY"
    IDENTICAL_ROW = "IDENTICAL_ROW"
    CONFLICTS_WITH_IMPORTED = "CONFLICTS_WITH_IMPORTED"
    # The organisation and the documents.
    TIME_ZONE_UNKNOWN = "TIME_ZONE_UNKNOWN"
    SHIFT_EMPTY = "SHIFT_EMPTY"
    SITE_UNKNOWN = "SITE_UNKNOWN"
    AREA_UNKNOWN = "AREA_UNKNOWN"
    SHIFT_UNKNOWN = "SHIFT_UNKNOWN"
    JOB_FUNCTION_UNKNOWN = "JOB_FUNCTION_UNKNOWN"
    EQUIPMENT_UNKNOWN = "EQUIPMENT_UNKNOWN"
    OVERLAY_UNKNOWN = "OVERLAY_UNKNOWN"
    DOCUMENT_UNKNOWN = "DOCUMENT_UNKNOWN"
    VERSION_UNKNOWN = "VERSION_UNKNOWN"
    EFFECTIVE_BEFORE_APPROVED = "EFFECTIVE_BEFORE_APPROVED"
    # People and their spells (C-31, C-32).
    ENDED_BEFORE_HIRED = "ENDED_BEFORE_HIRED"
    NAME_FORMULA = "NAME_FORMULA"
    NAME_CONTROL = "NAME_CONTROL"
    SUPERVISOR_SELF = "SUPERVISOR_SELF"
    SUPERVISOR_UNKNOWN = "SUPERVISOR_UNKNOWN"
    SUPERVISOR_REFUSED = "SUPERVISOR_REFUSED"
    LANGUAGE_UNKNOWN = "LANGUAGE_UNKNOWN"
    PERSON_UNKNOWN = "PERSON_UNKNOWN"
    PERSON_REFUSED = "PERSON_REFUSED"
    SPELL_EMPTY = "SPELL_EMPTY"
    OUTSIDE_EMPLOYMENT = "OUTSIDE_EMPLOYMENT"
    # Training history (C-33).
    NOT_A_DATE_TIME = "NOT_A_DATE_TIME"
    NO_OFFSET = "NO_OFFSET"
    TIME_SKIPPED = "TIME_SKIPPED"
    TIME_REPEATED = "TIME_REPEATED"
    BEFORE_APPROVAL = "BEFORE_APPROVAL"
    AFTER_EXPORT = "AFTER_EXPORT"
    EVALUATOR_IS_TRAINEE = "EVALUATOR_IS_TRAINEE"
    SCORE_INVALID = "SCORE_INVALID"
    METHOD_UNKNOWN = "METHOD_UNKNOWN"
    AFTER_EMPLOYMENT = "AFTER_EMPLOYMENT"
    BEFORE_HIRE = "BEFORE_HIRE"
    OFFSET_NOT_OF_ZONE = "OFFSET_NOT_OF_ZONE"
    OJT_WITHOUT_EVALUATOR = "OJT_WITHOUT_EVALUATOR"
    QUIZ_WITHOUT_SCORE = "QUIZ_WITHOUT_SCORE"
    EVALUATOR_UNKNOWN = "EVALUATOR_UNKNOWN"
    # The matrix (C-34).
    CELL_UNREADABLE = "CELL_UNREADABLE"
    CELL_MERGED = "CELL_MERGED"
    ROW_DOCUMENT_UNKNOWN = "ROW_DOCUMENT_UNKNOWN"
    COLUMN_SOURCE_UNKNOWN = "COLUMN_SOURCE_UNKNOWN"
    INTERVAL_OVER_CAP = "INTERVAL_OVER_CAP"


MATRIX_UNRESOLVED = "MATRIX_UNRESOLVED"
"""The flag of a cell that a refused matrix cell could concern (C-04): an open question, never "not required"."""


MESSAGES: dict[Reason, str] = {
    Reason.FILE_UNKNOWN: "not a file of this import; it is left out",
    Reason.FILE_TOO_LARGE: "the file is larger than an import takes",
    Reason.FILE_UNREADABLE: "the file cannot be read in the format of its name",
    Reason.COLUMN_MISSING: "the file lacks a column; no row of it is taken",
    Reason.COLUMN_REPEATED: "a column stands twice in the header; no row of the file is taken",
    Reason.COLUMN_UNKNOWN: "not a column of this file; it is left out",
    Reason.SHEET_UNKNOWN: "not a sheet of the matrix; nothing of it is taken",
    Reason.SHEET_LAYOUT: "the sheet does not begin with a row Document, Title, ...; nothing of it is taken",
    Reason.ROW_MALFORMED: "the line is not CSV (quotes)",
    Reason.ROW_SHAPE: "the row has more or fewer fields than the header",
    Reason.NOT_UTF8: "the row is not UTF-8 text",
    Reason.VALUE_MISSING: "a value is needed here",
    Reason.VALUE_TOO_LONG: "the value is too long",
    Reason.VALUE_UNKNOWN: "not one of the values of this column",
    Reason.ID_INVALID: "an id is letters, digits, dot, dash or underscore, and begins with a letter or digit",
    Reason.DATE_INVALID: "not a day of the form YYYY-MM-DD",
    Reason.TIME_INVALID: "not a time of the form HH:MM",
    Reason.NUMBER_INVALID: "not a whole number from 1",
    Reason.TEXT_CONTROL: "the text contains a control character or one that changes the direction of writing",
    Reason.DUPLICATE_KEY: "duplicate key: an earlier row with this key and other content was taken",
    Reason.IDENTICAL_ROW: "the same row stands earlier in this file",
    Reason.CONFLICTS_WITH_IMPORTED: "conflicts with what was imported: changes come by the HR feed or a correction",
    Reason.TIME_ZONE_UNKNOWN: "not an IANA time zone",
    Reason.SHIFT_EMPTY: "a shift cannot end when it starts",
    Reason.SITE_UNKNOWN: "unknown site",
    Reason.AREA_UNKNOWN: "unknown area at this site",
    Reason.SHIFT_UNKNOWN: "unknown shift at this site",
    Reason.JOB_FUNCTION_UNKNOWN: "unknown job function",
    Reason.EQUIPMENT_UNKNOWN: "unknown equipment",
    Reason.OVERLAY_UNKNOWN: "unknown overlay",
    Reason.DOCUMENT_UNKNOWN: "unknown document",
    Reason.VERSION_UNKNOWN: "unknown version of the document",
    Reason.EFFECTIVE_BEFORE_APPROVED: "effective before it was approved",
    Reason.ENDED_BEFORE_HIRED: "ended before hired",
    Reason.NAME_FORMULA: "a name that begins with = + - or @ would run as a formula in a spreadsheet",
    Reason.NAME_CONTROL: "a name with a control or format character (Unicode Cc, Cf)",
    Reason.SUPERVISOR_SELF: "supervisor of himself; left empty",
    Reason.SUPERVISOR_UNKNOWN: "unknown supervisor; left empty",
    Reason.SUPERVISOR_REFUSED: "the supervisor's own row was refused; left empty",
    Reason.LANGUAGE_UNKNOWN: "not a language tag (BCP 47, e.g. nl or pt-BR); left empty",
    Reason.PERSON_UNKNOWN: "unknown person",
    Reason.PERSON_REFUSED: "the person's own row was refused",
    Reason.SPELL_EMPTY: "ends on or before the day on which it begins",
    Reason.OUTSIDE_EMPLOYMENT: "reaches outside the employment; it has no effect there",
    Reason.NOT_A_DATE_TIME: "not an ISO 8601 date-time; never converted",
    Reason.NO_OFFSET: "no offset from UTC, and no zone rule was named for this import",
    Reason.TIME_SKIPPED: "by the zone rule this local time does not exist (clocks went forward)",
    Reason.TIME_REPEATED: "by the zone rule this local time existed twice (clocks went back)",
    Reason.BEFORE_APPROVAL: "before the version was approved",
    Reason.AFTER_EXPORT: "later than the day of the export",
    Reason.EVALUATOR_IS_TRAINEE: "the evaluator is the trainee",
    Reason.SCORE_INVALID: "not a score from 0 to 100",
    Reason.METHOD_UNKNOWN: "not a method: read, quiz, ojt, joined by +",
    Reason.AFTER_EMPLOYMENT: "on or after the first day without employment",
    Reason.BEFORE_HIRE: "before the day of hire",
    Reason.OFFSET_NOT_OF_ZONE: "the offset is not that of the site's zone at this time; the instant stands as written",
    Reason.OJT_WITHOUT_EVALUATOR: "training on the job without an evaluator",
    Reason.QUIZ_WITHOUT_SCORE: "a quiz without a score",
    Reason.EVALUATOR_UNKNOWN: "the evaluator is not a person of this import; kept as written",
    Reason.CELL_UNREADABLE: "not R, Q, O in any combination with at most one number of months (1-120)",
    Reason.CELL_MERGED: "covered by a merged cell: what it requires cannot be told",
    Reason.ROW_DOCUMENT_UNKNOWN: "unknown document: nothing of the row is taken",
    Reason.COLUMN_SOURCE_UNKNOWN: "unknown source: nothing of the column is taken",
    Reason.INTERVAL_OVER_CAP: "the interval is longer than the law of the document's framework allows",
}
"""What each code says to a person; a finding adds what is particular to its row after a colon."""
