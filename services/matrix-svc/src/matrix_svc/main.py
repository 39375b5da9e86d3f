"""The composition of the matrix service."""

from __future__ import annotations

from importlib.metadata import version

import attest_contracts
from attest_contracts import policy, topics
from attest_contracts.reading import CONTRACTS
from servicekit.lanes import Lanes
from servicekit.policy import Policy
from servicekit.service import LaneWork, Runtime, ServiceSpec, run

from matrix_svc.api import imports, organisation, people, requirements
from matrix_svc.db.tables import LANES
from matrix_svc.handlers.obligations import derive
from matrix_svc.handlers.rosters import publish_history
from matrix_svc.handlers.versions import MatrixVersionSignable
from matrix_svc.inbound import INBOUND


def lanes(runtime: Runtime) -> LaneWork:
    return LaneWork(Lanes(runtime.database, LANES, reason="derives obligations"), derive)


SPEC = ServiceSpec(
    name="matrix",
    package="matrix_svc",
    version=version("matrix-svc"),
    topics=topics.load(),
    policy=Policy.of(policy.load()),
    validate=attest_contracts.validate_outgoing,
    contracts=CONTRACTS,
    routers=[people.router, organisation.router, requirements.router, imports.router],
    inbound=INBOUND,
    lanes=lanes,
    background=[publish_history],
    signables={"matrix_version": MatrixVersionSignable()},
)


def main() -> None:
    run(SPEC)


if __name__ == "__main__":
    main()
