"""What stops an import on its way (a killed importer, an owner that is away or refuses), and how it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from gateway_svc.handlers.imports.owners import HttpOwners, OwnerUnreachableError
from gateway_svc.handlers.services import unreachable
from plantfiles import Stage
from plantfiles.handover import parts
from servicekit.problems import conflict
from servicekit.testing.polling import eventually

from .conftest import Imports, refusal

pytestmark = pytest.mark.part("PL-29", "an import from the upload to the last row, accepted by two people")


class Dying(HttpOwners):
    """The process ends when the connection does."""

    async def send(self, *args: Any, **named: Any) -> None:
        try:
            await super().send(*args, **named)
        except OwnerUnreachableError:
            raise asyncio.CancelledError from None


async def interrupted(imports: Imports, kind: str) -> str:
    """A job whose block of that kind was taken while the importer that sent it died before it knew."""
    job = (await imports.uploaded())["id"]
    await imports.accepted(job)
    imports.plant.lose.add(kind)
    with pytest.raises(asyncio.CancelledError):
        await imports.importer(Dying(imports.services)).step()
    assert (await imports.show(job))["state"] == "COMMITTING"
    return job


@pytest.mark.parametrize("kind", ["sites", "people", "matrix"])
async def test_a_killed_importer_goes_on_where_it_was(imports: Imports, kind: str) -> None:
    job = await interrupted(imports, kind)
    assert await imports.importer().step()
    done = await imports.show(job)
    assert done["state"] == "DONE"
    rows = [(kind, row["key"]) for kind, row in imports.plant.rows]
    assert len(rows) == len(set(rows)) == done["progress"]["total"]


async def test_without_the_key_a_row_would_come_twice(imports: Imports) -> None:
    """The control: an owner that forgets keys takes the block of the lost answer again."""
    await interrupted(imports, "people")
    imports.plant.forgetful = True
    await imports.importer().step()
    people = [row["key"] for row in imports.plant.of("people")]
    assert len(people) == 2 * len(set(people))


async def test_an_owner_that_is_away_is_waited_for_then_resumed(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    await imports.accepted(job)
    imports.plant.refuse["documents"] = unreachable("qms", "cannot be reached")
    assert await imports.importer().step()
    failed = await imports.show(job)
    assert failed["state"] == "FAILED"
    assert failed["failure"]["code"] == "unreachable"
    assert "qms" in failed["failure"]["detail"]
    # Whether the block was taken is not known: it is not given up before that.
    other = (await imports.uploaded({"overlays.csv": b"overlay,name\nX1,Other\n"}))["id"]
    assert refusal(await imports.accept(other, "EVA")) == (409, "another-import")
    assert refusal(await imports.act(job, "withdraw")) == (409, "in-doubt")
    imports.plant.refuse.clear()
    assert (await imports.act(job, "resume")).status_code == 200
    assert await imports.importer().step()
    assert (await imports.show(job))["state"] == "DONE"
    assert refusal(await imports.act(job, "resume")) == (409, "not-failed")


async def test_a_refusal_of_an_owner_names_the_lines(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    await imports.accepted(job)
    imports.plant.refuse["people"] = conflict("person-exists", "ANA is known already")
    await imports.importer().step()
    failure = await failure_of(imports, job)
    assert (failure["code"], failure["file"], failure["first_line"]) == ("refused", "people.csv", "2")
    assert "ANA is known already" in failure["detail"]
    answer = await imports.act(job, "withdraw")
    assert answer.json()["state"] == "WITHDRAWN"
    # What was handed over before is known; the rest can come with a later import.
    imports.plant.refuse.clear()
    rest = await imports.uploaded()
    taken = {f["file"]: f["taken"] for f in rest["files"]}
    assert (taken["sites.csv"], taken["people.csv"]) == (0, 8)
    await imports.accepted(rest["id"])
    await imports.importer().step()
    assert (await imports.show(rest["id"]))["state"] == "DONE"
    rows = [(kind, row["key"]) for kind, row in imports.plant.rows]
    assert len(rows) == len(set(rows))


async def test_a_stage_waits_until_all_have_heard(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    await imports.accepted(job)
    imports.plant.standings["assignment"] = {"marks": 3}
    work = asyncio.ensure_future(imports.importer().step())
    shown = await eventually(lambda: _waiting(imports, job), deadline=5)
    assert shown["progress"]["stage"] == "organisation"
    assert shown["progress"]["waiting_for"] == {"assignment derives": 3}
    assert {kind for kind, _ in imports.plant.rows} <= {
        part.kind for part in parts() if part.stage is Stage.ORGANISATION
    }
    imports.plant.standings.clear()
    assert await work
    assert (await imports.show(job))["state"] == "DONE"


async def _waiting(imports: Imports, job: str) -> dict[str, Any]:
    shown = await imports.show(job)
    return shown if shown["progress"]["doing"] == "waits" else {}


async def test_no_progress_for_long_fails_and_says_what_is_missing(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    await imports.accepted(job)
    imports.plant.standings["matrix"] = {"acked": {"matrix.person": {"0": 4}}}
    imports.plant.standings["reporting"] = {"consumed": {"matrix.person": {"0": 2}}}
    await imports.importer().step()
    failure = await failure_of(imports, job)
    assert failure["code"] == "not-level"
    assert "reporting hears matrix.person: 3" in failure["detail"]


async def test_parked_events_fail_the_import(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    await imports.accepted(job)
    parked = {"topic": "matrix.person", "subject": "ANA", "events": 1}
    imports.plant.standings["records"] = {"parked": [parked]}
    await imports.importer().step()
    failure = await failure_of(imports, job)
    assert failure["code"] == "parked"
    assert "records: matrix.person ANA" in failure["detail"]


async def test_what_was_accepted_is_what_is_handed_over(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    await imports.accepted(job)
    with psycopg.connect(imports.admin_url, autocommit=True) as connection:
        connection.execute("UPDATE app.import_file SET content = content || 'x'::bytea")
    await imports.importer().step()
    shown = await imports.show(job)
    assert (shown["state"], shown["failure"]["code"]) == ("FAILED", "file-damaged")
    assert imports.plant.rows == []


async def test_the_worker_takes_up_what_is_accepted(imports: Imports) -> None:
    job = (await imports.uploaded())["id"]
    workers = [asyncio.ensure_future(imports.importer().run()) for _ in range(2)]
    await imports.accepted(job)
    try:
        await eventually(lambda: _state(imports, job, "DONE"), deadline=20)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    rows = [(kind, row["key"]) for kind, row in imports.plant.rows]
    assert len(rows) == len(set(rows))


async def _state(imports: Imports, job: str, state: str) -> bool:
    return (await imports.show(job))["state"] == state


async def failure_of(imports: Imports, job: str) -> dict[str, Any]:
    shown = await imports.show(job)
    assert shown["state"] == "FAILED"
    return shown["failure"]
