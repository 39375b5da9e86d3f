"""The composition of the assignment service."""

from __future__ import annotations

from importlib.metadata import version

import attest_contracts
from attest_contracts import policy, topics
from attest_contracts.reading import CONTRACTS
from servicekit.lanes import Lanes, Limits
from servicekit.policy import Policy
from servicekit.service import LaneWork, Runtime, ServiceSpec, run

from assignment_svc.api import assignments, cells
from assignment_svc.db.base import LANES
from assignment_svc.handlers import looks
from assignment_svc.handlers.derive import derive_chunk
from assignment_svc.inbound import INBOUND


def lanes(runtime: Runtime) -> LaneWork:
    # Of a revision everybody has one cell: many people a chunk make batches that are worth their transactions wherever
    # they are read. After an import a person has dozens: the marks bound how long one transaction derives.
    return LaneWork(
        Lanes(
            runtime.database,
            LANES,
            limits=Limits(chunk=500, chunk_marks=4_500, one_chunk=20),
            reason="derives cells",
        ),
        derive_chunk,
    )


async def look(runtime: Runtime) -> int:
    return await looks.look(runtime.database)


SPEC = ServiceSpec(
    name="assignment",
    package="assignment_svc",
    version=version("assignment-svc"),
    topics=topics.load(),
    policy=Policy.of(policy.load()),
    validate=attest_contracts.validate_outgoing,
    contracts=CONTRACTS,
    routers=[cells.router, assignments.router],
    inbound=INBOUND,
    lanes=lanes,
    look=look,
)


def main() -> None:
    run(SPEC)


if __name__ == "__main__":
    main()
