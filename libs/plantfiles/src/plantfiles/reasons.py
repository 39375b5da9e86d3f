"""Why a row was refused, warned about or ignored: codes for machines, each with its message for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """R: the row is not taken. W: a doubt, which alone stops no row. I: ignored, the same row was taken before."""

    REFUSED = "R"
    WARNED = "W"
    IGNORED = "I"


class ReasonCode(StrEnum):
    """Base of the reason codes. A kind of file with reasons of its own declares them in a subclass beside its rules.

    Codes are added, never renamed. A code is the name of its member; a finding adds to the message, after a colon,
    what is particular to its row.
    """

    message: str

    def __new__(cls, code: str, message: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member


class Reason(ReasonCode):
    """The reasons that the readers, the keys and several kinds of files share."""

    # The file as a whole.
    FILE_UNKNOWN = "FILE_UNKNOWN", "not a file of this import; it is left out"
    FILE_TOO_LARGE = "FILE_TOO_LARGE", "the file is larger than an import takes"
    FILE_UNREADABLE = "FILE_UNREADABLE", "the file cannot be read in the format of its name"
    COLUMN_MISSING = "COLUMN_MISSING", "the file lacks a column; no row of it is taken"
    COLUMN_REPEATED = (
        "COLUMN_REPEATED",
        "a column stands twice in the header; no row of the file is taken",
    )
    COLUMN_UNKNOWN = "COLUMN_UNKNOWN", "not a column of this file; it is left out"
    # The row as text.
    ROW_MALFORMED = "ROW_MALFORMED", "the line is not CSV (quotes)"
    ROW_SHAPE = "ROW_SHAPE", "the row has more or fewer fields than the header"
    NOT_UTF8 = "NOT_UTF8", "the row is not UTF-8 text"
    VALUE_MISSING = "VALUE_MISSING", "a value is needed here"
    VALUE_TOO_LONG = "VALUE_TOO_LONG", "the value is too long"
    VALUE_UNKNOWN = "VALUE_UNKNOWN", "not one of the values of this column"
    ID_INVALID = (
        "ID_INVALID",
        "an id is letters, digits, dot, dash or underscore, and begins with a letter or digit",
    )
    DATE_INVALID = "DATE_INVALID", "not a day of the form YYYY-MM-DD"
    TIME_INVALID = "TIME_INVALID", "not a time of the form HH:MM"
    NUMBER_INVALID = "NUMBER_INVALID", "not a whole number from 1"
    TEXT_CONTROL = (
        "TEXT_CONTROL",
        "the text contains a control character or one that changes the direction of writing",
    )
    NAME_FORMULA = (
        "NAME_FORMULA",
        "a name that begins with = + - or @ would run as a formula in a spreadsheet",
    )
    NAME_CONTROL = "NAME_CONTROL", "a name with a control or format character (Unicode Cc, Cf)"
    LANGUAGE_UNKNOWN = "LANGUAGE_UNKNOWN", "not a language tag (BCP 47, e.g. nl or pt-BR); left empty"
    # Keys (C-30).
    DUPLICATE_KEY = (
        "DUPLICATE_KEY",
        "duplicate key: an earlier row with this key and other content was taken",
    )
    IDENTICAL_ROW = "IDENTICAL_ROW", "the same row stands earlier in this file"
    CONFLICTS_WITH_IMPORTED = (
        "CONFLICTS_WITH_IMPORTED",
        "conflicts with what was imported: changes come by the HR feed or a correction",
    )
    # What the row refers to.
    SITE_UNKNOWN = "SITE_UNKNOWN", "unknown site"
    AREA_UNKNOWN = "AREA_UNKNOWN", "unknown area at this site"
    SHIFT_UNKNOWN = "SHIFT_UNKNOWN", "unknown shift at this site"
    JOB_FUNCTION_UNKNOWN = "JOB_FUNCTION_UNKNOWN", "unknown job function"
    EQUIPMENT_UNKNOWN = "EQUIPMENT_UNKNOWN", "unknown equipment"
    OVERLAY_UNKNOWN = "OVERLAY_UNKNOWN", "unknown overlay"
    DOCUMENT_UNKNOWN = "DOCUMENT_UNKNOWN", "unknown document"
    PERSON_UNKNOWN = "PERSON_UNKNOWN", "unknown person"
    PERSON_REFUSED = "PERSON_REFUSED", "the person's own row was refused"
    # Days of a person (C-31, C-32).
    SPELL_EMPTY = "SPELL_EMPTY", "ends on or before the day on which it begins"
    OUTSIDE_EMPLOYMENT = "OUTSIDE_EMPLOYMENT", "reaches outside the employment; it has no effect there"


MATRIX_UNRESOLVED = "MATRIX_UNRESOLVED"
"""The flag of a cell that a refused matrix cell could concern (C-04): an open question, never "not required"."""
