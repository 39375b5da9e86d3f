"""The services behind a tested gateway: one that owns notes to sign, and some that record what reached them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from attest_contracts import policy, topics
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from servicekit.bus.outbox import claim
from servicekit.db import Tx
from servicekit.db.testing import ServiceDatabase
from servicekit.http.app import Allow
from servicekit.http.caller import Caller
from servicekit.policy import Policy
from servicekit.problems import forbidden, not_found
from servicekit.service import Service, ServiceSpec
from servicekit.settings import Mode, ServiceSettings
from servicekit.signing import Prepared, Signature

POLICY = Policy.of(policy.load())

NOTE_MEANINGS = {"read_and_understood": "I have read and understood this note."}


class NoteSignable:
    """A note that somebody wrote and another person signs."""

    action = "record.sign_own"
    meanings = NOTE_MEANINGS

    async def load(
        self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> dict[str, Any]:
        row = await tx.one(
            "SELECT * FROM app.note WHERE id = :id" + (" FOR UPDATE" if lock else ""), {"id": key}
        )
        if row is None:
            raise not_found("note", key)
        if row["author"] == caller.subject:
            raise forbidden("own-approval", "nobody signs a note that they wrote")
        if lock:
            await claim(tx, [])
        return {**row, "inputs": dict(inputs)}

    def parts(self, subject: Mapping[str, Any]) -> Mapping[str, str]:
        return {"author": subject["author"]}

    def prepare(self, subject: Mapping[str, Any], meaning: str, now: datetime) -> Prepared:
        return Prepared(
            content={"note": subject["id"], "text": subject["text"], "inputs": subject["inputs"]},
            content_version=str(subject["version"]),
            meaning=meaning,
            meaning_text=self.meanings[meaning],
            display={"text": subject["text"]},
            time_zone="Europe/Amsterdam",
        )

    async def apply(self, tx: Tx, subject: Mapping[str, Any], signature: Signature) -> None:
        await tx.execute(
            "UPDATE app.note SET version = version + 1, signed = true WHERE id = :id", {"id": subject["id"]}
        )


def echoing(name: str, prefix: str, seen: list[dict[str, Any]]) -> APIRouter:
    """Routes that tell what reached them."""
    router = APIRouter()

    every = ["GET", "POST", "PUT", "DELETE"]

    @router.get(prefix + "/endless", include_in_schema=False)
    async def endless(caller: Annotated[Caller, Depends(Allow("organisation.read"))]) -> Response:
        """A large answer that nobody reads to its end."""

        async def parts() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 65_536
                    # Reading a database would let the loop go, too.
                    await asyncio.sleep(0)
            finally:
                seen.append({"service": name, "event": "cut"})

        return StreamingResponse(parts(), media_type="application/octet-stream")

    @router.get(prefix + "/broken-off", include_in_schema=False)
    async def broken_off(caller: Annotated[Caller, Depends(Allow("organisation.read"))]) -> Response:
        """A large answer in the middle of which its service dies."""

        async def parts() -> AsyncIterator[bytes]:
            yield b"x" * 300_000
            raise ConnectionError("killed")

        return StreamingResponse(parts(), headers={"content-length": "1000000"})

    @router.get(prefix, name=f"echo_{name}", openapi_extra={"x-answered-by": name})
    @router.api_route(prefix, methods=every[1:], include_in_schema=False)
    @router.api_route(prefix + "/{rest:path}", methods=every, include_in_schema=False)
    async def echo(
        request: Request, caller: Annotated[Caller, Depends(Allow("organisation.read"))], rest: str = ""
    ) -> Response:
        body = await request.body()
        seen.append(
            {
                "service": name,
                "method": request.method,
                "path": request.scope["raw_path"].decode(),
                "query": request.url.query,
                "headers": dict(request.headers),
                "size": len(body),
                "body": body[:200].decode("latin-1"),
                "actor": caller.actor,
                "subject": caller.subject,
                "grants": [(grant.role, dict(grant.scope)) for grant in caller.grants],
            }
        )
        return Response(
            json.dumps({"service": name, "size": len(body)}),
            media_type="application/json",
            headers={
                "set-cookie": "attest=stolen",
                "content-security-policy": "default-src *",
                "x-as-of": "2026-03-01",
                "server": "toy",
                "etag": '"1"',
            },
        )

    @router.post("/internal/secret", include_in_schema=False)
    @router.get("/internal/secret", include_in_schema=False)
    async def secret(caller: Annotated[Caller, Depends(Allow("session.own"))]) -> dict[str, str]:
        seen.append({"service": name, "path": "/internal/secret"})
        return {"secret": name}

    return router


def owner_of_notes(urls: ServiceDatabase, public: Path, folder: Path) -> Service:
    """A service that owns something to sign, as any service does."""
    spec = ServiceSpec(
        name="records",
        package="gateway_svc",
        version="1.2.3",
        topics=topics.load(),
        policy=POLICY,
        validate=lambda topic, data: None,
        routers=[],
        signables={"note": NoteSignable()},
    )
    settings = ServiceSettings(
        mode=Mode.TEST, database_url=urls.app_url, kafka="127.0.0.1:1", internal_keys=public, state_dir=folder
    )
    return Service(spec, settings, frozenset({"api"}))
