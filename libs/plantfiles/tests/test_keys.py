"""Keys and running again (C-30)."""

from __future__ import annotations

import dataclasses

import pytest
from plantfiles import Known, from_dict
from plantfiles.codec import as_dict
from plantfiles.handover import blocks
from plantfiles.kinds.people import Person


@pytest.mark.req("C-30")
def test_the_same_row_again_is_ignored_and_counted(plant, told) -> None:
    plant.add("training_history.csv", "P1,SOP-1,1,2024-02-05T09:00:00+01:00,read,,,L-1")
    plan = plant.check()
    assert told(plan) == ["I training_history.csv:4 source_record IDENTICAL_ROW"]
    assert plan.findings[0].message.endswith("line 4 repeats line 2")
    counts = plan.counts("training_history.csv")
    assert (counts.rows, counts.taken, counts.refused, counts.identical) == (3, 2, 0, 1)


@pytest.mark.req("C-30")
def test_the_same_key_with_other_content_is_refused_and_both_lines_are_named(plant, told) -> None:
    plant.add("training_history.csv", "P1,SOP-1,1,2024-02-06T09:00:00+01:00,read,,,L-1")
    plan = plant.check()
    assert told(plan) == ["R training_history.csv:4 source_record DUPLICATE_KEY"]
    assert plan.findings[0].value == "L-1"
    assert plan.findings[0].message.endswith("line 2 was taken, line 4 is not")


@pytest.mark.req("C-30")
@pytest.mark.part("C-31", "a refused row claims no key")
def test_a_refused_row_claims_no_key(plant, told) -> None:
    plant.change("people.csv", "P2,Bob", "P2,=Bob")
    plant.add(
        "people.csv", "P2,Bob,Hill,,contractor,US1,Production,,OPR,2024-03-01,,,2024-03-01,2026-06-01,en"
    )
    plan = plant.check()
    assert told(plan) == ["R people.csv:3 given_name NAME_FORMULA"]
    assert [row.line for row in plan.taken("people.csv")] == ["2", "4", "5"]


@pytest.mark.req("C-30")
def test_the_key_of_a_spell_is_all_it_says(plant, told) -> None:
    plant.add("people_overlays.csv", "P3,TRN,2024-01-01,2025-01-01", "P3,TRN,2024-01-01,")
    plan = plant.check()
    assert told(plan) == ["I people_overlays.csv:4  IDENTICAL_ROW"]
    assert plan.counts("people_overlays.csv").taken == 2


@pytest.mark.part("C-30", "an id cannot mean two things")
def test_an_id_cannot_mean_two_things(plant, told) -> None:
    plant.add("sites.csv", "NL1,Leiden,Europe/Paris")
    plan = plant.check()
    assert told(plan) == ["R sites.csv:4 site DUPLICATE_KEY"]


@pytest.mark.req("C-30")
def test_running_again_changes_nothing(plant, told) -> None:
    plant.add("training_history.csv", "P1,SOP-1,1,2024-07-05T09:00:00+01:00,read,,,L-3", "P9,,,,,,,L-4")
    first = plant.check()
    again = plant.check(known=first.remember())
    for result in again.files:
        counts = first.counts(result.file)
        assert result.taken == ()
        assert result.counts.identical == result.counts.unchanged == counts.taken
        assert result.counts.refused == counts.refused
    assert told(again) == [line for line in told(first) if line.startswith("R")]


@pytest.mark.part("C-30", "order of rows and columns line ends and byte order mark are no change")
def test_order_of_rows_and_columns_line_ends_and_byte_order_mark_are_no_change(plant, told) -> None:
    known = plant.check().remember()
    plant.files["overlays.csv"] = "name,overlay\r\nTrainer,TRN\r\n".encode("utf-8-sig")
    plant.files["sites.csv"] = (
        "site,name,time_zone\nUS1,Raleigh,America/New_York\nNL1,Leiden,Europe/Amsterdam\n"
    )
    again = plant.check(known=known)
    assert told(again) == []
    assert sum(result.counts.taken for result in again.files) == 0


