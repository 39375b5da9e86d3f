"""Fixtures of the qms service; what they are made of is in `qms_testing.py`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from qms_svc.main import SPEC
from qms_svc.settings import QmsSettings
from servicekit.db.testing import service_database
from servicekit.http.caller import TokenIssuer, new_key, public_set
from servicekit.service import Service
from servicekit.settings import Mode
from servicekit.testing.plugin import DatabaseMaker

sys.path.insert(0, str(Path(__file__).parent))

from qms_testing import SITES, START, Qms, import_plant


@pytest.fixture
async def bare(database_factory: DatabaseMaker, tmp_path: Path) -> AsyncIterator[Qms]:
    """An empty database: no site is known."""
    urls = service_database(database_factory, "qms_svc")
    key = new_key("test")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_set([key])))
    settings = QmsSettings(
        database_url=urls.app_url, kafka="127.0.0.1:1", internal_keys=keys, mode=Mode.TEST, state_dir=tmp_path
    )
    service = Service(SPEC, settings, frozenset({"api"}))
    transport = httpx.ASGITransport(app=service.app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://qms") as client:
        yield Qms(service.database, client, TokenIssuer(key), urls, settings)
    await service.database.close()


@pytest.fixture
async def qms(bare: Qms) -> Qms:
    """Sites NL1 and US1, the clock at 1 January 2027, SOP-101 v3 imported."""
    bare.clock(START)
    await bare.fold("matrix.organisation", *SITES)
    await import_plant(bare)
    return bare
