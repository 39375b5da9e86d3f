"""The composition of the gateway."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

import attest_contracts
from attest_contracts import policy, topics
from attest_contracts.reading import CONTRACTS
from servicekit.policy import Policy
from servicekit.service import ServiceSpec, run

from gateway_svc.api import app
from gateway_svc.front.door import PUBLIC
from gateway_svc.front.tls import TlsError, certificate_for, real_now
from gateway_svc.handlers.imports.signing import KIND, ImportBatchSignable
from gateway_svc.handlers.imports.work import import_jobs
from gateway_svc.inbound import INBOUND
from gateway_svc.settings import LOOPBACK, GatewaySettings, Tls

POLICY = Policy.of(policy.load())
SPEC = ServiceSpec(
    name="gateway",
    package="gateway_svc",
    version=version("gateway-svc"),
    topics=topics.load(),
    policy=POLICY,
    validate=attest_contracts.validate_outgoing,
    contracts=CONTRACTS,
    routers=app.own_routers(),
    inbound=INBOUND,
    signables={KIND: ImportBatchSignable(POLICY)},
    background=[app.housekeeping, import_jobs],
    state=app.state,
    app=app.finish,
    public=frozenset(path for _, path in PUBLIC),
    settings=GatewaySettings,
)


def secure() -> None:
    """Off the loopback the gateway speaks TLS or does not start: its cookie would be dropped over plain http.

    Unless `ATTEST_TLS` says that a proxy does, or that the port is published on the host's loopback alone.
    """
    host = os.environ.get("ATTEST_HTTP_HOST", "127.0.0.1")
    if os.environ.get("ATTEST_TLS", Tls.GATEWAY) in (Tls.PROXY, Tls.PUBLISHED_ON_LOOPBACK):
        return
    if host in LOOPBACK or os.environ.get("ATTEST_TLS_CERTIFICATE"):
        return
    folder = Path(os.environ.get("ATTEST_STATE_DIR", ".attest")) / "tls"
    chain, key = certificate_for(host, folder, real_now())
    os.environ["ATTEST_TLS_CERTIFICATE"], os.environ["ATTEST_TLS_KEY"] = str(chain), str(key)


def main() -> None:
    try:
        secure()
    except TlsError as error:
        print(f"gateway-svc: {error}", file=sys.stderr)
        sys.exit(1)
    run(SPEC)


if __name__ == "__main__":
    main()
