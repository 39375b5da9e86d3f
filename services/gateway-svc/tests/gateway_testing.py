"""The gateway in the test's own process on a real socket and a real PostgreSQL, with real services behind it.

`records` has a database, things to sign and an internal address; `assignment`, `reporting` and `qms` tell what reached
them. `matrix` is configured and does not answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn
from attest_contracts import topics
from attest_contracts.reading import CONTRACTS
from fastapi import FastAPI
from gateway_svc.handlers.attempts import subject_of
from gateway_svc.inbound import INBOUND
from gateway_svc.main import SPEC
from gateway_svc.settings import GatewaySettings, Tls
from psycopg.rows import dict_row
from servicekit.bus import Event, Intake
from servicekit.context import Context
from servicekit.db import Database
from servicekit.db.testing import ServiceDatabase, service_database
from servicekit.embedded.ports import free_port
from servicekit.http.app import make_app
from servicekit.http.caller import TokenVerifier, new_key, public_set
from servicekit.ids import new_id
from servicekit.service import Service, _Server
from servicekit.settings import Mode
from servicekit.testing.databases import Database as TestDatabase
from servicekit.testing.databases import DatabaseFactory, Template
from servicekit.testing.polling import eventually
from services_behind import POLICY, echoing, owner_of_notes

SPELLS = ("employments", "places", "functions", "overlays", "equipment", "leaves", "shifts")

PASSWORD = "correct horse battery"
REASON = "a test"


class Browser:
    """A person's browser: keeps the cookie, sends the CSRF token, as the pages do."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.csrf = ""
        self.me: dict[str, Any] = {}

    @property
    def account(self) -> str:
        return self.me["account"]

    @property
    def username(self) -> str:
        return self.me["username"]

    @property
    def person(self) -> str:
        return self.me["person"]

    @property
    def secret(self) -> str:
        """What is in the cookie."""
        return next(iter(self.client.cookies.values()))

    async def log_in(self, username: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        answer = await self.client.post(
            "/api/session", json={"username": username, "password": password, **more}
        )
        if answer.status_code == 200:
            self.me = answer.json()
            self.csrf = self.me["csrf"]
        return answer

    async def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"x-csrf-token": self.csrf, **more.pop("headers", {})}
        return await self.client.request(method, path, json=body, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.send("POST", path, body, **more)

    async def done(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A command that must succeed; returns its answer."""
        answer = await self.post(path, {"reason": REASON, **(body or {})})
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    async def refused(self, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, str]:
        """A command that must fail; returns status and code."""
        answer = await self.post(path, {"reason": REASON, **(body or {})})
        return code_of(answer)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", (answer.status_code, answer.text)
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


@dataclass
class Platform:
    """A running gateway and what stands behind it."""

    url: str
    settings: GatewaySettings
    urls: ServiceDatabase
    records: ServiceDatabase
    database: Database
    app: FastAPI
    services: Mapping[str, str]
    seen: dict[str, list[dict[str, Any]]]
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, **more: Any) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=20, **more)
        self.clients.append(client)
        return client

    def browser(self) -> Browser:
        return Browser(self.client())

    async def first_administrator(self) -> Browser:
        told = (self.settings.state_dir / "secrets" / "first-administrator.txt").read_text()
        username, password = (line.split(": ", 1)[1] for line in told.splitlines())
        browser = self.browser()
        assert (await browser.log_in(username, password)).status_code == 200
        answer = await browser.post("/api/password", {"current": password, "new": PASSWORD})
        assert answer.status_code == 200, answer.text
        browser.csrf = answer.json()["csrf"]
        browser.me = answer.json()
        return browser

    async def account(self, admin: Browser, username: str, person: str | None, *roles: str) -> dict[str, Any]:
        """An account without a log-in yet; its password is PASSWORD."""
        made = await admin.done(
            "/api/demo/accounts",
            {
                "accounts": [
                    {
                        "username": username,
                        "password": PASSWORD,
                        "person": person,
                        "grants": [{"role": role} for role in roles],
                    }
                ]
            },
        )
        return made["items"][0]

    async def person(self, admin: Browser, person: str, *roles: str, **more: Any) -> Browser:
        """The account of a person named Ana Alvarez, logged in. The name is the person's id in lower case."""
        await self.know(person)
        await self.account(admin, person.lower(), person, *roles)
        browser = self.browser()
        assert (await browser.log_in(person.lower(), **more)).status_code == 200
        return browser

    async def know(self, person: str, given: str = "Ana", family: str = "Alvarez") -> None:
        """What the owner of people announces of one."""
        nothing: dict[str, Any] = {key: [] for key in SPELLS}
        await self.fold("matrix.person", {"person": person, "employment": "employee"} | nothing)
        await self.fold("matrix.person-name", {"person": person, "given_name": given, "family_name": family})

    async def fold(self, topic: str, state: dict[str, Any]) -> None:
        context = Context(actor="system/matrix", reason="a test", correlation=new_id())
        event = Event(
            id=new_id(),
            source="/attest/matrix",
            type=f"{topic}-changed.v1",
            topic=topic,
            subject=state["person"],
            key=state["person"],
            time=datetime.now(UTC),
            epoch=1,
            sequence=1,
            correlation=context.correlation,
            cause=None,
            actor=context.actor,
            traceparent=None,
            dataschema=topics.load()[topic].dataschema,
            state=state,
            change={"kind": "changed"},
        )
        async with self.database.transaction(context) as tx:
            await INBOUND[topic](tx, [Intake(CONTRACTS).typed(event)])

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """As a superuser in the gateway's database: what time would do, and a look at what is stored."""
        return _sql(self.urls.admin_url, statement, *parameters)

    def records_sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        return _sql(self.records.admin_url, statement, *parameters)

    def trail(self, event: str, account: str) -> list[dict[str, Any]]:
        """The entries of the access trail of one kind that concern an account."""
        return self.sql(
            "SELECT * FROM app.access_event WHERE event = %s AND account = %s ORDER BY real_at",
            event,
            account,
        )

    def age(self, of: Browser, column: str, seconds: float) -> None:
        """Lets real time pass for the sessions of an account: one instant of theirs moves back."""
        self.sql(
            f"UPDATE app.session SET {column} = {column} - make_interval(secs => %s) WHERE account = %s",
            seconds,
            of.account,
        )

    def age_attempts(self, username: str, seconds: float) -> None:
        self.sql(
            "UPDATE app.attempt SET at = at - make_interval(secs => %s) WHERE subject = %s",
            seconds,
            subject_of(username),
        )


def _sql(url: str, statement: str, *parameters: Any) -> list[dict[str, Any]]:
    with psycopg.connect(url, autocommit=True) as admin, admin.cursor(row_factory=dict_row) as cursor:
        for name, value in {"actor": "test", "reason": "a test", "correlation": "a test"}.items():
            cursor.execute("SELECT set_config(%s, %s, false)", (f"attest.{name}", value))
        cursor.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def asked(note: str, **more: Any) -> dict[str, Any]:
    return {
        "service": "records",
        "kind": "note",
        "key": note,
        "meaning": "read_and_understood",
        "reason": REASON,
    } | more


async def intent(signer: Browser, note: str, **more: Any) -> dict[str, Any]:
    answer = await signer.post("/api/signing/intents", asked(note, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def confirm(signer: Browser, made: dict[str, Any], password: str = PASSWORD) -> httpx.Response:
    return await signer.post(f"/api/signing/intents/{made['id']}/confirm", {"password": password})


def signatures(attest: Platform, note: str) -> list[dict[str, Any]]:
    return attest.records_sql("SELECT * FROM sign.signature WHERE key = %s", note)


@asynccontextmanager
async def serving(app: FastAPI, **more: Any) -> AsyncIterator[int]:
    """The application on a free port of 127.0.0.1; the port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, access_log=False, server_header=False, **more
    )
    server = _Server(config)
    task = asyncio.ensure_future(server.serve())
    await eventually(lambda: server.started or task.done())
    if task.done():
        task.result()
        raise AssertionError("the server ended at its start")
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def platform(
    databases: DatabaseFactory,
    folder: Path,
    *,
    mode: Mode = Mode.TEST,
    tls: Mapping[str, str] | None = None,
    tls_by: Tls = Tls.GATEWAY,
) -> AsyncIterator[Platform]:
    """A platform with empty databases. tls: `certificate` and `key` of the gateway's own server."""
    key = new_key("test")
    private, public = folder / "internal-key.json", folder / "internal-keys.json"
    private.write_text(json.dumps(key.as_dict(private=True)))
    public.write_text(json.dumps(public_set([key])))
    seen: dict[str, list[dict[str, Any]]] = {}
    made: list[TestDatabase] = []

    def make(template: Template | None = None) -> TestDatabase:
        made.append(databases.create(template))
        return made[-1]

    urls = service_database(make, "gateway_svc", mode.value)
    records = service_database(make, "gateway_svc", mode.value)
    _sql(
        records.admin_url,
        "CREATE TABLE app.note (id text PRIMARY KEY, version int, text text, author text, signed boolean)",
    )
    _sql(records.admin_url, "GRANT SELECT, UPDATE ON app.note TO gateway_app")
    _sql(
        records.admin_url,
        "INSERT INTO app.note SELECT 'N' || n, 1, 'Wash your hands.', 'BEN', false FROM generate_series(1, 200) n",
    )
    static = folder / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>Attest</title>")
    (static / "assets" / "index-abc.js").write_text("'use strict'")
    (folder / "outside.txt").write_text("not for anybody")
    async with contextlib.AsyncExitStack() as stack:
        addresses: dict[str, str] = {"matrix": f"http://127.0.0.1:{free_port()}"}
        for name, prefix in {
            "assignment": "/api/qualification/cells",
            "reporting": "/api/qualification/cells",
            "qms": "/api/changes",
        }.items():
            app = make_app(
                name=f"{name}-svc",
                version="1.2.3",
                routers=[echoing(name, prefix, seen.setdefault(name, []))],
                policy=POLICY,
                verifier=TokenVerifier.from_file(public, audience=name),
            )
            addresses[name] = f"http://127.0.0.1:{await stack.enter_async_context(serving(app))}"
        owner = owner_of_notes(records, public, folder)
        stack.push_async_callback(owner.database.close)
        addresses["records"] = f"http://127.0.0.1:{await stack.enter_async_context(serving(owner.app()))}"
        settings = GatewaySettings(
            mode=mode,
            database_url=urls.app_url,
            kafka="127.0.0.1:1",
            internal_keys=public,
            internal_key_file=private,
            state_dir=folder / "state",
            static_dir=static,
            tls_certificate=(tls or {}).get("certificate"),
            tls_key=(tls or {}).get("key"),
            tls=tls_by,
            connect_timeout=1.0,
            matrix_url=addresses["matrix"],
            qms_url=addresses["qms"],
            assignment_url=addresses["assignment"],
            records_url=addresses["records"],
            reporting_url=addresses["reporting"],
        )
        service = Service(SPEC, settings, frozenset({"api"}))
        stack.push_async_callback(service.database.close)
        gateway = service.app()
        port = await stack.enter_async_context(
            serving(gateway, ssl_certfile=settings.tls_certificate, ssl_keyfile=settings.tls_key)
        )
        running = Platform(
            url=f"{'https' if tls else 'http'}://127.0.0.1:{port}",
            settings=settings,
            urls=urls,
            records=records,
            database=service.database,
            app=gateway,
            services=addresses,
            seen=seen,
        )
        try:
            yield running
        finally:
            for client in running.clients:
                await client.aclose()
    for database in made:
        databases.drop(database)
