"""The service starts alone, as a process of its own, and answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from servicekit.db.testing import service_database
from servicekit.embedded.ports import free_port
from servicekit.http.caller import new_key, public_set
from servicekit.testing import eventually_sync
from servicekit.testing.plugin import DatabaseMaker


@pytest.mark.part("PL-24", "the process of the API serves alone")
def test_the_api_process_is_alive_and_refuses_the_unknown(database_factory: DatabaseMaker, tmp_path: Path):
    urls = service_database(database_factory, "records_svc")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_set([new_key("k")])))
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATTEST_")} | {
        "ATTEST_DATABASE_URL": urls.app_url,
        "ATTEST_MODE": "test",
        # Only the roles worker and relay speak with Kafka.
        "ATTEST_KAFKA": "127.0.0.1:1",
        "ATTEST_INTERNAL_KEYS": str(keys),
        "ATTEST_HTTP_PORT": str(port),
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "records_svc.main", "--roles", "api", "--no-prepare"],
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        base = f"http://127.0.0.1:{port}"

        def alive() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return httpx.get(f"{base}/livez").status_code == 200
            except httpx.TransportError:
                return False

        eventually_sync(alive, deadline=90)
        assert httpx.get(f"{base}/api/records").status_code == 401
        assert httpx.get(f"{base}/internal/bus").status_code == 401
        paths = httpx.get(f"{base}/openapi.json").json()["paths"]
        assert "/api/records/{record}" in paths
        assert "/signing/sign" in paths
    finally:
        process.terminate()
        assert process.wait(15) in (0, -15), log.read_text()
