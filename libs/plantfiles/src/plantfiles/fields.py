"""One row under examination: its values, what is wrong with them, and how each kind of value is read.

Every reader answers None for a value that is empty or wrong; a wrong one is also noted, and the row is refused. So a
rule reads all its fields, and builds its row only when nothing was refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, time

from plantfiles.plan import Finding
from plantfiles.reasons import Reason, ReasonCode, Severity

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_WHOLE = re.compile(r"[1-9][0-9]{0,5}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_FORMULA = ("=", "+", "-", "@")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LONGEST_TEXT = 1_000


@dataclass(slots=True)
class Fields:
    """The values of one row by column; columns that the file lacks read as empty."""

    file: str
    line: str
    values: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    refused: bool = False

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    def refuse(self, column: str, reason: ReasonCode, detail: str = "") -> None:
        self.refused = True
        self._note(column, reason, Severity.REFUSED, detail)

    def warn(self, column: str, reason: ReasonCode, detail: str = "") -> None:
        self._note(column, reason, Severity.WARNED, detail)

    def _note(self, column: str, reason: ReasonCode, severity: Severity, detail: str) -> None:
        self.findings.append(Finding(self.file, self.line, column, self[column], reason, severity, detail))

    def id(self, column: str, *, needed: bool = True) -> str | None:
        """A code that other rows and systems use: the pattern of ids in the event contracts."""
        value = self[column]
        if not value:
            return self._missing(column) if needed else None
        if not _ID.fullmatch(value):
            self.refuse(column, Reason.ID_INVALID)
            return None
        return value

    def text(self, column: str, *, needed: bool = True) -> str | None:
        """What people read: no control characters but tab and line ends, none that turn the direction of writing."""
        value = self[column]
        if not value.strip():
            return self._missing(column) if needed else None
        if len(value) > _LONGEST_TEXT:
            self.refuse(column, Reason.VALUE_TOO_LONG, f"at most {_LONGEST_TEXT:,} characters")
            return None
        if not value.isprintable() and any(
            letter in _DIRECTION or (unicodedata.category(letter) == "Cc" and letter not in "\t\r\n")
            for letter in value
        ):
            self.refuse(column, Reason.TEXT_CONTROL)
            return None
        return value

    def name(self, column: str) -> str | None:
        """A person's name (C-31): no start of a formula, no control or format character; letters are not judged."""
        value = self[column]
        if value.lstrip(" ").startswith(_FORMULA):
            self.refuse(column, Reason.NAME_FORMULA)
            return None
        found = next((letter for letter in value if unicodedata.category(letter) in ("Cc", "Cf")), None)
        if found is not None:
            self.refuse(column, Reason.NAME_CONTROL, f"U+{ord(found):04X}")
            return None
        return self.text(column, needed=False)

    def day(self, column: str, *, needed: bool = True) -> date | None:
        """`YYYY-MM-DD` only (C-35)."""
        value = self[column]
        if not value and not needed:
            return None
        if _DAY.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        self.refuse(column, Reason.DATE_INVALID)
        return None

    def time(self, column: str) -> time | None:
        """`HH:MM`."""
        value = self[column]
        if not _TIME.fullmatch(value):
            self.refuse(column, Reason.TIME_INVALID)
            return None
        return time.fromisoformat(value)

    def whole(self, column: str) -> int | None:
        """A whole number from 1, without leading zeros."""
        value = whole_number(self[column])
        if value is None:
            self.refuse(column, Reason.NUMBER_INVALID)
        return value

    def choice(self, column: str, values: Collection[str]) -> str | None:
        value = self[column]
        if value not in values:
            self.refuse(column, Reason.VALUE_UNKNOWN, "one of " + ", ".join(sorted(values)))
            return None
        return value

    def language(self, column: str) -> str | None:
        value = self[column]
        if value and not _LANGUAGE.fullmatch(value):
            self.warn(column, Reason.LANGUAGE_UNKNOWN)
            return None
        return value or None

    def _missing(self, column: str) -> None:
        self.refuse(column, Reason.VALUE_MISSING)


def whole_number(text: str) -> int | None:
    """A whole number from 1, or None."""
    return int(text) if _WHOLE.fullmatch(text) else None
