"""The present names of people."""

from __future__ import annotations

from servicekit.db import Tx


async def names_of(tx: Tx, people: set[str]) -> dict[str, str]:
    """Person -> name. A person whose name is not known, or was erased, is left out."""
    rows = await tx.rows(
        "SELECT person, given_name || ' ' || family_name AS name FROM app.person_name WHERE person = ANY(:people)",
        {"people": sorted(people)},
    )
    return {row["person"]: row["name"] for row in rows}
