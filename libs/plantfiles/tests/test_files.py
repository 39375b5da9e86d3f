"""Reading (C-35): lines, line ends, marks, quotes, sizes; and files that are not what they should be."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from plantfiles import Limits, check, read_directory, read_files
from plantfiles.kinds.documents import Document


@pytest.mark.req("C-35")
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_byte_order_mark_make_no_difference(plant, told, mark, end) -> None:
    plant.add("leaves.csv", "P9,2025-03-01,,medical")
    for name, text in plant.files.items():
        plant.files[name] = mark + text.replace("\n", end).encode()
    plan = plant.check()
    assert told(plan) == ["R leaves.csv:3 employee_no PERSON_UNKNOWN"]


@pytest.mark.req("C-35")
def test_a_line_is_the_physical_line_where_the_row_starts(plant, told) -> None:
    plant.add(
        "documents.csv",
        '"SOP-2","two\nlines",SOP,GMP,Production',
        "",
        "SOP-3,,SOP,GMP,Production",
        '"SOP-4","an\n\nother",SOP,GMP,Production',
        "SOP-5,,SOP,GMP,Production",
    )
    plan = plant.check()
    assert told(plan) == ["R documents.csv:7 title VALUE_MISSING", "R documents.csv:11 title VALUE_MISSING"]
    assert [row.line for row in plan.taken("documents.csv")] == ["2", "3", "4", "8"]
    two = plan.taken("documents.csv")[2]
    assert isinstance(two, Document)
    assert two.title == "two\nlines"


def test_a_line_that_is_no_csv_is_refused_and_the_next_is_read(plant, told) -> None:
    plant.add("overlays.csv", '"FF"x,Responder', "BRS,Signatory", "CR,a\rb")
    plan = plant.check()
    assert told(plan) == ["R overlays.csv:3  ROW_MALFORMED", "R overlays.csv:5  ROW_MALFORMED"]
    counts = plan.counts("overlays.csv")
    assert (counts.rows, counts.taken, counts.refused) == (4, 2, 2)


def test_a_quote_that_never_closes_says_how_far_it_reaches(plant, told) -> None:
    plant.add("overlays.csv", 'FF,"Responder', "BRS,Signatory")
    plan = plant.check()
    assert told(plan) == ["R overlays.csv:3  ROW_MALFORMED"]
    assert "read to line 4" in plan.findings[0].message


def test_a_row_of_another_shape_is_refused(plant, told) -> None:
    plant.add("overlays.csv", "FF,Responder,", "BRS", ",,,", ",")
    assert told(plant.check()) == ["R overlays.csv:3  ROW_SHAPE", "R overlays.csv:4  ROW_SHAPE"]


def test_a_row_that_is_not_utf8_is_refused_alone(plant, told) -> None:
    plant.files["overlays.csv"] = b"overlay,name\nTRN,Trainer\nFF,Pomp\xefer\nBRS,Signatory\n"
    plan = plant.check()
    assert told(plan) == ["R overlays.csv:3  NOT_UTF8"]
    assert plan.counts("overlays.csv").taken == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("overlay;name\nFF;Responder\n", "R overlays.csv:1 overlay COLUMN_MISSING"),
        ("", "R overlays.csv:1 overlay COLUMN_MISSING"),
        ("overlay,name,name\nFF,a,b\n", "R overlays.csv:1 name COLUMN_REPEATED"),
        ("overlay,name\nFF,a\n".encode("utf-16"), "R overlays.csv:  FILE_UNREADABLE"),
    ],
)
def test_a_table_without_its_columns_is_refused_as_a_whole(plant, told, content, reason) -> None:
    plant.files["overlays.csv"] = content
    plan = plant.check()
    assert told(plan)[0] == reason
    counts = plan.counts("overlays.csv")
    assert counts.taken == 0
    assert counts.rows == counts.refused


def test_a_column_too_many_is_told_and_left_out(plant, told) -> None:
    plant.files["overlays.csv"] = "overlay,name,colour\nTRN,Trainer,red\n"
    plan = plant.check()
    assert told(plan) == ["W overlays.csv:1 colour COLUMN_UNKNOWN"]
    assert plan.counts("overlays.csv").taken == 1


def test_a_file_too_many_is_told_and_left_out(plant, told) -> None:
    plant.files["payroll.csv"] = "employee_no,salary\n"
    plant.files["README.md"] = "# what this is"
    assert told(plant.check()) == ["W payroll.csv:  FILE_UNKNOWN"]


@pytest.mark.parametrize(
    ("limits", "file"),
    [
        (Limits(bytes_=1_000), "training_history.csv"),
        (Limits(rows=5), "training_history.csv"),
        (Limits(unpacked=1_000), "matrix.xlsx"),
        (Limits(cells=10), "matrix.xlsx"),
        (Limits(sheets=3), "matrix.xlsx"),
    ],
)
def test_what_is_too_large_is_not_read(plant, limits, file) -> None:
    rows = [f"P1,SOP-1,1,2024-02-05T09:00:00+01:00,read,,,L-{number}" for number in range(10, 40)]
    plant.add("training_history.csv", *rows)
    plan = check(read_files({file: plant.bytes()[file]}, limits), export_date=date(2026, 11, 1))
    assert [(finding.file, finding.reason) for finding in plan.findings] == [(file, "FILE_TOO_LARGE")]
    assert plan.taken(file) == ()


def test_a_value_too_long_costs_its_row(plant) -> None:
    plant.add("overlays.csv", "FF," + "x" * 300)
    files = read_files({"overlays.csv": plant.bytes()["overlays.csv"]}, Limits(field=200))
    plan = check(files, export_date=date(2026, 11, 1))
    assert [(finding.line, finding.reason) for finding in plan.findings] == [("3", "VALUE_TOO_LONG")]
    assert plan.counts("overlays.csv").taken == 1


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"Document,Title\n", zipped("a.txt"), zipped("xl/workbook.xml")],
    ids=["empty", "text", "another archive", "half a workbook"],
)
def test_a_workbook_that_is_none_is_refused(plant, told, content) -> None:
    plant.files["matrix.xlsx"] = content
    assert told(plant.check()) == ["R matrix.xlsx:  FILE_UNREADABLE"]


def test_a_directory_is_read_without_its_readme(tmp_path, plant) -> None:
    for name, content in plant.bytes().items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "README.md").write_text("# what this is")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "old").mkdir()
    assert set(read_directory(tmp_path)) == set(plant.bytes())
