"""`attest import --check`: a plant's files are checked where they are, without a platform."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from attest import cli
from plantfiles import check, read_directory, report

FIXTURE_F = Path(__file__).parents[4] / "examples" / "fixture-f"
NOWHERE = "IMB,Imb,Nowhere,,employee,XX9,Production,GA,OPR,2026-02-01,D,SAM,2026-02-01,,en"


@pytest.fixture
def nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that name a platform that does not run: whoever asks it fails."""
    for name in ("ATTEST_URL", "ATTEST_USER", "ATTEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return [
        "--export-date",
        "2026-03-01",
        "--state-dir",
        str(tmp_path / "none"),
        "--url",
        "http://127.0.0.1:9",
    ]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The small plant with a person at a site that nobody knows."""
    copied = shutil.copytree(FIXTURE_F, tmp_path / "files")
    people = copied / "people.csv"
    people.write_text(people.read_text().rstrip("\n") + f"\n{NOWHERE}\n")
    return copied


def test_the_files_are_counted(
    nobody_there: list[str], files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["import", "--check", str(files), *nobody_there]) == 0
    printed = capsys.readouterr().out.splitlines()
    people = next(line for line in printed if line.startswith("people.csv"))
    assert people.split() == ["people.csv", "9", "8", "1", "0", "0"]
    assert printed[printed.index(people) + 1] == "    SITE_UNKNOWN: 1"
    assert printed[-1] == "checked without a platform: nothing was sent"


def test_without_check_the_platform_is_asked(
    nobody_there: list[str], files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The control: the platform of these arguments does not answer.
    assert cli.main(["import", str(files), *nobody_there, "--user", "coordinator"]) == 1
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_the_report_is_that_of_the_library(nobody_there: list[str], files: Path, tmp_path: Path) -> None:
    plan = check(read_directory(files), export_date=date(2026, 3, 1))
    for name in ("report.csv", "report.json"):
        assert (
            cli.main(["import", "--check", str(files), "--report", str(tmp_path / name), *nobody_there]) == 0
        )
    assert (tmp_path / "report.csv").read_bytes().decode() == report.as_csv(plan)
    with (tmp_path / "report.csv").open(newline="") as opened:
        [row] = csv.DictReader(opened)
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["items"] == [row]
    assert (row["file"], row["column"], row["value"]) == ("people.csv", "site", "XX9")
    assert written["acceptance_digest"] == plan.acceptance_digest


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--zone-rule", "Mars/Base"], "neither 'site' nor an IANA time zone"),
        (["--accept-as", "coordinator"], "nobody can accept"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    nobody_there: list[str], files: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    assert cli.main(["import", "--check", str(files), *more, *nobody_there]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
