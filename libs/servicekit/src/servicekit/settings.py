"""Settings of a service, from the environment alone (`ATTEST_*`)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Mode(StrEnum):
    """production refuses demo accounts, a moved clock and every fault hook."""

    PRODUCTION = "production"
    DEMO = "demo"
    TEST = "test"


class ServiceSettings(BaseSettings):
    """What every service needs to run.

    Durations are seconds. `internal_keys` is a JWK set file with the public keys of the gateway.
    """

    model_config = SettingsConfigDict(env_prefix="ATTEST_", extra="ignore", frozen=True)

    service: str = ""
    mode: Mode = Mode.PRODUCTION
    database_url: str
    owner_database_url: str = ""
    database_pool: int = 5
    kafka: str
    topic_prefix: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = 0
    internal_keys: Path
    state_dir: Path = Path(".attest")
    log_level: str = "INFO"
    trace_file: Path | None = None
    max_staleness: float = 600.0
    heartbeat_interval: float = 10.0
    clock_offset: float = 0.0
    tls_certificate: str | None = None
    tls_key: str | None = None

    @model_validator(mode="after")
    def _urls_are_postgresql(self) -> Self:
        for name in ("database_url", "owner_database_url"):
            value = getattr(self, name)
            if value and not value.startswith("postgresql://"):
                raise ValueError(f"ATTEST_{name.upper()} must start with postgresql://")
        return self
