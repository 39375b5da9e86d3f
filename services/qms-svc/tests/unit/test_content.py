import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qms_svc.domain.content import (
    LARGEST_FILE,
    MOST_SECTIONS,
    MediaType,
    check_sections,
    markdown_sections,
    pdf_sections,
    sniff,
)
from servicekit.domain import RuleError


def titles(text: str) -> list[tuple[str, str, int]]:
    return [(s.id, s.title, s.level) for s in markdown_sections(text, "SOP-101")]


@pytest.mark.part("SR-05", "each heading of level one or two is a section in reading order")
def test_each_heading_of_level_one_or_two_is_a_section_in_reading_order() -> None:
    text = (
        "Intro\n\n# Purpose\ntext\n## Scope ##\n### Detail\nmore\n\nSetext one\n===\nx\n\nSetext two\n---\n"
    )
    assert titles(text) == [
        ("s1", "Purpose", 1),
        ("s2", "Scope", 2),
        ("s3", "Setext one", 1),
        ("s4", "Setext two", 2),
    ]
    sections = markdown_sections(text, "SOP-101")
    assert sections[0].line_from == 1, "what stands before the first heading must be opened too"
    assert [s.line_to for s in sections[:-1]] == [s.line_from for s in sections[1:]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\n# not a heading\n```\n# Heading\n", ["Heading"]),
        ("~~~~\n# no\n~~~\n# no\n~~~~\n# yes\n", ["yes"]),
        ("---\ntitle: x\n---\n# Only\n", ["Only"]),
        ("text\n\n---\n\nmore\n", ["SOP-101"]),
        ("- entry\n---\nx\n", ["SOP-101"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", ["SOP-101"]),
        ("#no space\n", ["SOP-101"]),
        ("    # indented code\n", ["SOP-101"]),
        ("# **Bold** and `code` [link](http://x)\n", ["Bold and code link"]),
        ("#\ntext\n", ["Section 1"]),
        ("# C#\n", ["C#"]),
    ],
)
def test_only_real_headings_count(text: str, expected: list[str]) -> None:
    assert [s.title for s in markdown_sections(text, "SOP-101")] == expected


@given(st.text(alphabet="#=-`~ \n\ta>|*[]()", max_size=300))
def test_sections_tile_the_text(text: str) -> None:
    sections = markdown_sections(text, "t")
    assert sections[0].line_from == 1
    assert sections[-1].line_to == text.count("\n") + 2
    assert all(a.line_to == b.line_from for a, b in pairwise(sections))
    assert [s.id for s in sections] == [f"s{n}" for n in range(1, len(sections) + 1)]


@pytest.mark.parametrize(
    "line", ["# " + " " * 2_000_000, "# " + "[" * 2_000_000, "`" * 2_000_000, "-" * 2_000_000]
)
def test_a_hostile_line_takes_linear_time(line: str) -> None:
    begin = time.monotonic()
    markdown_sections("x\n" + line, "t")
    assert time.monotonic() - begin < 2


def test_the_type_is_told_by_the_bytes() -> None:
    assert sniff(b"%PDF-1.7\n...") == MediaType.PDF
    assert sniff("# Überschrift\r\n".encode()) == MediaType.MARKDOWN
    assert sniff(b"\xef\xbb\xbf# with a BOM") == MediaType.MARKDOWN


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"PK\x03\x04docx", "neither-markdown-nor-pdf"),
        (b"\xff\xfe#\x00", "neither-markdown-nor-pdf"),
        (b"caf\xe9", "neither-markdown-nor-pdf"),
        (b"a\x00b", "neither-markdown-nor-pdf"),
        (b"{\\rtf1 x", "neither-markdown-nor-pdf"),
        (b"<!DOCTYPE html><p>", "neither-markdown-nor-pdf"),
        (b"x" * (LARGEST_FILE + 1), "too-large"),
    ],
)
def test_anything_else_is_refused_with_the_field(data: bytes, reason: str) -> None:
    with pytest.raises(RuleError) as refused:
        sniff(data)
    assert (refused.value.field, refused.value.reason) == ("file", reason)


def test_the_largest_file_is_accepted() -> None:
    assert sniff(b"x" * LARGEST_FILE) == MediaType.MARKDOWN


def test_pages_are_the_sections_of_a_pdf() -> None:
    assert [(s.id, s.title) for s in pdf_sections(2)] == [("p1", "Page 1"), ("p2", "Page 2")]
    check_sections(pdf_sections(MOST_SECTIONS))
    with pytest.raises(RuleError, match="501 sections"):
        check_sections(pdf_sections(MOST_SECTIONS + 1))
