"""Fixtures of the records service; what they are made of is in `records_testing.py`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from records_svc.main import SPEC
from servicekit.bus import configure
from servicekit.db import Database
from servicekit.db.testing import service_database
from servicekit.http.app import make_app
from servicekit.http.caller import TokenIssuer, TokenVerifier, new_key, public_set
from servicekit.http.commands import database_of
from servicekit.signing import Signables, signing_router
from servicekit.testing.plugin import DatabaseMaker

sys.path.insert(0, str(Path(__file__).parent))

from records_testing import PEOPLE, SITES, START, Records, assignment, document


@pytest.fixture
async def bare(database_factory: DatabaseMaker, tmp_path: Path) -> AsyncIterator[Records]:
    """An empty database: nobody and nothing is known."""
    urls = service_database(database_factory, "records_svc")
    key = new_key("test")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_set([key])))
    configure(SPEC.topics, validate=SPEC.validate)
    database = Database(urls.app_url, source=SPEC.name)
    app = make_app(
        name="records-svc",
        version=SPEC.version,
        routers=[*SPEC.routers, signing_router(Signables(SPEC.signables, database=database_of))],
        policy=SPEC.policy,
        verifier=TokenVerifier.from_file(keys, audience="records"),
        state={"database": database},
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://records") as client:
        yield Records(database, client, TokenIssuer(key), urls)
    await database.close()


@pytest.fixture
async def records(bare: Records) -> Records:
    """The people of two sites, SOP-101 with v2 and v3, v4 in its window and v5 in draft; ANA is to train v4."""
    bare.clock(START)
    await bare.fold("matrix.organisation", *SITES)
    await bare.fold("matrix.person", *PEOPLE)
    await bare.fold("qms.document", document())
    await bare.fold("assignment.assignment", assignment("ANA"))
    return bare
