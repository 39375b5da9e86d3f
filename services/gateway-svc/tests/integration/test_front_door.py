"""What the front door lets through, and what every answer bears."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import httpx
import pytest
from gateway_svc.api.app import api_routes
from gateway_svc.front import door, proxy
from gateway_svc.front.door import PUBLIC
from gateway_svc.main import SPEC
from gateway_testing import PASSWORD, REASON, Browser, Platform, code_of
from servicekit.testing import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOCK = "/api/accounts/{}/lock"


# --- CSRF -----------------------------------------------------------------------------------------------------------


@pytest.mark.part("PL-32", "a changing call needs the token of its own session")
@pytest.mark.parametrize("token", ["", "wrong", "of another session"])
async def test_a_call_that_changes_something_needs_the_token_of_its_own_session(
    attest: Platform, admin: Browser, ana: Browser, token: str
) -> None:
    path, body = LOCK.format(ana.account), {"reason": REASON}
    sent = {"": {}, "wrong": {"x-csrf-token": "x" * 43}}.get(token, {"x-csrf-token": ana.csrf})
    answer = await admin.client.post(path, json=body, headers=sent)
    assert code_of(answer) == (403, "csrf")
    assert (await ana.get("/api/session")).status_code == 200
    # The control: with the right token the same call acts.
    assert (await admin.post(path, body)).status_code == 200
    assert (await ana.get("/api/session")).status_code == 401


@pytest.mark.part("PL-32", "no other site acts here")
@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.test"}],
)
async def test_no_other_site_acts_here(attest: Platform, ana: Browser, headers: dict[str, str]) -> None:
    body = {"username": ana.username, "password": PASSWORD}
    answer = await attest.client().post("/api/session", json=body, headers=headers)
    assert code_of(answer) == (403, "cross-site")
    assert code_of(await ana.send("DELETE", "/api/session", headers=headers)) == (403, "cross-site")
    host = attest.url.partition("://")[2]
    ours = {"sec-fetch-site": "same-origin", "origin": f"http://{host}"}
    assert (await ana.send("DELETE", "/api/session", headers=ours)).status_code == 204


@pytest.mark.part("PL-32", "the csrf check is what stops the call")
async def test_the_csrf_check_is_what_stops_the_call(
    attest: Platform, admin: Browser, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the check off, the call without a token goes through."""
    monkeypatch.setattr(door, "_csrf", lambda found, headers: None)
    answer = await admin.client.post(LOCK.format(ana.account), json={"reason": REASON})
    assert answer.status_code == 200


# --- headers --------------------------------------------------------------------------------------------------------


def paths() -> Iterator[tuple[str, str]]:
    yield from (
        ("GET", path)
        for path in (
            "/",
            "/people/E10001",
            "/assets/index-abc.js",
            "/nothing.js",
            "/livez",
            "/readyz",
            "/openapi.json",
        )
    )
    yield from (("GET", path) for path in ("/api/nothing", "/api/content/abc", "/internal/bus", "/metrics"))
    yield from (("GET", path) for path in ("/api/qualification/cells", "/api/people"))
    for route in (r for router in SPEC.routers for r in api_routes(router.routes)):
        for method in route.methods or ():
            yield method, re.sub(r"{\w+}", "x", route.path)


@pytest.mark.part("PL-32", "every answer bears the security headers")
async def test_every_answer_bears_the_security_headers(attest: Platform, ana: Browser) -> None:
    stranger = attest.client()
    for method, path in sorted(set(paths())):
        for client in (stranger, ana.client):
            if (method, path) == ("DELETE", "/api/session"):
                continue
            answer = await client.request(method, path)
            found = answer.headers
            where = f"{method} {path} {answer.status_code}"
            assert found["x-content-type-options"] == "nosniff", where
            assert found["referrer-policy"] == "no-referrer", where
            assert found["cross-origin-opener-policy"] == "same-origin", where
            assert "camera=()" in found["permissions-policy"], where
            csp = found["content-security-policy"]
            assert "unsafe" not in csp, where
            assert "*" not in csp, where
            content = path.startswith("/api/content/")
            assert f"frame-ancestors {"'self'" if content else "'none'"}" in csp, where
            assert "default-src 'none'" in csp if content else "default-src 'self'" in csp, where
            assert "server" not in found, where
            assert "strict-transport-security" not in found, where
            assert re.fullmatch(r"[0-9a-f-]{36}", found["x-correlation-id"]), where
            if path.startswith("/api/"):
                assert found["cache-control"] == "no-store", where


