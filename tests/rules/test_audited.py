"""The reporting service knows what the audit trails of the others speak of."""

from __future__ import annotations

import importlib

import pytest
from attest.platform.services import SERVICES
from reporting_svc.domain.vocabulary import AUDITED, ENTITY_OF


@pytest.mark.part("RP-06", "every table of facts and aggregates can be asked for in the trail")
@pytest.mark.part("PL-07", "every table of facts and aggregates can be asked for in the trail")
def test_every_table_of_facts_and_aggregates_can_be_asked_for() -> None:
    tables = [
        table
        for service in SERVICES
        for table in importlib.import_module(f"{service}_svc.db.tables").metadata.tables.values()
        if table.info["kind"] in ("fact", "aggregate")
    ]
    named = {table.name if table.schema == "app" else f"{table.schema}.{table.name}" for table in tables}
    assert named == AUDITED
    assert set(ENTITY_OF.values()) <= AUDITED
