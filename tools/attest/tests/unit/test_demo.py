"""The files of the demo: the small plant's people, 245 days later, about another document of the larger plant."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from attest.demo.fixture import FILES, moved
from attest.demo.people import PLAYERS
from attest.demo.story import EFFECTIVE, ITEM, STEPS, VERSION
from plantfiles import Known, check, read_directory, read_files

EXAMPLES = Path(__file__).parents[4] / "examples"
EXPORT_DATE = date(2026, 11, 1)


def rows(files: dict[str, bytes], name: str) -> dict[str, dict[str, str]]:
    return {row["employee_no"]: row for row in csv.DictReader(io.StringIO(files[name].decode()))}


def test_days_move_and_times_of_the_day_stay() -> None:
    files = moved(EXAMPLES / "fixture-f")
    assert set(files) == set(FILES)
    history = rows(files, "training_history.csv")
    # 27 May + 245 days is 27 January: the same wall clock, with the offset that Amsterdam has in winter.
    assert history["ANA"]["completed_at"] == "2026-01-27T22:40:00+01:00"
    assert history["GIL"]["completed_at"] == "2026-01-30T09:00:00-05:00"
    assert {(row["document"], row["version"]) for row in history.values()} == {("SOP-120", "4")}
    assert rows(files, "people.csv")["FAY"]["ended_on"] == "2026-11-20"
    assert rows(files, "leaves.csv")["CHI"] | {"kind": ""} == {
        "employee_no": "CHI",
        "from": "2026-11-01",
        "to": "2026-12-17",
        "kind": "",
    }


@pytest.mark.part("PL-29", "a generated larger plant is taken without a refusal")
def test_the_larger_plant_takes_every_row_of_them() -> None:
    plant = check(read_directory(EXAMPLES / "plant-a"), export_date=EXPORT_DATE)
    known: Known = plant.remember()
    people = check(read_files(moved(EXAMPLES / "fixture-f")), export_date=EXPORT_DATE, known=known)
    assert people.findings == ()
    assert {result.file: result.counts.refused for result in people.files} == dict.fromkeys(FILES, 0)


def test_the_story_fits_the_plant() -> None:
    plant = check(
        {n: s for n, s in read_directory(EXAMPLES / "plant-a").items() if n != "training_history.csv"},
        export_date=EXPORT_DATE,
    )
    numbers = [row.version for row in plant.taken("document_versions.csv") if row.document == ITEM]  # type: ignore[attr-defined]
    assert max(numbers) == VERSION - 1
    assert set(EFFECTIVE) == {row.site for row in plant.taken("sites.csv")}  # type: ignore[attr-defined]
    instants = [step.at for step in STEPS if step.at]
    assert instants == sorted(instants)


def test_the_players_are_the_people_of_the_small_plant_and_one_who_is_hired() -> None:
    people = rows({"people.csv": (EXAMPLES / "fixture-f" / "people.csv").read_bytes()}, "people.csv")
    assert {player.person for player in PLAYERS} == {*people, "DEV"}
    for player in PLAYERS:
        if row := people.get(player.person):
            assert (row["given_name"], row["family_name"]) == (player.given_name, player.family_name)
