"""What a running migration knows of its surroundings."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from servicekit.db.platform import Mode


@dataclass(frozen=True, slots=True)
class Parameters:
    """The service, its two roles, the mode of the database and its clock offset at creation."""

    service: str
    app_role: str
    owner_role: str
    mode: Mode
    clock_offset: timedelta = timedelta(0)


running: ContextVar[Parameters] = ContextVar("servicekit.db.migration")


def parameters() -> Parameters:
    """The parameters of the migration that is running. LookupError outside of one."""
    return running.get()
