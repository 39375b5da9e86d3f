"""A made-up plant of many people, as the files that a customer hands over.

Two documents matter: `BULK-S` must be known by a fifth of the people, `BULK-L` by all; everybody is trained on the
version that governs. `FEW-1` concerns a job function of 500 people.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from html import escape

SMALL, LARGE, FEW = "BULK-S", "BULK-L", "FEW-1"
FEW_PEOPLE = 500
READERS = 20
"""The first of the people with `FEW-1`: they have accounts."""


def reader(number: int) -> str:
    """Employee number of somebody with an account."""
    return f"F{number:05d}"


def files(people: int) -> dict[str, bytes]:
    """people: who must know the document that concerns all; FEW_PEOPLE come on top. Names are made up."""
    small = people // 5
    bulk = [(f"B{n:05d}", "BSM" if n < small else "BLG") for n in range(people)]
    few = [(reader(n), "BFW") for n in range(FEW_PEOPLE)]
    trained = [
        *((person, LARGE) for person, _ in bulk),
        *((person, SMALL) for person, function in bulk if function == "BSM"),
        *((person, FEW) for person, _ in few[READERS:]),
    ]
    return {
        "sites.csv": _csv("site,name,time_zone", [("NL1", "Bench", "Europe/Amsterdam")]),
        "areas.csv": _csv("site,area,name", [("NL1", "GA", "Filling")]),
        "shifts.csv": _csv("site,shift,starts,ends", [("NL1", "D", "06:00", "14:00")]),
        "job_functions.csv": _csv(
            "job_function,name,department",
            [(code, f"Operator {code}", f"Production {code}") for code in ("BSM", "BLG", "BFW")],
        ),
        "documents.csv": _csv(
            "document,title,type,framework,owner_department,category",
            [(code, f"Procedure {code}", "SOP", "GMP", "Production", "general") for code in (SMALL, LARGE, FEW)],
        ),
        "document_versions.csv": _csv(
            "document,version,approved_on,effective_on,change_class,retraining,change_control",
            [(code, 1, "2023-02-13", "2023-03-01", "major", "read", "CC-0001") for code in (SMALL, LARGE, FEW)],
        ),
        "people.csv": _csv(
            "employee_no,given_name,family_name,email,employment,site,department,area,job_function,function_from,"
            "shift,supervisor_no,hired_on,ended_on,language",
            [
                (person, "Bench", f"Person {person}", f"{person.lower()}@bench.example", "employee", "NL1",
                 f"Production {function}", "GA", function, "2023-04-03", "D", "", "2023-04-03", "", "en")
                for person, function in [*bulk, *few]
            ],
        ),
        "training_history.csv": _csv(
            "employee_no,document,version,completed_at,method,score,evaluator_no,source_record",
            [
                (person, item, 1, "2023-04-04T10:00:00+02:00", "read", "", "", f"L-{number:06d}")
                for number, (person, item) in enumerate(trained)
            ],
        ),
        "matrix.xlsx": _workbook(
            {
                "By job function": [
                    ("Document", "Title", "BSM", "BLG", "BFW"),
                    (SMALL, f"Procedure {SMALL}", "R", "", ""),
                    (LARGE, f"Procedure {LARGE}", "R", "R", ""),
                    (FEW, f"Procedure {FEW}", "", "", "R"),
                ],
                "By area": [("Document", "Title", "NL1/GA")],
                "By equipment": [("Document", "Title")],
                "By overlay": [("Document", "Title")],
            }
        ),
    }  # fmt: skip


def _csv(header: str, rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    text.write(header + "\n")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _workbook(sheets: dict[str, list[tuple[str, ...]]]) -> bytes:
    """The least that is an Office Open XML workbook: texts in sheets."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kinds}.worksheet+xml"/>'
            for n in numbers
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        + "".join(
            f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>'
            for n, name in zip(numbers, sheets, strict=True)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in numbers
        )
        + "</Relationships>",
    }
    for n, rows in zip(numbers, sheets.values(), strict=True):
        lines = "".join(
            f'<row r="{r}">'
            + "".join(
                f'<c r="{chr(64 + c)}{r}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
                for c, value in enumerate(row, 1)
                if value
            )
            + "</row>"
            for r, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>'
        )
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + text)
    return found.getvalue()
