"""A service refuses what the gateway did not vouch for, and does not start with a route that anybody may call."""

import time
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import BaseModel
from servicekit.http.app import Allow, MisdeclaredRouteError, make_app
from servicekit.http.caller import ISSUER, Caller, Grant, TokenIssuer, TokenVerifier, new_key, public_set
from servicekit.policy import Policy
from servicekit.problems import conflict

KEY = new_key("k1")
POLICY = Policy({"reader": {"unit.read": "all"}, "writer": {"unit.write": "all"}})
READER = Caller("account/1", [Grant("reader", {"site": "NL1"})], subject="S1", session="s")


class Unit(BaseModel):
    code: str
    size: int


def app() -> FastAPI:
    router = APIRouter()

    @router.get("/units/{code}")
    async def read(code: str, caller: Annotated[Caller, Depends(Allow("unit.read"))]) -> dict[str, Any]:
        return {"code": code, "actor": caller.actor, "scope": dict(caller.grants[0].scope)}

    @router.post("/units")
    async def write(body: Unit, caller: Annotated[Caller, Depends(Allow("unit.write"))]) -> None:
        raise conflict("exists", f"{body.code} exists")

    @router.get("/fault")
    async def fault(caller: Annotated[Caller, Depends(Allow("unit.read"))]) -> None:
        raise RuntimeError("secret inside")

    return make_app(
        name="toy",
        version="1",
        routers=[router],
        policy=POLICY,
        verifier=TokenVerifier.from_set(public_set([KEY]), audience="toy"),
        readiness=lambda: ["the queue stands still"],
    )


async def call(method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://toy") as client:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await client.request(method, path, headers=headers, **more)


def token(caller: Caller = READER, *, audience: str = "toy", age: int = 0, key: Any = KEY) -> str:
    return TokenIssuer(key).call_token(caller, audience=audience, now=int(time.time()) - age)


async def test_a_vouched_call_names_the_originating_subject() -> None:
    answer = await call("GET", "/units/1", token())
    assert answer.json() == {"code": "1", "actor": "account/1", "scope": {"site": "NL1"}}


def forged() -> dict[str, str | None]:
    now = int(time.time())
    body = {
        "iss": ISSUER,
        "aud": "toy",
        "sub": "account/1",
        "use": "call",
        "iat": now,
        "exp": now + 60,
        "grants": [],
    }
    shared = OctKey.import_key(str(KEY.as_dict(private=False)["x"]))
    return {
        "none": None,
        "rubbish": "rubbish",
        "another audience": token(audience="other"),
        "expired": token(age=120),
        "another key": token(key=new_key("k1")),
        "public key as shared secret": jwt.encode(
            {"alg": "HS256", "kid": "k1"}, body, shared, algorithms=["HS256"]
        ),
        "statement used as call": TokenIssuer(KEY).issue(body | {"use": "sign"}, audience="toy", now=now),
    }


@pytest.mark.part("PL-32", "a call without a valid internal token is refused")
@pytest.mark.parametrize("kind", forged())
async def test_a_call_without_a_valid_internal_token_is_refused(kind: str) -> None:
    answer = await call("GET", "/units/1", forged()[kind])
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.part("PL-06", "a role without the action is refused")
async def test_a_role_without_the_action_is_refused() -> None:
    assert (await call("POST", "/units", token(), json={"code": "a", "size": 1})).status_code == 403


async def test_bad_fields_are_named_one_by_one() -> None:
    answer = await call("POST", "/units", token(Caller("account/2", [Grant("writer")])), json={"size": "big"})
    assert answer.status_code == 422
    assert [(e["field"], e["reason"]) for e in answer.json()["errors"]] == [
        ("body.code", "missing"),
        ("body.size", "int_parsing"),
    ]


async def test_a_business_error_is_a_problem() -> None:
    answer = await call(
        "POST", "/units", token(Caller("a/2", [Grant("writer")])), json={"code": "a", "size": 1}
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:attest:problem:exists")


async def test_a_fault_tells_nothing_of_the_inside() -> None:
    answer = await call("GET", "/fault", token())
    assert answer.status_code == 500
    assert "secret" not in answer.text


async def test_health_needs_no_token_and_names_the_reason() -> None:
    assert (await call("GET", "/livez")).status_code == 200
    answer = await call("GET", "/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["the queue stands still"])


@pytest.mark.parametrize("action", [None, "unit.unheard-of"])
def test_a_route_without_a_known_action_stops_start_up(action: str | None) -> None:
    router = APIRouter()
    dependencies = [Depends(Allow(action))] if action else []

    @router.get("/open", dependencies=dependencies)
    async def left_open() -> None: ...

    with pytest.raises(MisdeclaredRouteError, match="/open"):
        make_app(
            name="toy",
            version="1",
            routers=[router],
            policy=POLICY,
            verifier=TokenVerifier.from_set(public_set([KEY]), audience="toy"),
        )
