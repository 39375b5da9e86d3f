"""The type of a file, recognised by its bytes alone, and the sections that its reader must open (SR-05)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from servicekit.domain import RuleError

LARGEST_FILE = 20 * 1024 * 1024
"""Bytes."""
MOST_SECTIONS = 500
"""All versions of a document travel in one event of at most 1 MB."""
LONGEST_TITLE = 120


class MediaType(StrEnum):
    MARKDOWN = "text/markdown"
    PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a text: lines [line_from, line_to), counted from 1; of a PDF: pages."""

    id: str
    title: str
    level: int
    line_from: int
    line_to: int


def sniff(data: bytes) -> MediaType:
    """The media type by the bytes, never by the name. Raises RuleError for anything but PDF and UTF-8 text."""
    if not data:
        raise RuleError("file", "empty", "the file is empty")
    if len(data) > LARGEST_FILE:
        raise RuleError("file", "too-large", f"the file has {len(data)} bytes, the limit is {LARGEST_FILE}")
    if data.startswith(b"%PDF-"):
        return MediaType.PDF
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RuleError(
            "file", "neither-markdown-nor-pdf", f"no PDF, and byte {error.start} is no UTF-8 text"
        ) from None
    if _CONTROL.search(text):
        raise RuleError("file", "neither-markdown-nor-pdf", "text with control characters is no Markdown")
    if _OTHER_FORMAT.match(text):
        raise RuleError("file", "neither-markdown-nor-pdf", "this is RTF, HTML or XML, not Markdown")
    if not text.strip():
        raise RuleError("file", "empty", "the file holds no text")
    return MediaType.MARKDOWN


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_OTHER_FORMAT = re.compile(r"\s*(\{\\rtf|<!doctype\s|<html[\s>]|<\?xml\s)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\n|\r")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_BLOCK_START = re.compile(r"( {4}|\t)| {0,3}([>|]|[-+*]([ \t]|$)|\d{1,9}[.)]([ \t]|$)|<)")
# Longer than any title that is shown; the expressions for markup are not linear.
_LOOKED_AT = 1000
_MARKUP = re.compile(r"[*_`]|!?\[([^\]]*)\]\([^)]*\)")


def markdown_sections(text: str, title: str) -> list[Section]:
    """One section a heading of level 1 or 2; what stands before the first heading belongs to it.

    A text without such a heading is one section, named `title`. Ids are `s1`, `s2`, ... in reading order: the same
    in every translation, and stable, since the text of a version never changes. Headings inside fenced code and the
    lines of a front matter do not count.
    """
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    headings = _headings(lines)
    if not headings:
        return [Section("s1", _shortened(title), 1, 1, len(lines) + 1)]
    starts = [1, *(line for line, _, _ in headings[1:]), len(lines) + 1]
    return [
        Section(
            f"s{number}",
            _shortened(heading) or f"Section {number}",
            level,
            starts[number - 1],
            starts[number],
        )
        for number, (_, level, heading) in enumerate(headings, start=1)
    ]


def pdf_sections(pages: int) -> list[Section]:
    """One section a page, `p1`, `p2`, ..."""
    return [Section(f"p{page}", f"Page {page}", 1, page, page + 1) for page in range(1, pages + 1)]


def check_sections(sections: list[Section]) -> None:
    if len(sections) > MOST_SECTIONS:
        raise RuleError(
            "file",
            "too-many-sections",
            f"the file has {len(sections)} sections, the limit is {MOST_SECTIONS}",
        )


def _headings(lines: list[str]) -> list[tuple[int, int, str]]:
    """(line, level, text) of each heading of level 1 and 2."""
    found: list[tuple[int, int, str]] = []
    fence = ""
    begin = _after_front_matter(lines)
    paragraph: int | None = None
    for number, line in enumerate(lines[begin:], start=begin + 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
                fence = ""
            continue
        if mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence, paragraph = mark[1], None
            continue
        atx = _ATX.match(line)
        if atx:
            if len(atx[1]) <= 2:
                found.append((number, len(atx[1]), _plain(_closed(line[atx.end() :]))))
            paragraph = None
            continue
        underline = _SETEXT.match(line)
        if underline and paragraph is not None:
            heading = " ".join(part.strip() for part in lines[paragraph - 1 : number - 1])
            found.append((paragraph, 1 if underline[1][0] == "=" else 2, _plain(heading)))
            paragraph = None
            continue
        if not line.strip() or (paragraph is None and _BLOCK_START.match(line)) or _opens_block(line):
            paragraph = None
        elif paragraph is None and not underline:
            paragraph = number
    return found


def _opens_block(line: str) -> bool:
    """Whether the line ends a paragraph by being a quotation, a list entry or a table row."""
    return bool(_BLOCK_START.match(line)) and not line.startswith(("    ", "\t"))


def _after_front_matter(lines: list[str]) -> int:
    if not lines or lines[0].strip() != "---":
        return 0
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() in ("---", "..."):
            return number + 1
    return 0


def _closed(heading: str) -> str:
    """The text of an ATX heading without its closing sequence (`## Purpose ##`)."""
    text = heading.strip()
    bare = text.rstrip("#")
    return bare if not bare or bare[-1] in " \t" else text


def _plain(heading: str) -> str:
    return " ".join(_MARKUP.sub(lambda match: match[1] or "", heading[:_LOOKED_AT]).split())


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"
