"""`attest import`: a customer's files, checked, reported on and accepted from a terminal."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from attest import cli

from tests.e2e.api import PASSWORD, until
from tests.faults.conftest import FIXTURE_F, World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("faults"),
    pytest.mark.part("PL-29", "files are checked, reported on and accepted from a terminal"),
]

COMING = "IMA,Ima,Newcomer,,employee,NL1,Production,GA,OPR,2026-02-01,D,SAM,2026-02-01,,en"
NOWHERE = "IMB,Imb,Nowhere,,employee,XX9,Production,GA,OPR,2026-02-01,D,SAM,2026-02-01,,en"


@pytest.fixture
def where(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that name the platform; the coordinator is who types."""
    monkeypatch.setenv("ATTEST_USER", "coordinator")
    monkeypatch.setenv("ATTEST_PASSWORD", PASSWORD)
    return ["--export-date", "2026-03-01", "--state-dir", str(world.state)]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The plant's files with two more people, one of them at a site that nobody knows."""
    copied = shutil.copytree(FIXTURE_F, tmp_path / "files")
    people = copied / "people.csv"
    people.write_text(people.read_text().rstrip("\n") + f"\n{COMING}\n{NOWHERE}\n")
    return copied


def counts(told: str) -> dict[str, tuple[int, ...]]:
    """rows, taken, refused, identical, warned of each file in the table that is printed."""
    rows = re.findall(r"^(\S+\.(?:csv|xlsx)) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", told, re.MULTILINE)
    return {name: tuple(map(int, numbers)) for name, *numbers in rows}


def test_the_same_files_again_bring_nothing(
    world: World, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for more, told in ([["--dry-run"], "a dry run: nothing is kept"], [[], "nothing is new"]):
        assert cli.main(["import", str(FIXTURE_F), *more, *where]) == 0
        printed = capsys.readouterr().out
        assert told in printed
        found = counts(printed)
        assert found["people.csv"][:4] == (8, 0, 0, 8)
        assert all(
            (taken, refused) == (0, 0) and rows == same for rows, taken, refused, same, _ in found.values()
        )


def test_a_bad_row_is_reported_with_its_place_and_its_reason(
    world: World, where: list[str], files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = len((files / "people.csv").read_text().splitlines())
    for report in (tmp_path / "report.csv", tmp_path / "report.json"):
        assert cli.main(["import", str(files), "--dry-run", "--report", str(report), *where]) == 0
        printed = capsys.readouterr().out
        assert counts(printed)["people.csv"][:4] == (10, 1, 1, 8)
        assert f"report in {report}" in printed
        if report.suffix == ".csv":
            with report.open(newline="") as opened:
                rows = list(csv.DictReader(opened))
        else:
            rows = json.loads(report.read_text())["items"]
        [refused] = [row for row in rows if row["severity"] == "R"]
        assert (refused["file"], refused["line"], refused["column"], refused["value"]) == (
            "people.csv",
            str(last),
            "site",
            "XX9",
        )
        assert refused["reason"] == "SITE_UNKNOWN"
        assert refused["message"]
    assert world.user("coordinator").raw("GET", "/api/people/IMA").status_code == 404


@pytest.mark.part("R-35", "two people accept and what was good is taken over")
def test_two_people_accept_and_what_was_good_is_taken_over(
    world: World, where: list[str], files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accepting = ["--accept-as", "coordinator", "--accept-as", "coordinator"]
    assert cli.main(["import", str(files), *accepting, *where]) == 1
    assert "two different people" in capsys.readouterr().err
    assert cli.main(["import", str(files), *accepting[:2], "--accept-as", "second", *where]) == 0
    printed = capsys.readouterr().out
    assert len(re.findall(r"^accepted by ", printed, re.MULTILINE)) == 2
    assert "done: 1 rows" in printed
    person = until(lambda: world.user("coordinator").raw("GET", "/api/people/IMA"), lambda a: a.is_success)
    assert person.json()["person"] == "IMA"
    assert world.user("coordinator").raw("GET", "/api/people/IMB").status_code == 404


def test_what_cannot_be_imported_is_one_line(
    where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["import", *where]) == 1
    assert capsys.readouterr().err.strip() == "attest: import what? attest import DIR"
    assert cli.main(["import", str(tmp_path / "nothing"), *where]) == 1
    assert capsys.readouterr().err.count("\n") == 1
