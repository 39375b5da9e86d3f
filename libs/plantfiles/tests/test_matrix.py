"""The matrix workbook (C-34): what a cell may say, and that no refused cell is "not required"."""

from __future__ import annotations

import io
import zipfile

import pytest
from plantfiles import MATRIX_UNRESOLVED
from plantfiles.kinds.matrix import MatrixCell, cell_address, parse_cell

FILE = "matrix.xlsx"
FUNCTIONS = "By job function"


@pytest.mark.req("C-34")
@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("R", (("R",), None)),
        ("RO12", (("R", "O"), 12)),
        ("OR12", (("R", "O"), 12)),
        ("OQR", (("R", "Q", "O"), None)),
        ("  Q24\n", (("Q",), 24)),
        ("R1", (("R",), 1)),
        ("R120", (("R",), 120)),
    ],
)
def test_a_cell_is_letters_and_perhaps_months(text, meaning) -> None:
    assert parse_cell(text) == meaning


@pytest.mark.req("C-34")
@pytest.mark.parametrize(
    "text",
    ["12", "ask QA", "X", "R-12", "RR99", "R0", "R121", "R012", "r", "R 12", "RQOR", "R12.0", "", "R١٢"],
)
def test_anything_else_is_no_cell(text) -> None:
    assert parse_cell(text) is None


@pytest.mark.part("C-34", "filled cells are requirements of their level")
@pytest.mark.part("C-35", "filled cells are requirements of their level")
def test_filled_cells_are_requirements_of_their_level(plant) -> None:
    cells = [row for row in plant.check().taken(FILE) if isinstance(row, MatrixCell)]
    assert [
        (row.line, row.level, row.source, row.document, row.methods, row.interval_months) for row in cells
    ] == [
        ("By job function!C2", "job_function", "OPR", "SOP-1", ("R",), 12),
        ("By job function!D2", "job_function", "SUP", "SOP-1", ("R",), None),
        ("By area!C2", "area", "NL1/GA", "SOP-1", ("O",), None),
        ("By equipment!C2", "equipment", "NL1/FILL-01", "SOP-1", ("R", "O"), 24),
        ("By overlay!C2", "overlay", "TRN", "SOP-1", ("Q",), None),
    ]


@pytest.mark.req("C-34")
@pytest.mark.part("C-04", "an unreadable cell is an open question about the people it could concern")
def test_an_unreadable_cell_is_an_open_question_about_the_people_it_could_concern(plant, told) -> None:
    plant.sheets[FUNCTIONS][1][2] = "ask QA"
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:{FUNCTIONS}!C2 OPR CELL_UNREADABLE"]
    (question,) = plan.questions
    assert (question.level, question.source, question.item) == ("job_function", "OPR", "SOP-1")
    assert (question.value, question.flag) == ("ask QA", MATRIX_UNRESOLVED)
    # P1 and P2 are operators, P3 was one.
    assert question.people == ("P1", "P2", "P3")


@pytest.mark.req("C-34")
def test_an_unknown_document_is_refused_as_a_row(plant, told) -> None:
    plant.sheets[FUNCTIONS].append(["SOP-9", "Gone", "R", "X"])
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:{FUNCTIONS}!A3 Document ROW_DOCUMENT_UNKNOWN"]
    counts = plan.counts(FILE)
    assert (counts.rows, counts.taken, counts.refused) == (7, 5, 2)
    assert [(question.line, question.item) for question in plan.questions] == [
        (f"{FUNCTIONS}!C3", "SOP-9"),
        (f"{FUNCTIONS}!D3", "SOP-9"),
    ]


@pytest.mark.part("C-34", "an unknown document without a filled cell is told too")
def test_an_unknown_document_without_a_filled_cell_is_told_too(plant, told) -> None:
    plant.sheets[FUNCTIONS].append(["SOP-9", "Gone", "", ""])
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:{FUNCTIONS}!A3 Document ROW_DOCUMENT_UNKNOWN"]
    assert plan.questions == ()


@pytest.mark.req("C-34")
def test_an_unknown_source_is_refused_as_a_column(plant, told) -> None:
    plant.sheets["By area"][0].append("NL1/PK")
    plant.sheets["By area"][1].append("R")
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:By area!D1 NL1/PK COLUMN_SOURCE_UNKNOWN"]
    assert [(question.line, question.source) for question in plan.questions] == [("By area!D2", "NL1/PK")]
    assert plan.counts(FILE).refused == 1


