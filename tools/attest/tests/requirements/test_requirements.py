"""Requirements, marks and the rules between them, on small repositories and on this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from attest.requirements.__main__ import main
from attest.requirements.catalogue import CatalogueError, load
from attest.requirements.marks import read

ROOT = Path(__file__).parents[4]
ROWS = """
family: MX
title: Training matrix
requirements:
  - {id: MX-01, title: One, statement: it is wanted, acceptance: it is there, source: [catalogue]}
  - {id: MX-02, title: Two, statement: it is wanted, acceptance: it is there, source: [catalogue]}
"""
STATE = """
MX-01: {state: works}
MX-02: {state: partial, missing: the second half}
"""
WHOLE = 'import pytest\n\n@pytest.mark.req("MX-01")\ndef test_one():\n    pass\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two requirements, one test and its page in step."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "requirements/matrix.yaml").write_text(ROWS)
    (tmp_path / "requirements/state.yaml").write_text(STATE)
    (tmp_path / "test_it.py").write_text(WHOLE)
    assert main(["--write"], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    return tmp_path


def test_this_repository_holds_its_rules() -> None:
    assert main(["--check"], ROOT) == 0


@pytest.mark.parametrize(
    ("file", "find", "replace", "problem"),
    [
        ("matrix.yaml", "id: MX-02", "id: MX-01", "MX-01: stands twice"),
        ("matrix.yaml", "id: MX-02", "id: AE-02", "AE-02: does not belong to the family MX"),
        ("matrix.yaml", "family: MX", "family: XX", "family"),
        ("matrix.yaml", "title: Two, ", "", "requirements.1.title: Field required"),
        ("matrix.yaml", "title: Two", "title: ' '", "requirements.1.title"),
        ("matrix.yaml", "source: [catalogue]", "source: []", "requirements.0.source"),
        ("state.yaml", "MX-02: {state: partial, missing: the second half}", "", "MX-02: has no state"),
        ("state.yaml", "MX-02", "MX-03", "MX-03: has a state, but is no requirement"),
        ("state.yaml", ", missing: the second half", "", "MX-02: `missing` belongs to each partial"),
        ("state.yaml", "state: works", "state: works, missing: all", "MX-01: `missing` belongs"),
        ("state.yaml", "MX-02", "MX-01", "MX-01 stands twice"),
        ("state.yaml", "partial", "nearly", "state.yaml: state"),
    ],
)
def test_a_wrong_catalogue_is_refused(
    repository: Path, file: str, find: str, replace: str, problem: str
) -> None:
    path = repository / "requirements" / file
    path.write_text(path.read_text().replace(find, replace, 1))
    with pytest.raises(CatalogueError) as caught:
        load(repository)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        (WHOLE.replace('"MX-01"', '"MX-01", "MX-02"'), "test_it.py:3: test_one: overclaims MX-02"),
        (WHOLE.replace('"MX-01"', '"MX-01", "MX-77"'), "test_it.py:3: test_one: MX-77 is no requirement"),
        (WHOLE.replace('req("MX-01")', 'part("MX-01", "half")'), "MX-01: is said to work, but no test"),
        (WHOLE.replace('req("MX-01")', 'part("MX-01")'), "test_one: part takes an id and a piece"),
        (WHOLE + '\nMARK = pytest.mark.req("MX-01")\n', "test_it.py:7: a mark that is not beside a test"),
    ],
)
def test_a_wrong_mark_fails_the_check(
    repository: Path, capsys: pytest.CaptureFixture[str], test: str, problem: str
) -> None:
    (repository / "test_it.py").write_text(test)
    assert main(["--check"], repository) == 1
    assert problem in capsys.readouterr().err


def test_an_old_page_fails_the_check(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = repository / "docs/requirements.md"
    page.write_text(page.read_text().replace("the second half", "nothing"))
    assert main(["--check"], repository) == 1
    assert "not in step" in capsys.readouterr().err


def test_the_table_counts_tests_of_the_whole_and_of_a_piece(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = '\n@pytest.mark.part("MX-02", "the first half")\ndef test_two():\n    pass\n'
    (repository / "test_it.py").write_text(WHOLE + piece)
    assert main([], repository) == 0
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "MX-01 works 1 0 One" in printed
    assert "MX-02 partial 0 1 Two [missing: the second half]" in printed
    assert "all 1 1 0 2" in printed


def test_marks_of_modules_classes_and_parameters_are_found() -> None:
    found = read(
        "import pytest\n"
        'pytestmark = [pytest.mark.slow, pytest.mark.part("MX-01", "module")]\n'
        'class TestIt:\n    pytestmark = pytest.mark.req("MX-02")\n    def test_a(self): ...\n'
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.req("MX-03", "MX-04"))])\n'
        "async def test_b(x): ...\n",
        "test_x.py",
    )
    assert found.problems == ()
    assert {(mark.test, mark.requirement, mark.piece) for mark in found.found} == {
        ("TestIt::test_a", "MX-01", "module"),
        ("TestIt::test_a", "MX-02", None),
        ("test_b", "MX-01", "module"),
        ("test_b", "MX-03", None),
        ("test_b", "MX-04", None),
    }


@pytest.mark.parametrize(
    ("workers", "mark", "problem"),
    [
        ("0", 'req("MX-01")', None),
        ("1", 'req("MX-01")', None),
        ("0", 'req("MX-99")', "test_it.py::test_one: req names MX-99, which is no requirement"),
        ("1", 'req("MX-99")', "test_it.py::test_one: req names MX-99, which is no requirement"),
        ("0", 'part("MX-99", "half")', "test_it.py::test_one: part names MX-99, which is no requirement"),
        ("0", 'part("MX-01")', "test_it.py::test_one: part takes an id and a piece"),
    ],
)
def test_the_collection_fails_at_a_wrong_mark(
    repository: Path, workers: str, mark: str, problem: str | None
) -> None:
    (repository / "pytest.ini").write_text("[pytest]\nmarkers =\n  req\n  part\n")
    (repository / "test_it.py").write_text(WHOLE.replace('req("MX-01")', mark))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "attest.requirements.plugin", "-n", workers, "test_it.py"],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode == 0) == (problem is None), done.stdout + done.stderr
    assert problem is None or problem in done.stdout