@pytest.mark.req("C-30")
def test_other_content_than_before_is_a_conflict_and_never_an_update(plant, told) -> None:
    known = plant.check().remember()
    plant.change("people.csv", "P1,Ann", "P1,Anna")
    plant.change("training_history.csv", "T09:00:00-05:00,quiz,80", "T09:00:00-05:00,quiz,81")
    plant.sheets["By area"][1][2] = "R"
    again = plant.check(known=known)
    assert told(again) == [
        "R people.csv:2 employee_no CONFLICTS_WITH_IMPORTED",
        "R training_history.csv:3 source_record CONFLICTS_WITH_IMPORTED",
        "R matrix.xlsx:By area!C2 NL1/GA CONFLICTS_WITH_IMPORTED",
    ]
    assert sum(result.counts.taken for result in again.files) == 0
    for result in again.files:
        counts = result.counts
        assert counts.rows == counts.taken + counts.refused + counts.identical


@pytest.mark.part("C-30", "letters of a cell in another order are no conflict")
@pytest.mark.part("C-34", "letters of a cell in another order are no conflict")
def test_letters_of_a_cell_in_another_order_are_no_conflict(plant, told) -> None:
    known = plant.check().remember()
    plant.sheets["By equipment"][1][2] = "OR24"
    assert told(plant.check(known=known)) == []


@pytest.mark.part("C-30", "another zone rule is another content")
@pytest.mark.part("C-33", "another zone rule is another content")
def test_another_zone_rule_is_another_content(plant, told) -> None:
    plant.add("training_history.csv", "P1,SOP-1,1,2024-07-05T09:00:00,read,,,L-3")
    known = plant.check(zone_rule="site").remember()
    assert told(plant.check(zone_rule="site", known=known)) == []
    again = plant.check(zone_rule="UTC", known=known)
    assert told(again) == ["R training_history.csv:4 source_record CONFLICTS_WITH_IMPORTED"]


def test_later_files_may_refer_to_an_earlier_import(plant, told) -> None:
    known = plant.check().remember()
    history = plant.files["training_history.csv"]
    plant.files = {"training_history.csv": history}
    plant.sheets = {}
    plant.add("training_history.csv", "P1,SOP-1,2,2025-02-05T09:00:00+01:00,read,,,L-3")
    contents = {name: content for name, content in plant.bytes().items() if name != "matrix.xlsx"}
    from plantfiles import check, read_files

    from_before = check(read_files(contents), export_date=plant.check().export_date, known=known)
    assert told(from_before) == []
    assert from_before.counts("training_history.csv").taken == 1
    alone = check(read_files(contents), export_date=from_before.export_date, known=Known(known.digests))
    assert {finding.reason for finding in alone.findings} == {"PERSON_UNKNOWN"}


def test_a_person_in_conflict_is_still_the_person_imported_before(plant, told) -> None:
    known = plant.check().remember()
    plant.change("people.csv", "P1,Ann", "P1,Anna")
    plant.add("training_history.csv", "P1,SOP-1,2,2025-02-05T09:00:00+01:00,read,,,L-3")
    again = plant.check(known=known)
    assert told(again) == ["R people.csv:2 employee_no CONFLICTS_WITH_IMPORTED"]
    assert again.counts("training_history.csv").taken == 1


def test_rows_survive_the_way_through_json(plant) -> None:
    import json

    plant.add("training_history.csv", "P1,SOP-1,1,2024-07-05T09:00:00+02:00,quiz,87.5,,L-3")
    for result in plant.check().files:
        for row in result.taken:
            assert from_dict(json.loads(json.dumps(as_dict(row)))) == row


def test_keys_and_digests(plant) -> None:
    plan = plant.check()
    assert len({result.sha256 for result in plan.files}) == len(plan.files)
    row = plan.taken("people.csv")[0]
    assert isinstance(row, Person)
    assert row.key == row.employee_no == "P1"
    block = next(block for block in blocks(plan, []) if block.file == "people.csv")
    assert block.idempotency_key.startswith(f"import:{plan.by_file['people.csv'].sha256}:people:3:")
    assert plan.batch_digest == plant.check(zone_rule="site").batch_digest
    assert plan.acceptance_digest != plant.check(zone_rule="site").acceptance_digest
    plant.add("overlays.csv", "FF,Responder")
    assert plant.check().batch_digest != plan.batch_digest


def test_blocks_carry_every_row_once_in_the_order_of_stages(plant) -> None:
    plan = plant.check()
    sizes = [(block.file, len(block.items)) for block in blocks(plan, [], 2)]
    assert sizes[0] == ("sites.csv", 2)
    assert [size for file, size in sizes if file == "people.csv"] == [2, 1]
    assert sizes[-1][0] == "matrix.xlsx"
    assert sum(size for _, size in sizes) == sum(result.counts.taken for result in plan.files)


def test_rows_cannot_be_changed(plant) -> None:
    row = plant.check().taken("people.csv")[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.key = "P2"
