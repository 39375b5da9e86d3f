"""One value of a plant's files, read or refused; nothing is converted or guessed."""

from __future__ import annotations

import re
from datetime import date, datetime

from .facts import OJT, QUIZ, READ

LETTERS = {"R": READ, "Q": QUIZ, "O": OJT}
MATRIX_CELL = re.compile(r"([RQO]{1,3})([1-9]\d{0,2})?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}:\d{2})?")


class Refused(Exception):
    """A row that is not taken; the message is its reason."""


def read_date(text: str) -> date:
    """`YYYY-MM-DD` only (C-35)."""
    if not DATE.fullmatch(text):
        raise Refused("not a date")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("not a date") from None


def read_date_time(text: str) -> datetime:
    """An ISO date-time with an offset; nothing is converted or guessed (C-33)."""
    match = DATE_TIME.fullmatch(text)
    if match is None:
        raise Refused("not a date-time")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("not a date-time") from None
    if match[2] is None:
        raise Refused("no offset")
    return at


def read_score(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}", text) or int(text) > 100:
        raise Refused("score not 0-100")
    return int(text)


def read_matrix_cell(text: str) -> tuple[frozenset[str], int | None]:
    """Distinct letters of R, Q, O in any order and an optional interval of 1-120 months (C-34)."""
    match = MATRIX_CELL.fullmatch(text)
    if match is None or len(set(match[1])) != len(match[1]):
        raise Refused("not a matrix cell")
    months = int(match[2]) if match[2] else None
    if months is not None and months > 120:
        raise Refused("not a matrix cell")
    return frozenset(LETTERS[letter] for letter in match[1]), months


def column_letters(index: int) -> str:
    """The letters of a zero-based column."""
    letters, index = "", index + 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
