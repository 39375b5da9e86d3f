"""The archive: every envelope that was consumed, once, as it came, in the order in which it was read.

It is written in the transaction of the batch that brought the envelope, parked events included, before any fold;
`reporting_svc.projections.rebuild` folds it again. The values of `matrix.person-name` alone are left out: what is only ever added
to cannot forget a name, and that topic is compacted and kept for ever, so its owner's history serves instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from servicekit.bus import Received
from servicekit.bus.envelope import SOURCE_PREFIX
from servicekit.db import Tx

from reporting_svc.inbound import NAMES

_WITHHELD = {"withheld": "personal data"}


async def archive(tx: Tx, received: Sequence[Received]) -> None:
    """The consumer's hook. A record that is there already (a replay, another log) is passed over."""
    rows = [_row(one) for one in received]
    driver = await tx.driver()
    await driver.execute(
        'INSERT INTO archive.event (source, id, topic, partition, "offset", envelope, undecodable)'
        " SELECT r.source, r.id, r.topic, r.partition, r.place, r.envelope, r.undecodable"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::bigint[], %b::text[], %b::bytea[])"
        " WITH ORDINALITY AS r(source, id, topic, partition, place, envelope, undecodable, position)"
        " ORDER BY r.position ON CONFLICT (source, id) DO NOTHING",
        [[row[i] for row in rows] for i in range(7)],
    )


def _row(one: Received) -> tuple[str, str, str, int, int, str | None, bytes | None]:
    # An undecodable record names no source: the owner of its topic is the likely one.
    source = one.event.source if one.event else SOURCE_PREFIX + one.topic.partition(".")[0]
    text, rest = (None, None) if one.topic == NAMES and one.event is None else _content(one.value or b"")
    if one.topic == NAMES and text is not None:
        text = without_values(text)
    return source, one.id, one.topic, one.partition, one.offset, text, rest


def _content(value: bytes) -> tuple[str | None, bytes | None]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None, value
    return (None, value) if "\0" in text else (text, None)


def without_values(envelope: str) -> str:
    """The envelope of a name, without the name: that it came, of whom, when and by whom stays."""
    body = json.loads(envelope)
    body["data"] = {"state": {"person": body["subject"], **_WITHHELD}, "change": {"kind": "withheld"}}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
