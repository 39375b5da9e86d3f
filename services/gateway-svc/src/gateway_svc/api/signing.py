"""The ceremony of an electronic signature, on the gateway's side (21 CFR 11.50, 11.70, 11.200)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from servicekit.http.app import Allow, correlation_of
from servicekit.http.caller import Caller
from servicekit.problems import Problem

from gateway_svc.api import schemas
from gateway_svc.api.sessions import SettingsOf, forget_cookie
from gateway_svc.front import identity
from gateway_svc.handlers import intents, sessions
from gateway_svc.handlers.intents import Asked, Signing

router = APIRouter(prefix="/api/signing", tags=["signing"])
IntentId = Annotated[str, Path(min_length=20, max_length=100)]


def signing_of(request: Request, caller: Annotated[Caller, Depends(Allow("signing.own"))]) -> Signing:
    found = identity.current.get()
    if found is None:
        raise Problem(401, "unauthenticated", "This needs a session")
    state = request.app.state
    return Signing(state.database, state.services, found, correlation_of(request))


Signs = Annotated[Signing, Depends(signing_of)]


@router.post("/intents", status_code=201)
async def create_intent(body: schemas.IntentIn, signing: Signs) -> schemas.IntentOut:
    """The content to sign, bound by its digest for five minutes. 423 while signing is locked."""
    row = await intents.create(
        signing, Asked(body.service, body.kind, body.key, body.meaning, body.inputs, body.reason)
    )
    return schemas.IntentOut(**{name: row[name] for name in schemas.IntentOut.model_fields})


@router.post("/intents/{intent}/confirm", response_model=schemas.SignatureOut)
async def confirm_intent(
    intent: IntentId, body: schemas.Confirm, signing: Signs, settings: SettingsOf
) -> Response:
    """Signs, by authenticating again. 401 wrong password, 409 `stale`, 410 expired, 423 locked.

    At a kiosk the session ends with the signature.
    """
    signature = await intents.confirm(signing, intent, body.password.get_secret_value())
    answer = JSONResponse(jsonable_encoder(schemas.SignatureOut(**signature)))
    if signing.found.kiosk:
        await sessions.end_kiosk(signing.database, signing.found, signing.correlation)
        forget_cookie(answer, settings)
    return answer


@router.post("/intents/{intent}/decline", status_code=204)
async def decline_intent(intent: IntentId, body: schemas.Because, signing: Signs) -> Response:
    """The signer does not sign; the intent is closed."""
    await intents.decline(signing, intent, body.reason)
    return Response(status_code=204)
