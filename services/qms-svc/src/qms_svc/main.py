"""The composition root: everything that this service is, as data."""

from __future__ import annotations

from importlib.metadata import version

from attest_contracts import policy, topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from servicekit.policy import Policy
from servicekit.service import ServiceSpec, run

from qms_svc.api import changes, content, documents, imports
from qms_svc.handlers.signables import SIGNABLES
from qms_svc.inbound import INBOUND
from qms_svc.settings import QmsSettings

SPEC = ServiceSpec(
    name="qms",
    package="qms_svc",
    version=version("qms-svc"),
    topics=topics.load(),
    policy=Policy.of(policy.load()),
    validate=validate_outgoing,
    contracts=CONTRACTS,
    routers=[documents.router, changes.router, content.router, imports.router],
    inbound=INBOUND,
    signables=SIGNABLES,
    settings=QmsSettings,
)


def main() -> None:
    run(SPEC)


if __name__ == "__main__":
    main()
