"""The composition root: everything that this service is, as data."""

from __future__ import annotations

from importlib.metadata import version

from attest_contracts import policy, topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from servicekit.policy import Policy
from servicekit.service import ServiceSpec, run

from records_svc.api import imports, late_entries, reading, records
from records_svc.domain.vocabulary import LATE_ENTRY, READING, RECORD_ERROR
from records_svc.handlers.error_marks import ErrorMarkSignable
from records_svc.handlers.late_entries import LateEntrySignable
from records_svc.handlers.signing_reading import ReadingSignable
from records_svc.inbound import INBOUND
from records_svc.settings import RecordsSettings

_POLICY = Policy.of(policy.load())
SPEC = ServiceSpec(
    name="records",
    package="records_svc",
    version=version("records-svc"),
    topics=topics.load(),
    policy=_POLICY,
    validate=validate_outgoing,
    contracts=CONTRACTS,
    # Late entries first: their paths stand below those of the records.
    routers=[late_entries.router, records.router, reading.router, imports.router],
    inbound=INBOUND,
    signables={
        READING: ReadingSignable(),
        LATE_ENTRY: LateEntrySignable(_POLICY),
        RECORD_ERROR: ErrorMarkSignable(_POLICY),
    },
    settings=RecordsSettings,
)


def main() -> None:
    run(SPEC)


if __name__ == "__main__":
    main()