@pytest.mark.part("C-34", "a sheet that is none of the matrix is refused with every cell open")
def test_a_sheet_that_is_none_of_the_matrix_is_refused_with_every_cell_open(plant, told) -> None:
    plant.sheets["By mood"] = [["Document", "Title", "OPR"], ["SOP-1", "Filling", "R"]]
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:By mood!A1  SHEET_UNKNOWN"]
    assert [question.line for question in plan.questions] == ["By mood!C2"]


@pytest.mark.part("C-34", "a sheet without its header is refused")
def test_a_sheet_without_its_header_is_refused(plant, told) -> None:
    plant.sheets["By overlay"].pop(0)
    assert told(plant.check()) == [f"R {FILE}:By overlay!A1  SHEET_LAYOUT"]


@pytest.mark.part("C-30", "a column that stands twice with other content is an open question")
@pytest.mark.part("C-34", "a column that stands twice with other content is an open question")
def test_a_column_that_stands_twice_with_other_content_is_an_open_question(plant, told) -> None:
    plant.sheets["By overlay"] = [["Document", "Title", "TRN", "TRN"], ["SOP-1", "Filling", "Q", "R"]]
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:By overlay!D2 TRN DUPLICATE_KEY"]
    assert [(question.line, question.people) for question in plan.questions] == [("By overlay!D2", ("P3",))]


@pytest.mark.part("R-77", "an interval beyond the law is warned and not changed")
def test_an_interval_beyond_the_law_is_warned_and_not_changed(plant, told) -> None:
    plant.sheets[FUNCTIONS].append(["EHS-1", "Process hazard analysis", "R48", "R36"])
    plan = plant.check()
    assert told(plan) == [f"W {FILE}:{FUNCTIONS}!C3 OPR INTERVAL_OVER_CAP"]
    taken = [
        row.interval_months
        for row in plan.taken(FILE)
        if isinstance(row, MatrixCell)
        if row.document == "EHS-1"
    ]
    assert taken == [48, 36]


def edited(content: bytes, old: bytes, new: bytes) -> bytes:
    """A workbook with its first sheet's XML changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for part in source.infolist():
            text = source.read(part)
            if part.filename.endswith("sheet1.xml"):
                assert text.count(old) == 1
                text = text.replace(old, new)
            target.writestr(part, text)
    return out.getvalue()


C2 = b'<c r="C2" t="inlineStr"><is><t>R12</t></is></c>'


@pytest.mark.req("C-34")
def test_a_merged_cell_says_nothing_of_what_it_covers(plant, told) -> None:
    plant.sheets[FUNCTIONS][1][3] = ""
    merge = b'</sheetData><mergeCells><mergeCell ref="C2:D2"/></mergeCells>'
    plant.files[FILE] = edited(plant.workbook(plant.sheets), b"</sheetData>", merge)
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:{FUNCTIONS}!D2 SUP CELL_MERGED"]
    assert [question.people for question in plan.questions] == [("P3",)]


@pytest.mark.part("C-34", "a formula without a stored result is not an empty cell")
@pytest.mark.parametrize("result", [b"", b"<v></v>", b"<v/>"])
def test_a_formula_without_a_stored_result_is_not_an_empty_cell(plant, told, result) -> None:
    formula = b'<c r="C2"><f>IF(1,"R","")</f>' + result + b"</c>"
    plant.files[FILE] = edited(plant.workbook(plant.sheets), C2, formula)
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:  FILE_UNREADABLE"]
    assert "cell C2" in plan.findings[0].message


@pytest.mark.part("C-34", "a formula is what it was calculated to")
def test_a_formula_is_what_it_was_calculated_to(plant, told) -> None:
    formula = b'<c r="C2" t="str"><f>"R"</f><v>R6</v></c>'
    plant.files[FILE] = edited(plant.workbook(plant.sheets), C2, formula)
    plan = plant.check()
    assert told(plan) == []
    first = plan.taken(FILE)[0]
    assert isinstance(first, MatrixCell)
    assert first.interval_months == 6


@pytest.mark.part("C-34", "a number is no cell")
def test_a_number_is_no_cell(plant, told) -> None:
    plant.files[FILE] = edited(plant.workbook(plant.sheets), C2, b'<c r="C2"><v>12</v></c>')
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:{FUNCTIONS}!C2 OPR CELL_UNREADABLE"]
    assert plan.findings[0].value == "12"


@pytest.mark.part("C-35", "addresses are those of a spreadsheet")
def test_addresses_are_those_of_a_spreadsheet() -> None:
    assert [cell_address("S", 0, column) for column in (0, 25, 26, 27, 701, 702)] == [
        "S!A1",
        "S!Z1",
        "S!AA1",
        "S!AB1",
        "S!ZZ1",
        "S!AAA1",
    ]
