"""The access scope of a database that was there before the table: the migration fills it as the fold would."""

from __future__ import annotations

from typing import Any

import pytest
from plantkit.scope import PRESENT
from servicekit.db.migrate import down, migrate
from servicekit.testing.harness import RunningService

pytestmark = pytest.mark.infra
BEFORE = {
    "matrix": "8c41f06be27d",
    "assignment": "6eaeca778d3a",
    "records": "7f3c15d8e902",
    "reporting": "e024daa074c8",
}
_STRETCHES = "SELECT * FROM app.person_scope ORDER BY person, from_on"
_ZONES = "SELECT * FROM app.site_zone ORDER BY site"


def again(service: RunningService) -> None:
    """Takes the migration back and makes it once more."""
    name = service.service.spec.name
    down(service.urls.owner_url, f"{name}_svc", "test", BEFORE[name])
    migrate(service.urls.owner_url, f"{name}_svc", "test")


@pytest.mark.parametrize("name", ["matrix", "assignment", "reporting"])
async def test_the_migration_fills_what_the_fold_would(plant: dict[str, RunningService], name: str) -> None:
    service = plant[name]
    kept = service.sql(_STRETCHES), service.sql(_ZONES)
    assert len(kept[0]) > 11
    again(service)
    assert (service.sql(_STRETCHES), service.sql(_ZONES)) == kept


async def test_records_kept_no_job_functions_and_reads_people_again(plant: dict[str, RunningService]) -> None:
    service = plant["records"]
    before, zones = placed(service), service.sql(_ZONES)
    again(service)
    assert (placed(service), service.sql(_ZONES)) == (before, zones)
    assert service.sql("SELECT DISTINCT job_functions FROM app.person_scope") == [{"job_functions": []}]
    assert not service.sql("SELECT FROM bus.seen WHERE topic = 'matrix.person'")
    assert {
        row["next"] for row in service.sql("SELECT next FROM bus.consumed WHERE topic = 'matrix.person'")
    } == {None}


def placed(service: RunningService) -> list[dict[str, Any]]:
    return service.sql(f"SELECT person, site, area, supervisor FROM ({PRESENT}) present ORDER BY person")
