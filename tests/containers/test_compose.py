"""`docker-compose.yml`: one recipe builds six images, they run as the platform, and no service needs another to answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from servicekit.testing import eventually_sync

from tests.containers.compose import Compose
from tests.e2e.api import PASSWORD, Api
from tests.e2e.pages import page_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400), pytest.mark.xdist_group("containers")]

READS = {
    "matrix": "/api/people",
    "qms": "/api/documents",
    "assignment": "/api/assignments",
    "records": "/api/records",
    "reporting": "/api/reports/assignments",
}
"""An address of each service that an auditor may read."""
SERVICES = {"gateway", *READS}


@pytest.fixture(scope="module")
def compose() -> Iterator[Compose]:
    found = Compose()
    try:
        found.up()
        yield found
    finally:
        found.down()


@pytest.fixture(scope="module")
def auditor(compose: Compose) -> Iterator[Api]:
    admin = compose.first_administrator()
    made = admin.post("/api/accounts", {"username": "inga", "reason": "inspection"})
    admin.post(
        f"/api/accounts/{made['account']}/grants", {"role": "auditor", "reason": "inspection"}, expect=201
    )
    with Api(compose.base).log_in("inga", made["one_time_password"]) as found:
        found.change_password(PASSWORD)
        yield found


def not_ready(admin: Api) -> dict[str, list[str]]:
    """The services that are not ready, and why."""
    found = admin.get("/api/health")["services"]
    assert {each["service"] for each in found} == SERVICES
    return {each["service"]: each["reasons"] for each in found if not each["ready"]}


def test_the_six_services_are_ready(compose: Compose) -> None:
    admin = compose.first_administrator()

    def all_ready() -> bool:
        assert not_ready(admin) == {}
        return True

    eventually_sync(all_ready, deadline=120, every=1)
    about = admin.get("/api/about")
    assert about["mode"] == "production"
    assert {each["service"] for each in about["services"]} == SERVICES


def test_every_service_answers_through_the_gateway(compose: Compose, auditor: Api) -> None:
    for path in READS.values():
        assert "items" in auditor.get(path), path
    # What was done on the gateway has come to reporting by the bus.
    account = auditor.me["account"]
    eventually_sync(lambda: auditor.get("/api/audit", id=account)["items"], deadline=60, every=0.5)


@pytest.mark.browser
def test_a_browser_logs_in(compose: Compose) -> None:
    admin = compose.first_administrator()
    with page_of(compose.base, admin.me["username"], keyboard=True) as page:
        page.goto(f"{compose.base}/access")
        expect(page.get_by_text(re.compile(admin.me["username"])).first).to_be_visible()


@pytest.mark.part("PL-32", "no other name than the loopback is served")
def test_no_other_name_than_the_loopback_is_served(compose: Compose) -> None:
    assert compose.answers("/login") == 200
    assert compose.answers("/login", host="plant.example") == 421


@pytest.mark.part("PL-32", "the signing key is the gateways alone")
def test_the_signing_key_is_the_gateways_alone(compose: Compose) -> None:
    look = ("exec", "-T", "records", "sh", "-c", "ls -1 /keys /var/lib/attest; id -u")
    lines = compose.run(*look).split()
    assert "internal-keys.json" in lines
    assert "internal-key.json" not in lines
    assert lines[-1] == "10001"


@pytest.mark.part("PL-24", "a stopped service leaves the others answering")
def test_a_stopped_service_leaves_the_others_answering(compose: Compose, auditor: Api) -> None:
    compose.run("stop", "records")
    try:
        for name, path in READS.items():
            answer = auditor.raw("GET", path)
            assert answer.status_code == (503 if name == "records" else 200), (path, answer.text)
        assert compose.answers("/readyz") == 200
        assert set(not_ready(compose.first_administrator())) == {"records"}
    finally:
        compose.run("start", "records")
    eventually_sync(lambda: auditor.raw("GET", READS["records"]).status_code == 200, deadline=120, every=1)
