"""Settings of the records service."""

from __future__ import annotations

from servicekit.settings import ServiceSettings


class RecordsSettings(ServiceSettings):
    """Nothing of its own yet beside what every service needs."""

    service: str = "records"
