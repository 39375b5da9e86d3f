"""Settings of the gateway, from the environment alone (`ATTEST_*`)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from servicekit.settings import ServiceSettings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SERVICES = ("matrix", "qms", "assignment", "records", "reporting")
OWN_NAME = "gateway"


class Tls(StrEnum):
    """The party that ends the browser's TLS connection (`ATTEST_TLS`)."""

    GATEWAY = "gateway"
    """The gateway itself, off the loopback; on it, plain http will do."""
    PROXY = "proxy"
    """A proxy in front, the only one that reaches this port: cookies and headers are those of TLS."""
    PUBLISHED_ON_LOOPBACK = "published-on-loopback"
    """Nobody: the port of this container is published on the host's loopback alone. Requests by any other name than
    the loopback's are refused, so that a port published by mistake serves nobody."""


class GatewaySettings(ServiceSettings):
    """internal_key_file: the private key of internal tokens (mode 0600). `<name>_url`: where each service answers.

    Durations are seconds, sizes bytes. build: the commit that was built, shown under About.
    tls: who speaks TLS with the browser.
    """

    service: str = OWN_NAME
    database_pool: int = 10
    internal_key_file: Path
    matrix_url: str = ""
    qms_url: str = ""
    assignment_url: str = ""
    records_url: str = ""
    reporting_url: str = ""
    connect_timeout: float = 2.0
    answer_timeout: float = 35.0
    largest_body: int = 25 * 1024 * 1024
    static_dir: Path = Path(__file__).parent / "static" / "app"
    build: str = ""
    tls: Tls = Tls.GATEWAY

    @property
    def urls(self) -> Mapping[str, str]:
        """name -> base URL of every configured service."""
        return {name: url for name in SERVICES if (url := getattr(self, f"{name}_url"))}

    @property
    def loopback(self) -> bool:
        return self.http_host in LOOPBACK

    @property
    def secure(self) -> bool:
        """Whether browsers reach the platform by TLS."""
        return self.tls_certificate is not None or self.tls == Tls.PROXY
