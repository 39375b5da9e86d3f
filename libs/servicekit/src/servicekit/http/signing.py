"""The two routes through which the gateway has a service show what would be signed, and sign it (servicekit.signing)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from servicekit.db.database import Database
from servicekit.http.app import Allow, PolicyOf, correlation_of
from servicekit.http.caller import Caller
from servicekit.problems import Problem, invalid
from servicekit.signing import Signable, Signature, prepare, sign, verify_statement

MaySign = Annotated[Caller, Depends(Allow("signing.own"))]


class PrepareRequest(BaseModel):
    kind: str
    key: str = Field(max_length=200)
    meaning: str = Field(max_length=60)
    inputs: dict[str, Any] = {}


class PreparedOut(BaseModel):
    digest: str
    content_version: str
    meaning: str
    meaning_text: str
    display: dict[str, Any]
    time_zone: str


class SignRequest(PrepareRequest):
    statement: str
    reason: str = Field(min_length=1, max_length=500)


class SignatureOut(BaseModel):
    id: str
    kind: str
    key: str
    digest: str
    meaning: str
    meaning_text: str
    signer: str
    printed_name: str
    signed_at: datetime
    time_zone: str

    @classmethod
    def of(cls, signature: Signature) -> SignatureOut:
        return cls(**{name: getattr(signature, name) for name in cls.model_fields})


@dataclass(frozen=True)
class Signables:
    """What a service has to sign, by kind; `database` opens the units of work."""

    kinds: Mapping[str, Signable[Any]]
    database: Callable[[Request], Database]
    after: Callable[[Signature], Awaitable[None]] | None = field(default=None)

    def of(self, kind: str) -> Signable[Any]:
        try:
            return self.kinds[kind]
        except KeyError:
            raise invalid("kind", "unknown", f"nothing of the kind {kind} can be signed here") from None


def signing_router(signables: Signables) -> APIRouter:
    """`POST /signing/prepare` and `POST /signing/sign`, called by the gateway alone."""
    router = APIRouter(tags=["signing"])

    @router.post("/signing/prepare")
    async def show(body: PrepareRequest, request: Request, caller: MaySign, policy: PolicyOf) -> PreparedOut:
        signable = signables.of(body.kind)
        policy.require(caller, signable.action)
        async with signables.database(request).read() as tx:
            _, prepared = await prepare(
                tx,
                policy,
                body.kind,
                signable,
                caller,
                key=body.key,
                meaning=body.meaning,
                inputs=body.inputs,
                lock=False,
            )
        return PreparedOut(
            digest=prepared.digest,
            content_version=prepared.content_version,
            meaning=prepared.meaning,
            meaning_text=prepared.meaning_text,
            display=dict(prepared.display),
            time_zone=prepared.time_zone,
        )

    @router.post("/signing/sign")
    async def confirm(body: SignRequest, request: Request, caller: MaySign, policy: PolicyOf) -> SignatureOut:
        signable = signables.of(body.kind)
        policy.require(caller, signable.action)
        statement = verify_statement(request.app.state.verifier, body.statement)
        if statement.account != caller.actor:
            raise Problem(403, "not-the-signer", "The statement was made for another account")
        context = caller.context(body.reason, correlation_of(request), request.headers.get("traceparent"))
        async with signables.database(request).transaction(context) as tx:
            signature = await sign(
                tx,
                policy,
                body.kind,
                signable,
                caller,
                key=body.key,
                meaning=body.meaning,
                inputs=body.inputs,
                statement=statement,
            )
        if signables.after:
            await signables.after(signature)
        return SignatureOut.of(signature)

    return router