@pytest.mark.part("PL-32", "an error of our own bears them too and tells nothing")
async def test_an_error_of_our_own_bears_them_too_and_tells_nothing(
    attest: Platform, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(proxy, "service_of", broken)
    answer = await ana.get(CELLS)
    assert code_of(answer) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/docs", "/docs/oauth2-redirect"])
async def test_there_are_no_pages_of_a_framework(attest: Platform, path: str) -> None:
    answer = await attest.client().get(path)
    assert "swagger" not in answer.text.lower()
    assert answer.status_code in (200, 401)


async def test_metrics_are_for_the_host_alone(attest: Platform) -> None:
    assert (await attest.client().get("/metrics")).status_code == 200
    transport = httpx.ASGITransport(attest.app, client=("10.1.2.3", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as remote:
        assert (await remote.get("/metrics")).status_code == 404


# --- actions --------------------------------------------------------------------------------------------------------


@pytest.mark.part("PL-06", "a call without an identity reaches nothing")
async def test_nobody_reaches_anything_without_an_identity(attest: Platform) -> None:
    stranger = attest.client()
    for method, path in sorted(set(paths())):
        if not path.startswith("/api/") or (method, path) in PUBLIC:
            continue
        assert (await stranger.request(method, path)).status_code == 401, f"{method} {path}"
    for path in ("/internal/bus", "/internal/clock", "/signing/prepare"):
        assert (await stranger.post(path, json={})).status_code in (401, 405), path


@pytest.mark.part("PL-06", "a session opens no internal address")
async def test_a_session_opens_no_internal_address(attest: Platform, admin: Browser) -> None:
    """They take internal tokens alone: neither a cookie nor a machine's token is one."""
    for path in ("/internal/bus", "/internal/dead-letters"):
        assert (await admin.get(path)).status_code == 401, path
    body = {"kind": "import_batch", "key": "x", "meaning": "accept"}
    assert (await admin.post("/signing/prepare", body)).status_code == 401
    assert (await admin.post("/internal/clock", {"ahead_seconds": 9e9})).status_code == 401


# --- the way to the services ----------------------------------------------------------------------------------------


CELLS = "/api/qualification/cells"


@pytest.fixture
async def last(attest: Platform) -> Any:
    return lambda service: attest.seen[service][-1]


@pytest.mark.part("PL-25", "a call goes to its service with the caller in an internal token")
async def test_a_call_goes_to_its_service_with_the_caller_in_an_internal_token(
    attest: Platform, ana: Browser, last: Any
) -> None:
    answer = await ana.post(
        "/api/changes/CC-7%2Fx/versions?a=1&a=2&b=%20", {"q": "ü"}, headers={"idempotency-key": "k-1"}
    )
    assert answer.json()["service"] == "qms"
    assert answer.headers["x-as-of"] == "2026-03-01"
    assert answer.headers["etag"] == '"1"'
    seen = last("qms")
    assert (seen["method"], seen["path"], seen["query"]) == (
        "POST",
        "/api/changes/CC-7%2Fx/versions",
        "a=1&a=2&b=%20",
    )
    assert seen["headers"]["idempotency-key"] == "k-1"
    assert (seen["actor"], seen["subject"]) == (f"account/{ana.account}", ana.person)
    assert seen["grants"] == [("operator", {})]


@pytest.mark.part("PL-25", "what was known at an instant is asked of the archive")
@pytest.mark.part("RP-03", "what was known at an instant is asked of the archive")
async def test_what_was_known_at_an_instant_is_asked_of_the_archive(ana: Browser) -> None:
    assert (await ana.get(CELLS, params={"person": "ANA"})).json()["service"] == "assignment"
    asked = {"person": "ANA", "known_at": "2026-03-01T00:00:00Z"}
    assert (await ana.get(CELLS, params=asked)).json()["service"] == "reporting"


@pytest.mark.part("PL-06", "what a caller says about itself is dropped")
async def test_what_a_caller_says_about_itself_is_dropped(attest: Platform, ana: Browser, last: Any) -> None:
    correlation = "0199b0c0-0000-7000-8000-000000000001"
    spoofed = {
        "x-forwarded-for": "1.2.3.4",
        "x-actor": "account/root",
        "x-forwarded-user": "root",
        "forwarded": "for=1.2.3.4",
        "baggage": "user=root",
        "x-correlation-id": correlation,
        "via": "1.1 evil",
    }
    assert (await ana.get(CELLS, headers=spoofed)).status_code == 200
    seen = last("assignment")["headers"]
    assert not {
        "x-forwarded-for",
        "x-actor",
        "x-forwarded-user",
        "forwarded",
        "via",
        "baggage",
        "cookie",
        "x-csrf-token",
    } & set(seen)
    assert seen["authorization"].startswith("Bearer ey")
    assert seen["x-correlation-id"] == correlation
    # A correlation that is no UUID is replaced, so that nothing is smuggled into logs.
    await ana.get(CELLS, headers={"x-correlation-id": "evil\tid"})
    assert re.fullmatch(r"[0-9a-f-]{36}", last("assignment")["headers"]["x-correlation-id"])


@pytest.mark.part("PL-06", "a bearer token of ones own making is no identity")
async def test_a_bearer_token_of_ones_own_making_is_no_identity(
    attest: Platform, ana: Browser, last: Any
) -> None:
    await ana.get(CELLS)
    internal = last("assignment")["headers"]["authorization"]
    for authorization in (internal, "Bearer attest_" + "x" * 43, "Basic YTpi", "Bearer", ""):
        answer = await ana.client.get(CELLS, headers={"authorization": authorization})
        assert code_of(answer) == (401, "unauthenticated"), authorization


@pytest.mark.part("PL-06", "an internal token is for one service alone")
async def test_an_internal_token_is_for_one_service_alone(attest: Platform, ana: Browser, last: Any) -> None:
    await ana.get(CELLS)
    token = {"authorization": last("assignment")["headers"]["authorization"]}
    async with httpx.AsyncClient() as inside:
        assert (await inside.get(attest.services["assignment"] + CELLS, headers=token)).status_code == 200
        assert (await inside.get(attest.services["reporting"] + CELLS, headers=token)).status_code == 401
        assert (await inside.get(attest.services["assignment"] + CELLS)).status_code == 401


DOTTED = [
    "/api/changes/../../internal/secret",
    "/api/changes/%2e%2e/%2e%2e/internal/secret",
    "/api/changes/..%2f..%2finternal/secret",
    "/api/changes/%252e%252e/%252e%252e/internal/secret",
    "/api/changes/./x",
    "/api/changes//x",
    "/api/changes/..\\..\\internal\\secret",
]


async def _raw(attest: Platform, ana: Browser, path: str) -> int:
    """The status of a GET whose path is sent as it is written."""
    import asyncio

    host, _, port = attest.url.partition("://")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: attest={ana.secret}\r\nConnection: close\r\n\r\n".encode()
    )
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


@pytest.mark.part("PL-06", "no path leads out of what the table opens")
@pytest.mark.parametrize("path", [*DOTTED, "/api/internal/secret", "/api/../internal/secret"])
async def test_no_path_leads_out_of_what_the_table_opens(attest: Platform, ana: Browser, path: str) -> None:
    before = len(attest.seen["qms"])
    assert await _raw(attest, ana, path) == 404
    assert len(attest.seen["qms"]) == before


@pytest.mark.part("PL-06", "the check of paths is what keeps them in")
async def test_the_check_of_paths_is_what_keeps_them_in(
    attest: Platform, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without it a path with dots would be passed on."""
    monkeypatch.setattr(proxy, "is_plain", lambda raw_path: True)
    before = len(attest.seen["qms"])
    await _raw(attest, ana, "/api/changes/%2e%2e/%2e%2e/internal/secret")
    await _raw(attest, ana, "/api/changes/%252e%252e/x")
    assert len(attest.seen["qms"]) > before


async def test_a_service_that_does_not_answer_is_named(attest: Platform, ana: Browser) -> None:
    answer = await ana.get("/api/people")
    assert code_of(answer) == (503, "unavailable")
    assert answer.json()["service"] == "matrix"
    assert answer.headers["retry-after"] == "2"
    assert (await ana.get(CELLS)).status_code == 200


async def test_a_service_sets_no_cookie_and_no_policy_of_its_own(attest: Platform, ana: Browser) -> None:
    answer = await ana.get(CELLS)
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


MEGABYTE = 1024 * 1024


@pytest.mark.part("PL-32", "a body of 25 megabytes goes through and no larger one")
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_25_megabytes_goes_through_and_no_larger_one(
    attest: Platform, ana: Browser, last: Any, chunked: bool
) -> None:
    async def parts(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * MEGABYTE

    def body(count: int) -> Any:
        return parts(count) if chunked else b"x" * count * MEGABYTE

    sent = {"x-csrf-token": ana.csrf}
    answer = await ana.client.post("/api/changes/x", content=body(25), headers=sent)
    assert answer.json()["size"] == 25 * MEGABYTE
    before = len(attest.seen["qms"])
    answer = await ana.client.post("/api/changes/x", content=body(26), headers=sent)
    assert code_of(answer) == (413, "too-large")
    assert len(attest.seen["qms"]) == before


async def test_who_goes_away_in_the_middle_of_a_large_answer_ends_it_at_its_service(
    attest: Platform, ana: Browser
) -> None:
    """Else a few who lost patience would hold all connections to a service."""

    for _ in range(5):
        before = cuts(attest)
        await read_a_part(ana)
        await eventually(lambda before=before: cuts(attest) == before + 1, 20)
    assert (await ana.get("/api/changes/x")).status_code == 200


def cuts(attest: Platform) -> int:
    return len([one for one in attest.seen["qms"] if one.get("event") == "cut"])


async def read_a_part(reader: Browser) -> None:
    async with reader.client.stream("GET", "/api/changes/endless") as answer:
        assert answer.status_code == 200
        taken = 0
        async for part in answer.aiter_raw():
            taken += len(part)
            if taken > MEGABYTE:
                break


async def test_control_an_answer_that_is_left_open_holds_its_connection(
    attest: Platform, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[aiohttp.ClientResponse] = []

    async def unguarded(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        left.append(answer)
        async for part in answer.content.iter_any():
            yield part

    monkeypatch.setattr(proxy, "_streamed", unguarded)
    before = cuts(attest)
    await read_a_part(ana)
    with pytest.raises(TimeoutError):
        await eventually(lambda: cuts(attest) > before, 2)
    for answer in left:
        answer.close()
    await eventually(lambda: cuts(attest) == before + 1, 20)


async def test_an_answer_that_its_service_breaks_off_is_not_taken_for_a_whole_one(ana: Browser) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await ana.client.get("/api/changes/broken-off")
    assert (await ana.get("/api/changes/x")).status_code == 200


@pytest.mark.part("PL-32", "nobody makes the gateway read a large body")
async def test_nobody_makes_the_gateway_read_a_large_body(attest: Platform) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"username": "x", "password": "'
        yield b"x" * 100
        yield b'"}'

    stranger = attest.client()
    answer = await stranger.post("/api/session", content=b"x" * (MEGABYTE + 1))
    assert code_of(answer) == (413, "too-large")
    answer = await stranger.post("/api/session", content=parts())
    assert code_of(answer) == (411, "length-required")
    answer = await stranger.post("/api/session", json={"username": "x", "password": "x" * 100})
    assert answer.status_code == 401


async def test_nothing_is_forwarded_that_is_not_in_the_table(attest: Platform, ana: Browser) -> None:
    for path in ("/api/nothing", "/api/changesx", "/api/", "/api/qualification"):
        assert code_of(await ana.get(path)) == (404, "not-found"), path


# --- static files ---------------------------------------------------------------------------------------------------


async def test_every_page_address_answers_the_application(attest: Platform) -> None:
    client = attest.client()
    for path in ("/", "/people/E10001", "/documents/SOP-101/4"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.headers["cache-control"] == "no-cache"
    asset = await client.get("/assets/index-abc.js")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/assets/other.js", "/nothing.png", "/.env", "/assets/"):
        assert (await client.get(path)).status_code == 404, path


@pytest.mark.parametrize(
    "path", ["/../outside.txt", "/%2e%2e/outside.txt", "/assets/..%2f..%2foutside.txt", "/..%5coutside.txt"]
)
async def test_no_file_outside_is_served(attest: Platform, ana: Browser, path: str) -> None:
    assert (attest.settings.static_dir / ".." / "outside.txt").read_text()
    assert await _raw(attest, ana, path) == 404
