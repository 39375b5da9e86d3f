"""What this service listens to: everything.

`INBOUND` at the foot is the table: topic -> fold. Folds of bitemporal tables take every version in order.
"""

from __future__ import annotations

from functools import partial

from plantkit import scope
from servicekit.bus import Fold, Subscription

from reporting_svc.projections import fold
from reporting_svc.projections.fold import AUDIT_TOPICS

NAMES = "matrix.person-name"
SCOPE = {"matrix.person": scope.people, "matrix.organisation": scope.sites}


def folds(schema: str = fold.LIVE) -> dict[str, Fold]:
    """What can be folded again from the archive, into the tables of a schema."""
    found = {topic: fold.bitemporal(topic, schema) for topic in fold.BITEMPORAL}
    for topic, kept in SCOPE.items():
        found[topic] = fold.after(found[topic], partial(kept, schema=schema))
    return found | dict.fromkeys(AUDIT_TOPICS, fold.audit(schema))


INBOUND: dict[str, Fold | Subscription] = {
    **{topic: Subscription(each, versions="every") for topic, each in folds().items()},
    NAMES: fold.names,
}
