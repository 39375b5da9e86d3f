"""Announces people and units, and keeps the access scope of this service in step with what it announces."""

from __future__ import annotations

from collections.abc import Sequence

from attest_contracts.models import matrix_organisation, matrix_person_v2
from attest_contracts.outgoing import Announcement
from plantkit import scope
from servicekit.bus.outbox import announce
from servicekit.db import Tx


async def announce_people(tx: Tx, announcements: Sequence[Announcement]) -> None:
    """Announces people; names may be among them."""
    await scope.keep_people(
        tx,
        [matrix_person_v2.State.model_validate(a.state) for a in announcements if a.topic == "matrix.person"],
    )
    await announce(tx, announcements)


async def announce_unit(tx: Tx, announcement: Announcement) -> None:
    """Announces a unit of the organisation."""
    await scope.keep_sites(tx, [matrix_organisation.State.model_validate(announcement.state)])
    await announce(tx, [announcement])
