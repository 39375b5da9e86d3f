"""Writes `fixture-f/matrix.xlsx`: four sheets, one filled cell. The same bytes on every machine.

python examples/make_fixture_f_matrix.py [FILE]
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

SHEETS: dict[str, list[list[str]]] = {
    "By job function": [
        ["Document", "Title", "OPR", "SUP", "QCA", "QAO"],
        ["SOP-101", "Aseptic filling on line 1", "R12", "", "", ""],
    ],
    "By area": [
        ["Document", "Title", "NL1/GA", "US1/GA"],
        ["SOP-101", "Aseptic filling on line 1", "", ""],
    ],
    "By equipment": [["Document", "Title"], ["SOP-101", "Aseptic filling on line 1"]],
    "By overlay": [["Document", "Title", "TRN"], ["SOP-101", "Aseptic filling on line 1", ""]],
}

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def workbook(sheets: dict[str, list[list[str]]]) -> bytes:
    """An xlsx file of these sheets; every cell is text, empty ones are left out. At most 26 columns."""
    parts: dict[str, str] = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": _workbook(list(sheets)),
        "xl/_rels/workbook.xml.rels": _relations(
            {
                f"rId{number}": ("worksheet", f"worksheets/sheet{number}.xml")
                for number in range(1, len(sheets) + 1)
            }
        ),
    }
    for number, rows in enumerate(sheets.values(), start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(rows)
    return _archive(parts)


def _archive(parts: dict[str, str]) -> bytes:
    content = io.BytesIO()
    # Stored, and dated as early as a zip can be: compression and clocks differ between machines.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            archive.writestr(info, text)
    return content.getvalue()


def _content_types(sheets: int) -> str:
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for number in range(1, sheets + 1)
    )
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{overrides}</Types>'
    )


def _relations(targets: dict[str, tuple[str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="{id}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for id, (kind, target) in targets.items()
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


def _workbook(names: list[str]) -> str:
    each = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{each}</sheets></workbook>'


def _sheet(rows: list[list[str]]) -> str:
    lines = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{chr(ord("A") + column)}{number}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            for column, value in enumerate(row)
            if value
        )
        + "</row>"
        for number, row in enumerate(rows, start=1)
    )
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'


if __name__ == "__main__":
    target = Path(__file__).parent / "fixture-f" / "matrix.xlsx"
    (Path(sys.argv[1]) if len(sys.argv) > 1 else target).write_bytes(workbook(SHEETS))
