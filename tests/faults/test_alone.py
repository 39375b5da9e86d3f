"""Each service installs, imports and serves `/livez` alone: no other service, no Kafka, nobody to ask.

The environment of each is made from the lock file with what that service depends on and nothing else. It brings its
own database into being, and answers, although it is not ready: what it announces waits in its database.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from attest.platform.services import SERVICES, make_keys
from attest.platform.state import StateDir
from servicekit.db.migrate import current, head
from servicekit.embedded.ports import free_port
from servicekit.testing import eventually_sync
from servicekit.testing.plugin import DatabaseMaker

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("faults")]


def uv() -> str:
    own = ROOT / ".attest" / "boot" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    assert found, "uv installs a service alone: make brings it, or it is on the PATH"
    return found


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The interpreter of an environment that has one service alone, by service."""
    program, folder = uv(), tmp_path_factory.mktemp("alone")

    def install(service: str) -> Path:
        done = subprocess.run(
            [program, "sync", "--package", f"{service}-svc", "--no-dev", "--locked", "--quiet"],
            cwd=ROOT,
            env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder / service), "UV_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return folder / service / "bin" / "python"

    with ThreadPoolExecutor(2) as pool:
        yield dict(zip(SERVICES, pool.map(install, SERVICES), strict=True))
    shutil.rmtree(folder, ignore_errors=True)


def nobody_else_is_there(python: Path, service: str) -> None:
    """What can be imported in its environment is itself, and none of the others."""
    others = [f"{name}_svc" for name in SERVICES if name != service] + ["attest"]
    assert all(importlib.util.find_spec(name) for name in others), "here they can all be found"
    names = [f"{service}_svc", *others]
    look = (
        "import importlib.util, sys, json;"
        f"json.dump([n for n in {names!r} if importlib.util.find_spec(n)], sys.stdout)"
    )
    done = subprocess.run([str(python), "-I", "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [f"{service}_svc"]


@pytest.mark.parametrize("service", SERVICES)
def test_it_installs_imports_and_serves_alone(
    pythons: dict[str, Path], service: str, database_factory: DatabaseMaker, tmp_path: Path
) -> None:
    nobody_else_is_there(pythons[service], service)
    database, port = database_factory(), free_port()
    owner, app = database.role(f"{service}_owner"), database.role(f"{service}_app")
    with database.connect() as connection:
        connection.execute(f"ALTER DATABASE {database.name} OWNER TO {service}_owner".encode())
    state = StateDir(tmp_path / "state")
    state.make()
    private, public = make_keys(state)
    log = tmp_path / "log"
    environment = {
        "PATH": os.environ["PATH"],
        "ATTEST_DATABASE_URL": app,
        "ATTEST_OWNER_DATABASE_URL": owner,
        # Nobody listens there.
        "ATTEST_KAFKA": f"127.0.0.1:{free_port()}",
        "ATTEST_HTTP_PORT": str(port),
        "ATTEST_MODE": "test",
        "ATTEST_INTERNAL_KEYS": str(public),
        "ATTEST_INTERNAL_KEY_FILE": str(private),
        "ATTEST_STATE_DIR": str(state.path),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(pythons[service]), "-m", f"{service}_svc.main", "--roles", "api"],
            env=environment,
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:

        def alive() -> bool:
            assert process.poll() is None, log.read_text()[-3000:]
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5, trust_env=False)
            except httpx.TransportError:
                return False
            return answer.status_code == 200

        eventually_sync(alive, deadline=90, every=0.1)
        assert current(owner) == head(f"{service}_svc")
    finally:
        process.terminate()
        process.wait(30)
