"""Settings of the qms service."""

from __future__ import annotations

from servicekit.settings import ServiceSettings


class QmsSettings(ServiceSettings):
    """Nothing of its own yet beside what every service needs."""

    service: str = "qms"
