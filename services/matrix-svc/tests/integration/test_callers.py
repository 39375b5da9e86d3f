"""The service refuses by itself what the gateway did not vouch for."""

import pytest
from servicekit.testing.callers import calls_of, stranger, unvouched, without_verification
from servicekit.testing.harness import RunningService

pytestmark = [
    pytest.mark.part("PL-06", "the service itself refuses a caller without a valid token"),
    pytest.mark.part("PL-25", "the service itself refuses a caller without a valid token"),
]


@pytest.fixture
def service(empty: RunningService) -> RunningService:
    return empty


async def test_a_call_without_a_token_for_here_and_now_is_refused_at_every_address(
    service: RunningService,
) -> None:
    calls = calls_of(service)
    assert {("GET", "/api/people"), ("POST", "/internal/clock")} <= set(calls)
    async with stranger(service) as client:
        for kind, headers in unvouched(service, "coordinator", "administrator").items():
            for method, path in calls:
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == 401, f"{method} {path} with a token: {kind}"


async def test_control_without_the_verification_a_call_without_a_token_is_answered(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stranger(service) as client:
        assert (await client.get("/api/people")).status_code == 401
        without_verification(monkeypatch, "coordinator")
        answer = await client.get("/api/people")
    assert (answer.status_code, answer.json()["items"]) == (200, [])
