"""The platform of `docker-compose.yml` under a project name of its own, built, started and removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import httpx
from servicekit.embedded.ports import free_port
from servicekit.testing import eventually_sync

from tests.e2e.api import PASSWORD, Api

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 1500.0
READY_SECONDS = 300.0


class Compose:
    """COMPOSE_FILE and .env count as they do for `docker-compose` itself."""

    def __init__(self) -> None:
        self.port = free_port(hold=False)
        self.base = f"http://localhost:{self.port}"
        self.admin: Api | None = None
        # The plugin of newer engines where there is one, else the program.
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        self._program = ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]
        if plugin.returncode != 0 and not shutil.which("docker-compose"):
            raise FileNotFoundError("neither `docker compose` nor `docker-compose` is installed")
        self._environment = os.environ | {
            "COMPOSE_PROJECT_NAME": f"attest-test-{uuid.uuid4().hex[:8]}",
            "PORT": str(self.port),
        }

    def run(self, *arguments: str, deadline: float = 120) -> str:
        """What a compose command printed; an AssertionError with its last words when it fails."""
        done = subprocess.run(
            [*self._program, *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=deadline,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {(done.stdout + done.stderr)[-3000:]}"
        return done.stdout

    def up(self) -> None:
        self.run("build", deadline=BUILD_SECONDS)
        self.run("up", "-d", deadline=READY_SECONDS)
        try:
            eventually_sync(lambda: self.answers("/readyz") == 200, deadline=READY_SECONDS, every=0.5)
        except TimeoutError as error:
            raise AssertionError(self.run("ps") + self.run("logs", "--tail", "20")[-8000:]) from error

    def down(self) -> None:
        self.run("down", "-v", "--timeout", "10")

    def answers(self, path: str, **headers: str) -> int:
        """The status of a GET without a session, 0 when nobody answers."""
        try:
            return httpx.get(self.base + path, headers=headers, timeout=20).status_code
        except httpx.HTTPError:
            return 0

    def first_administrator(self) -> Api:
        """Logged in with what stands in the gateway's volume, its password changed to PASSWORD."""
        if self.admin is None:
            told = self.run("exec", "-T", "gateway", "cat", "/var/lib/attest/secrets/first-administrator.txt")
            username, password = (line.split(": ", 1)[1] for line in told.splitlines())
            self.admin = Api(self.base).log_in(username, password)
            self.admin.change_password(PASSWORD)
        return self.admin
