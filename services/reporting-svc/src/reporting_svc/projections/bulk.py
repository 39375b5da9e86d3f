"""COPY of rows that are nearly text already: a line at a time, escaped only where it must be.

The general `Tx.copy` hands each value to the driver; a batch of qualification events is thousands of rows, and this
is a third of the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import Any

from psycopg import sql
from servicekit.db import Tx

_NULL = "\x01"
_WORDS = {None: _NULL, True: "t", False: "f"}
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_BLOCK = 500


async def copy_lines(tx: Tx, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Values: text, numbers, booleans, None; everything else as PostgreSQL's literal. Names are trusted."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (NULL {})").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Literal(_NULL),
    )
    driver = await tx.driver()
    async with driver.cursor() as cursor, cursor.copy(statement) as out:
        for block in batched(lines(rows, len(columns)), _BLOCK, strict=False):
            await out.write("".join(block))


def lines(rows: Iterable[Sequence[object]], width: int) -> Iterator[str]:
    for row in rows:
        values = [value if type(value) is str else _word(value) for value in row]
        line = "\t".join(values)
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != width - 1:
            line = "\t".join([value.translate(_ESCAPES) for value in values])
        yield line + "\n"


def _word(value: Any) -> str:
    if value is None or value is True or value is False:
        return _WORDS[value]
    return str(value)
