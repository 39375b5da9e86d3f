"""What holds for any files: counts add up, running again takes nothing; and the rules stay pure."""

from __future__ import annotations

import ast
import sys
from datetime import date
from pathlib import Path

import plantfiles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantfiles import check, read_files

EDGES = frozenset({"readers", "report"})
SOURCES = Path(plantfiles.__file__).parent

ORGANISATION = {
    "sites.csv": b"site,name,time_zone\nNL1,Leiden,Europe/Amsterdam\n",
    "job_functions.csv": b"job_function,name\nOPR,Operator\n",
    "documents.csv": b"document,title,type,framework\nD,T,SOP,GMP\n",
    "document_versions.csv": b"document,version,approved_on,effective_on,change_class,retraining\n"
    b"D,1,2024-01-01,2024-01-01,major,read\n",
}
PEOPLE = "employee_no,given_name,family_name,employment,site,job_function,function_from,hired_on,ended_on\n"
HISTORY = "employee_no,document,version,completed_at,method,source_record\n"

people_rows = st.builds(
    "{},{},X,employee,NL1,{},2024-01-01,2024-01-01,".format,
    st.sampled_from(["P1", "P2", "P3", ""]),
    st.sampled_from(["A", "B", "=A", "A\u200b"]),
    st.sampled_from(["OPR", "XXX"]),
)
history_rows = st.builds(
    "{},{},1,{},read,{}".format,
    st.sampled_from(["P1", "P2", "P9"]),
    st.sampled_from(["D", "E"]),
    st.sampled_from(["2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00", "2024-05-01T10:00:00Z", "soon"]),
    st.sampled_from(["L1", "L2", "L3"]),
)
broken_rows = st.sampled_from(['"a"b', "", ",,", "P1", 'P1,"\n"'])


@pytest.mark.part("C-30", "counts add up and running again takes nothing")
@given(
    st.lists(people_rows | broken_rows, max_size=6),
    st.lists(history_rows | broken_rows, max_size=8),
    st.sampled_from([None, "site"]),
)
def test_counts_add_up_and_running_again_takes_nothing(
    people: list[str], history: list[str], zone_rule: str | None
) -> None:
    files = read_files(
        ORGANISATION
        | {
            "people.csv": (PEOPLE + "\n".join(people)).encode(),
            "training_history.csv": (HISTORY + "\n".join(history)).encode(),
        }
    )
    plan = check(files, export_date=date(2026, 1, 1), zone_rule=zone_rule)
    again = check(files, export_date=date(2026, 1, 1), zone_rule=zone_rule, known=plan.remember())
    for result in plan.files:
        counts = result.counts
        assert counts.rows == counts.taken + counts.refused + counts.identical
        assert counts.taken == len(result.taken) == len({row.key for row in result.taken})
        once_more = again.counts(result.file)
        assert once_more.taken == 0
        assert (once_more.rows, once_more.unchanged) == (counts.rows, counts.taken)
        refused = {
            finding.line
            for finding in plan.findings
            if finding.file == result.file
            if finding.severity == "R"
        }
        assert counts.refused == len(refused)


def foreign_imports(path: Path) -> set[str]:
    """Packages other than the standard library, whenever and this package that a module imports."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
    return {
        name
        for name in found
        if name.split(".")[0] not in sys.stdlib_module_names | {"whenever"}
        and not name.startswith("plantfiles")
    }


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.py")), ids=lambda path: path.stem)
def test_rules_import_the_standard_library_and_whenever_alone(path: Path) -> None:
    # The edges are the control: there the same look finds what they import.
    assert bool(foreign_imports(path)) == (path.stem in EDGES)
