"""Settings of the reporting service."""

from __future__ import annotations

from servicekit.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    """Nothing of its own yet beside what every service needs."""

    service: str = "reporting"
