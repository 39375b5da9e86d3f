"""An import from the upload to the last row; what stops one on its way stands in `test_interruptions.py`."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from dataclasses import replace
from datetime import date

import psycopg
import pytest
from plantfiles import Stage, check, read_files, report
from plantfiles.handover import parts

from .conftest import POLICY, Imports, fields_of, fixture_files, refusal

pytestmark = pytest.mark.part("PL-29", "an import from the upload to the last row, accepted by two people")


def changed(files: dict[str, bytes], file: str, old: str, new: str) -> dict[str, bytes]:
    content = files[file].replace(old.encode(), new.encode())
    assert content != files[file]
    return {**files, file: content}


# --- the check


async def test_an_upload_is_checked_and_nothing_is_handed_over(imports: Imports) -> None:
    job = await imports.uploaded()
    assert job["state"] == "CHECKED"
    assert all(f["rows"] == f["taken"] + f["refused"] + f["identical"] for f in job["files"])
    assert {f["file"]: f["taken"] for f in job["files"]}["people.csv"] == 8
    assert job["progress"] == {
        "stage": "",
        "doing": "",
        "sent": 0,
        "total": sum(f["taken"] for f in job["files"]),
        "waiting_for": {},
        "at": None,
    }
    assert not await imports.importer().step()
    assert imports.plant.rows == []


async def test_a_zip_is_the_same_batch(imports: Imports) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in fixture_files().items():
            archive.writestr(name, content)
    zipped = await imports.uploaded({"fixture.zip": data.getvalue()})
    assert zipped["batch_digest"] == (await imports.uploaded())["batch_digest"]


async def test_the_report_names_each_row(imports: Imports) -> None:
    files = changed(fixture_files(), "people.csv", "GIL,Gil,", "GIL,=cmd(),")
    files = changed(files, "people.csv", "Vermeer,ana", "Vermeer\u200b,ana")
    job = await imports.uploaded(files)
    client = imports.client("AUD", "qa_approver")
    url = f"/api/imports/{job['id']}/report"
    first = (await client.get(url, params={"limit": 1})).json()
    assert first["questions"] == []
    assert first["files"] == job["files"]
    found, cursor = list(first["items"]), first["next"]
    while cursor:
        page = (await client.get(url, params={"limit": 1, "cursor": cursor})).json()
        found, cursor = found + page["items"], page["next"]
    refused = [
        (f["file"], f["line"], f["column"], f["value"], f["reason"]) for f in found if f["severity"] == "R"
    ]
    assert ("people.csv", "6", "given_name", "=cmd()", "NAME_FORMULA") in refused
    assert ("people.csv", "2", "family_name", "Vermeer\u200b", "NAME_CONTROL") in refused
    assert job["findings"]["R"] == len(refused)
    answer = await client.get(url, headers={"accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["reason"] for line in lines] == [f["reason"] for f in found]
    # A spreadsheet opens it, and nothing in it runs or hides.
    assert not any(value.startswith(("=", "+", "@")) for line in lines for value in line.values())
    assert "\\u200b" in answer.text
    # `attest import --check` writes the same bytes without a platform.
    plan = check(read_files(files), export_date=date.fromisoformat(job["export_date"]))
    assert answer.text == report.as_csv(plan)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"export_date": ""}, "export_date"),
        ({"export_date": "1 March"}, "export_date"),
        ({"zone_rule": "Mars/Base"}, "zone_rule"),
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"reason": " "}, "reason"),
        ({"migrated_counts": "some"}, "migrated_counts"),
    ],
)
async def test_a_bad_field_is_named(imports: Imports, fields: dict[str, str], field: str) -> None:
    answer = await imports.upload(fields=fields)
    assert answer.status_code == 422
    assert fields_of(answer) == [field]


async def test_who_may_import_and_who_may_not(imports: Imports) -> None:
    operator = imports.client("ANA", "operator")
    assert refusal(await imports.upload(who=operator)) == (403, "not-allowed")
    assert (await operator.get("/api/imports")).status_code == 403
    elsewhere = imports.client("COR", "coordinator", site="NL1")
    assert refusal(await imports.upload(who=elsewhere)) == (403, "scope")
    job = await imports.uploaded()
    assert refusal(await imports.accept(job["id"], "ANA", "operator")) == (403, "not-allowed")
    scoped = imports.client("COR", "coordinator", site="NL1")
    answer = await imports.service.sign(scoped, "import_batch", job["id"], "accept", signer="COR")
    assert refusal(answer) == (403, "scope")


async def test_a_dry_run_stays_one(imports: Imports) -> None:
    job = await imports.uploaded(dry_run="true")
    assert (job["state"], job["dry_run"]) == ("CHECKED", True)
    assert refusal(await imports.accept(job["id"], "EVA")) == (409, "dry-run")
    with psycopg.connect(imports.service.database.url) as connection:
        [kept] = connection.execute("SELECT count(*) FROM app.import_file").fetchone() or [None]
    assert kept == 0


async def test_jobs_are_listed_newest_first(imports: Imports) -> None:
    made = [(await imports.uploaded(reason=f"number {n}"))["id"] for n in range(3)]
    client = imports.client("COR", "coordinator")
    page = (await client.get("/api/imports", params={"limit": 2})).json()
    rest = (await client.get("/api/imports", params={"limit": 2, "cursor": page["next"]})).json()
    assert [job["id"] for job in page["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert refusal(await client.get("/api/imports/x")) == (404, "not-found")


async def test_the_same_key_gives_the_same_job(imports: Imports) -> None:
    client = imports.client("COR", "coordinator")
    client.headers["idempotency-key"] = "once"
    first, second = [await imports.upload(who=client) for _ in range(2)]
    assert first.json()["id"] == second.json()["id"]
    other = await imports.upload(fields={"export_date": "2026-03-02"}, who=client)
    assert refusal(other) == (422, "key-reused")


# --- acceptance


@pytest.mark.part("R-35", "two different people accept")
async def test_two_different_people_accept(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    first = await imports.accept(job, "COR")
    assert first.status_code == 200
    assert (await imports.show(job))["state"] == "ACCEPTED_ONCE"
    assert not await imports.importer().step()
    assert refusal(await imports.accept(job, "COR")) == (403, "two-people")
    second = await imports.accept(job, "EVA")
    assert second.status_code == 200
    shown = await imports.show(job)
    assert shown["state"] == "ACCEPTED"
    assert [a["person"] for a in shown["accepted_by"]] == ["COR", "EVA"]
    assert [a["signature"] for a in shown["accepted_by"]] == [first.json()["id"], second.json()["id"]]
    # Both signed the same content.
    assert first.json()["digest"] == second.json()["digest"]
    assert refusal(await imports.accept(job, "QUE")) == (409, "not-acceptable")


@pytest.mark.part("R-35", "the signature binds files counts and policy")
@pytest.mark.part("R-62", "the signature binds files counts and policy")
async def test_the_signature_binds_files_counts_and_policy(imports: Imports) -> None:
    job = await imports.uploaded()
    client = imports.client("EVA", "qa_approver")
    body = {"kind": "import_batch", "key": job["id"], "meaning": "accept"}
    shown = (await client.post("/signing/prepare", json=body)).json()["display"]
    assert shown["acceptance_digest"] == job["acceptance_digest"]
    assert shown["migrated_counts"] is True
    assert {f["file"]: f["sha256"] for f in shown["files"]} == {f["file"]: f["sha256"] for f in job["files"]}
    other = {"kind": "import_batch", "key": job["id"], "meaning": "approve"}
    assert (await client.post("/signing/prepare", json=other)).status_code == 422


@pytest.mark.req("R-62", "C-36")
@pytest.mark.part("PL-29", "that migrated records do not count is signed and travels with them")
async def test_that_migrated_records_do_not_count_is_signed_and_travels_with_them(imports: Imports) -> None:
    counts = await imports.uploaded()
    job = await imports.uploaded(migrated_counts="false")
    assert (counts["migrated_counts"], job["migrated_counts"]) == (True, False)
    assert job["batch_digest"] == counts["batch_digest"]
    assert job["acceptance_digest"] != counts["acceptance_digest"]
    meanings = {}
    for one in (counts, job):
        body = {"kind": "import_batch", "key": one["id"], "meaning": "accept"}
        prepared = (await imports.client("EVA", "qa_approver").post("/signing/prepare", json=body)).json()
        assert prepared["display"]["migrated_counts"] is one["migrated_counts"]
        meanings[one["migrated_counts"]] = prepared["meaning_text"]
    assert "count as evidence" in meanings[True]
    assert "allow nobody to work" in meanings[False]
    await imports.accepted(job["id"])
    assert await imports.importer().step()
    assert (await imports.show(job["id"]))["state"] == "DONE"
    told = {block["kind"]: block.get("migrated_counts") for block in imports.plant.blocks}
    assert {kind: value for kind, value in told.items() if value is not None} == {"training_history": False}


async def test_one_person_twice_at_once_is_one_person(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    answers = await asyncio.gather(*(imports.accept(job, "EVA") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403]
    assert (await imports.show(job))["state"] == "ACCEPTED_ONCE"


@pytest.mark.part(
    "R-35", "control: without the look at who accepted one person accepts twice and the batch is written"
)
async def test_control_without_the_look_at_who_accepted_one_person_accepts_twice_and_the_batch_is_written(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = [replace(rule, fields=()) for rule in POLICY.segregation]
    monkeypatch.setattr(POLICY, "segregation", forgetful)
    job = (await imports.uploaded())["id"]
    await imports.accepted(job, "EVA", "EVA")
    assert await imports.importer().step()
    shown = await imports.show(job)
    assert [each["person"] for each in shown["accepted_by"]] == ["EVA", "EVA"]
    assert shown["state"] == "DONE"
    assert len(imports.plant.of("people")) == 8


async def test_every_rule_of_the_policy_about_imports_is_broken_here(imports: Imports) -> None:
    rules = {rule.id: rule for rule in POLICY.segregation if rule.action.split(".")[0] == "import"}
    assert set(rules) == {"import-two-people"}
    job = (await imports.uploaded())["id"]
    await imports.accepted(job, "EVA")
    refused = await imports.accept(job, "EVA")
    assert refusal(refused) == (403, rules["import-two-people"].code)
    assert refused.json()["detail"] == rules["import-two-people"].message


async def test_control_without_the_rule_one_person_is_enough(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(POLICY, "segregation", [])
    job = (await imports.uploaded())["id"]
    await imports.accepted(job, "EVA")
    assert (await imports.show(job))["state"] == "ACCEPTED"


async def test_one_import_at_a_time(imports: Imports) -> None:
    one, two = (await imports.uploaded())["id"], (await imports.uploaded())["id"]
    await imports.accepted(one, "COR")
    await imports.accepted(two, "COR")
    answers = await asyncio.gather(imports.accept(one, "EVA"), imports.accept(two, "EVA"))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await imports.importer().step()
    late = one if answers[1].status_code == 200 else two
    # The other one was checked when nothing was known.
    assert refusal(await imports.accept(late, "EVA")) == (409, "stale")


# --- handing over


@pytest.mark.part("PL-29", "every taken row reaches its owner once in the order of the stages")
@pytest.mark.part("R-62", "every taken row reaches its owner once in the order of the stages")
async def test_every_taken_row_reaches_its_owner_once_in_the_order_of_the_stages(imports: Imports) -> None:
    job = await imports.uploaded()
    await imports.accepted(job["id"])
    assert await imports.importer().step()
    done = await imports.show(job["id"])
    assert (done["state"], done["failure"]) == ("DONE", None)
    assert done["progress"]["sent"] == done["progress"]["total"] == len(imports.plant.rows)
    for file in job["files"]:
        kind = file["file"].partition(".")[0]
        assert len(imports.plant.of(kind)) == file["taken"], kind
    order = [part.kind for part in parts()]
    kinds = [block["kind"] for block in imports.plant.blocks]
    assert kinds == sorted(kinds, key=order.index)
    owners = {part.kind: part.service for part in parts()}
    for block in imports.plant.blocks:
        assert block["service"] == owners[block["kind"]]
        assert block["accepted_by"] == ["COR", "EVA"]
        assert block["batch"] == job["id"]
        assert block["sha256"] in [f["sha256"] for f in job["files"]]
    # In the uploader's name, under a right that he has.
    assert imports.plant.actors == {"account/COR COR"}
    assert imports.plant.asked >= len(Stage)


async def test_again_changes_nothing(imports: Imports) -> None:
    await imports.accepted((await imports.uploaded())["id"])
    await imports.importer().step()
    sent = list(imports.plant.rows)
    again = await imports.uploaded()
    assert again["state"] == "DONE"
    assert all(f["identical"] == f["rows"] and f["taken"] == f["refused"] == 0 for f in again["files"])
    assert not await imports.importer().step()
    assert imports.plant.rows == sent


@pytest.mark.part("C-30", "what was imported is never updated")
async def test_what_was_imported_is_never_updated(imports: Imports) -> None:
    await imports.accepted((await imports.uploaded())["id"])
    await imports.importer().step()
    files = changed(fixture_files(), "people.csv", "Vermeer", "Verbeek")
    files = {
        "people.csv": files["people.csv"]
        + b"NEW,Nia,Newman,,employee,NL1,Production,GA,OPR,2026-02-01,D,SAM,2026-02-01,,en\n"
    }
    job = await imports.uploaded(files)
    [counts] = job["files"]
    assert (counts["taken"], counts["refused"], counts["identical"]) == (1, 1, 7)
    assert counts["reasons"]["R"] == {"CONFLICTS_WITH_IMPORTED": 1}
    await imports.accepted(job["id"])
    await imports.importer().step()
    assert [row["employee_no"] for row in imports.plant.of("people")][-1] == "NEW"
    assert len(imports.plant.of("people")) == 9
