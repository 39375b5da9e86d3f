"""The import worker in the composition of the gateway: a background loop of the role `worker`."""

from __future__ import annotations

from attest_contracts import topics
from servicekit.service import Runtime

from gateway_svc.handlers.imports.commit import Importer
from gateway_svc.handlers.imports.levels import routes
from gateway_svc.handlers.imports.owners import HttpOwners
from gateway_svc.handlers.services import Services
from gateway_svc.settings import GatewaySettings


async def import_jobs(runtime: Runtime) -> None:
    """Hands accepted imports over until it is cancelled."""
    assert isinstance(runtime.settings, GatewaySettings)
    services = Services.from_settings(runtime.settings)
    try:
        await Importer(runtime.database, HttpOwners(services), routes(topics.load())).run()
    finally:
        await services.close()
