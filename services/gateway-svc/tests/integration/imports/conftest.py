"""The import jobs on a real PostgreSQL, and an owner of rows that can fail in every way an owner can."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from attest_contracts import policy, topics
from gateway_svc.api import imports as api
from gateway_svc.handlers.imports.commit import Importer, Pace
from gateway_svc.handlers.imports.levels import routes
from gateway_svc.handlers.imports.owners import HttpOwners
from gateway_svc.handlers.imports.signing import KIND, ImportBatchSignable
from gateway_svc.handlers.services import Services
from servicekit.http.caller import TokenVerifier, public_set
from servicekit.policy import Policy
from servicekit.problems import Problem
from servicekit.service import ServiceSpec
from servicekit.testing import harness
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import RunningService, in_process
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

EXAMPLES = Path(__file__).parents[5] / "examples"
FIXTURE = EXAMPLES / "fixture-f"
SERVICES = ("matrix", "qms", "assignment", "records", "reporting")
PACE = Pace(patience=1.0, again=0.01, look=0.01, idle=0.01)

POLICY = Policy.of(policy.load())
SPEC = ServiceSpec(
    name="gateway",
    package="gateway_svc",
    version="0",
    topics=topics.load(),
    policy=POLICY,
    validate=lambda topic, data: None,
    routers=[api.router],
    signables={KIND: ImportBatchSignable(POLICY)},
)


@dataclass
class Plant:
    """What the owners of the rows have taken. Each knob is a way to fail.

    refuse: kind -> problem. lose: kinds whose next block is taken while its answer is lost. forgetful: idempotency
    keys are not looked at.
    """

    verifiers: Mapping[str, TokenVerifier]
    rows: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    blocks: list[Mapping[str, Any]] = field(default_factory=list)
    actors: set[str] = field(default_factory=set)
    refuse: dict[str, Problem] = field(default_factory=dict)
    lose: set[str] = field(default_factory=set)
    forgetful: bool = False
    standings: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: int = 0

    def app(self, service: str) -> Starlette:
        def refused(problem: Problem) -> Response:
            return JSONResponse(problem.body(), problem.status)

        def caller(request: Request) -> str:
            found = self.verifiers[service].caller(request.headers.get("authorization"))
            assert POLICY.may(found, "import.run")
            self.actors.add(f"{found.actor} {found.subject}")
            return found.actor

        async def take(request: Request) -> Response:
            kind = request.path_params["kind"]
            try:
                actor = caller(request)
            except Problem as problem:
                return refused(problem)
            if kind in self.refuse:
                return refused(self.refuse[kind])
            body = await request.json()
            key = actor, request.headers["idempotency-key"]
            if self.forgetful or key not in self.answers:
                self.answers[key] = body
                self.blocks.append(body | {"service": service, "kind": kind})
                self.rows += [(kind, row) for row in body["rows"]]
            elif self.answers[key] != body:
                return refused(Problem(422, "key-reused", "The key belongs to another request"))
            if kind in self.lose:
                self.lose.discard(kind)
                raise httpx.ReadError("the connection broke")
            return JSONResponse({"taken": len(body["rows"])})

        async def bus(request: Request) -> Response:
            caller(request)
            self.asked += 1
            empty = {"pending": 0, "marks": 0, "acked": {}, "consumed": {}, "parked": []}
            return JSONResponse(empty | self.standings.get(service, {}))

        return Starlette(
            routes=[
                Route("/internal/imports/{kind}", take, methods=["POST"]),
                Route("/internal/bus", bus),
            ]
        )

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [row for name, row in self.rows if name == kind]


class PlantServices(Services):
    """The gateway's own client, with the plant's owners at the other end."""

    def __init__(self, plant: Plant, running: RunningService) -> None:
        super().__init__({name: f"http://{name}" for name in SERVICES}, running.issuer, connect=1, answer=5)
        self._clients = {
            name: httpx.AsyncClient(transport=httpx.ASGITransport(app=plant.app(name))) for name in SERVICES
        }

    def where(self, service: str) -> tuple[httpx.AsyncClient, str]:
        return self._clients[service], f"http://{service}"


@dataclass
class Imports:
    """What a test does with imports."""

    service: RunningService
    plant: Plant
    services: PlantServices
    admin_url: str

    def client(self, person: str, *roles: str, **scope: str) -> httpx.AsyncClient:
        return self.service.client(*roles, subject=person, scope=scope)

    def importer(self, owners: HttpOwners | None = None) -> Importer:
        found = owners or HttpOwners(self.services)
        return Importer(self.service.database, found, routes(topics.load()), pace=PACE)

    async def upload(
        self,
        files: Mapping[str, bytes] | None = None,
        fields: Mapping[str, str] | None = None,
        who: httpx.AsyncClient | None = None,
    ) -> httpx.Response:
        form = {"export_date": "2026-03-01", "reason": "day one", **(fields or {})}
        sent = [("files", (name, data)) for name, data in (files or fixture_files()).items()]
        client = who or self.client("COR", "coordinator")
        return await client.post("/api/imports", data=form, files=sent)

    async def uploaded(self, files: Mapping[str, bytes] | None = None, **fields: str) -> dict[str, Any]:
        answer = await self.upload(files, fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def accept(self, job: str, person: str, role: str = "qa_approver", **more: Any) -> httpx.Response:
        client = self.client(person, role)
        return await self.service.sign(client, "import_batch", job, "accept", signer=person, **more)

    async def accepted(self, job: str, *people: str) -> None:
        for person in people or ("COR", "EVA"):
            answer = await self.accept(job, person)
            assert answer.status_code == 200, answer.text

    async def show(self, job: str) -> dict[str, Any]:
        answer = await self.client("AUD", "coordinator").get(f"/api/imports/{job}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def act(self, job: str, what: str) -> httpx.Response:
        return await self.client("COR", "coordinator").post(
            f"/api/imports/{job}/{what}", json={"reason": "a test"}
        )


def fixture_files() -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in sorted(FIXTURE.iterdir()) if path.suffix in (".csv", ".xlsx")
    }


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def fields_of(answer: httpx.Response) -> Sequence[str]:
    return [error["field"] for error in answer.json()["errors"]]


type Uploads = Callable[..., Awaitable[dict[str, Any]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(databases: DatabaseFactory) -> AsyncIterator[RunningService]:
    """The gateway's import jobs, without the gateway's front door."""
    async with in_process(SPEC, databases) as service:
        service.keep("empty")
        yield service


@pytest.fixture
async def imports(world: RunningService) -> AsyncIterator[Imports]:
    """No job yet, and owners that have taken nothing."""
    service = world.put_back("empty")
    keys = json.loads(json.dumps(public_set([harness.KEY])))
    plant = Plant({name: TokenVerifier.from_set(keys, audience=name) for name in SERVICES})
    services = PlantServices(plant, service)
    yield Imports(service, plant, services, service.urls.admin_url)
    await services.close()
