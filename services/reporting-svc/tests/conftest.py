"""Fixtures of the reporting service; what they are made of is in `reporting_testing.py`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from reporting_svc.main import SPEC
from servicekit.bus import configure
from servicekit.db import Database
from servicekit.db.testing import service_database
from servicekit.http.app import make_app
from servicekit.http.caller import TokenIssuer, TokenVerifier, new_key, public_set
from servicekit.testing.plugin import DatabaseMaker

sys.path.insert(0, str(Path(__file__).parent))

from reporting_testing import Reporting


@pytest.fixture
async def reporting(database_factory: DatabaseMaker, tmp_path: Path) -> AsyncIterator[Reporting]:
    """The service on an empty database, without Kafka."""
    urls = service_database(database_factory, "reporting_svc")
    key = new_key("test")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_set([key])))
    configure(SPEC.topics, validate=SPEC.validate)
    database = Database(urls.app_url, source=SPEC.name)
    app = make_app(
        name="reporting-svc",
        version=SPEC.version,
        routers=SPEC.routers,
        policy=SPEC.policy,
        verifier=TokenVerifier.from_file(keys, audience="reporting"),
        state={"database": database},
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://reporting") as client:
        yield Reporting(database, client, TokenIssuer(key), urls)
    await database.close()
