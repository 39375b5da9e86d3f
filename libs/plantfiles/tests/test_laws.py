"""What holds for any files: counts add up, running again takes nothing; and the rules stay pure."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import plantfiles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantfiles import KINDS, Kinds, check, read_files

EDGES = frozenset({"codec", "readers", "report"})
SOURCES = Path(plantfiles.__file__).parent
MODULES = sorted(SOURCES.rglob("*.py"))
KIND_MODULES = sorted(path for path in (SOURCES / "kinds").glob("*.py") if path.stem != "__init__")

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


def imports(path: Path) -> set[str]:
    """What a module imports; of `from x import y` both `x` and `x.y`, since y may be a module."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
    return found


def foreign_imports(path: Path) -> set[str]:
    """Packages other than the standard library, whenever and this package that a module imports."""
    return {
        name
        for name in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names | {"whenever"}
        and name.split(".")[0] != "plantfiles"
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.stem}.{path.stem}")
def test_rules_import_the_standard_library_and_whenever_alone(path: Path) -> None:
    # The edges are the control: there the same look finds what they import.
    assert bool(foreign_imports(path)) == (path.stem in EDGES)


def test_each_kind_is_a_module_of_its_name() -> None:
    assert [path.stem for path in KIND_MODULES] == sorted(kind.name for kind in KINDS)


@pytest.mark.parametrize("path", KIND_MODULES, ids=lambda path: path.stem)
def test_a_kind_refers_only_to_kinds_that_are_checked_before_it(path: Path) -> None:
    order = {kind.name: kind.order for kind in KINDS}
    named = {name.removeprefix("plantfiles.kinds.").split(".")[0] for name in imports(path)}
    others = named & order.keys()
    assert all(order[other] < order[path.stem] for other in others), sorted(others)


def test_most_kinds_refer_to_others() -> None:
    # The control of the test above: the look at the imports finds what there is.
    assert {"plantfiles.kinds.people", "plantfiles.kinds.sites"} <= imports(
        SOURCES / "kinds" / "training_history.py"
    )


def test_two_kinds_of_one_file_or_one_place_are_refused() -> None:
    sites, shifts, *_ = KINDS
    for twin in (replace(sites, order=11), replace(sites, file="plants.csv")):
        with pytest.raises(ValueError, match="two kinds of files have the same"):
            Kinds([sites, shifts, twin])
