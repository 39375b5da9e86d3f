"""The composition root: everything that this service is, as data."""

from __future__ import annotations

from importlib.metadata import version

from attest_contracts import policy, topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from servicekit.policy import Policy
from servicekit.service import ServiceSpec, run

from reporting_svc.api import audit, qualification, reports
from reporting_svc.inbound import INBOUND
from reporting_svc.projections.archive import archive
from reporting_svc.settings import ReportingSettings

_POLICY = policy.load()
SPEC = ServiceSpec(
    name="reporting",
    package="reporting_svc",
    version=version("reporting-svc"),
    topics=topics.load(),
    policy=Policy.of(policy.load()),
    validate=validate_outgoing,
    contracts=CONTRACTS,
    routers=[qualification.router, reports.router, audit.router],
    inbound=INBOUND,
    archive=archive,
    settings=ReportingSettings,
)


def main() -> None:
    run(SPEC)


if __name__ == "__main__":
    main()
