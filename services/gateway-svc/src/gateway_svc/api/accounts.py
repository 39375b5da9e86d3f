"""Accounts, their roles, and tokens of machines: what an administrator does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from attest_contracts import policy as policy_file
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from servicekit.db import Tx
from servicekit.http.app import Allow, PolicyOf, correlation_of
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.ids import is_uuid
from servicekit.problems import not_found

from gateway_svc.api import schemas
from gateway_svc.api.sessions import SettingsOf
from gateway_svc.domain import accounts as rules
from gateway_svc.domain.account import Command, EndGrant, Move, ProveHolder
from gateway_svc.domain.accounts import AccountStatus
from gateway_svc.handlers import accounts, bootstrap, passwords, tokens

router = APIRouter(prefix="/api", tags=["access"])
MayRead = Annotated[Caller, Depends(Allow("account.read"))]
MayWrite = Annotated[Caller, Depends(Allow("account.write"))]
MayToken = Annotated[Caller, Depends(Allow("token.write"))]


@router.get("/roles")
async def list_roles(caller: MayRead) -> schemas.Page[schemas.Role]:
    loaded = policy_file.load()
    return schemas.Page(
        items=[
            schemas.Role(role=role, title=title, machine=role in loaded["machines"])
            for role, title in loaded["titles"].items()
        ]
    )


@router.get("/accounts")
async def list_accounts(
    caller: MayRead, database: DatabaseOf, person: str | None = None, role: str | None = None
) -> schemas.Page[schemas.AccountOut]:
    async with database.read() as tx:
        rows = await tx.rows(accounts.ACCOUNTS + " ORDER BY a.username")
        shown = [
            _account(row)
            for row in rows
            if person in (None, row["person"])
            and (role is None or role in [grant["role"] for grant in row["grants"]])
        ]
        return schemas.Page(items=shown, complete_up_to=tx.now)


@router.get("/accounts/{account}")
async def get_account(account: str, caller: MayRead, database: DatabaseOf) -> schemas.AccountOut:
    async with database.read() as tx:
        return _account(await accounts.get(tx, account))


@router.post("/accounts", status_code=201, response_model=schemas.AccountMade)
async def create_account(body: schemas.AccountIn, request: Request, caller: MayWrite) -> Result:
    """409 for a name that any account has or had: names are never reused (PL-01)."""
    given = None if body.password is None else body.password.get_secret_value()
    password = given or accounts.one_time_password()
    rules.check_password(password, rules.username(body.username), "password")
    password_hash = await passwords.hash_of(password)

    async def act(tx: Any) -> dict[str, Any]:
        row = await accounts.create(
            tx,
            username=body.username,
            person=body.person,
            password_hash=password_hash,
            name=body.name.model_dump() if body.name else None,
        )
        return _account(row).model_dump() | {"one_time_password": None if given else password}

    if given is None:
        # Shown once: the answer is not kept for a repeated request.
        return await _unrepeated(request, caller, body.reason, act, schemas.AccountMade, 201)
    return await run_command(
        request, caller, body.reason, act, show=schemas.AccountMade, status=201, asked=_without_secrets(body)
    )


@router.post("/accounts/{account}/grants", status_code=201, response_model=schemas.AccountOut)
async def grant(account: str, body: schemas.GrantIn, request: Request, caller: MayWrite) -> Result:
    """Gives a role within a scope. Nobody grants to themselves; some roles exclude each other (PL-06)."""
    scope = body.scope.model_dump()
    return await _command(
        account,
        body.reason,
        request,
        caller,
        lambda tx: accounts.grant_of(tx, caller, body.role, scope),
        status=201,
    )


@router.post("/accounts/{account}/grants/{role_grant}/revoke", response_model=schemas.AccountOut)
async def end_grant(
    account: str, role_grant: str, body: schemas.Because, request: Request, caller: MayWrite
) -> Result:
    return await _command(
        account, body.reason, request, caller, lambda tx: EndGrant(role_grant, caller.actor, body.reason)
    )


@router.post("/accounts/{account}/lock", response_model=schemas.AccountOut)
async def lock(account: str, body: schemas.Because, request: Request, caller: MayWrite) -> Result:
    """Logs the account out and lets nobody in until it is unlocked."""
    return await _command(account, body.reason, request, caller, lambda tx: Move(AccountStatus.LOCKED))


@router.post("/accounts/{account}/unlock", response_model=schemas.AccountOut)
async def unlock(account: str, body: schemas.Because, request: Request, caller: MayWrite) -> Result:
    """Undoes a lock, one that failed log-ins or signings have set as well."""
    return await _command(account, body.reason, request, caller, lambda tx: Move(AccountStatus.ACTIVE))


@router.post("/accounts/{account}/disable", response_model=schemas.AccountOut)
async def disable(account: str, body: schemas.Because, request: Request, caller: MayWrite) -> Result:
    """For good; the name is never given again."""
    return await _command(account, body.reason, request, caller, lambda tx: Move(AccountStatus.DISABLED))


@router.post("/accounts/{account}/password-reset")
async def reset_password(
    account: str,
    body: schemas.Because,
    request: Request,
    caller: MayWrite,
    database: DatabaseOf,
    policy: PolicyOf,
) -> schemas.OneTimePassword:
    """A one-time password, shown once. The account signs nothing until another administrator has proved who
    holds it (R-51)."""
    password = accounts.one_time_password()
    password_hash = await passwords.hash_of(password)
    async with database.transaction(caller.context(body.reason, correlation_of(request))) as tx:
        await accounts.reset_password(tx, policy, caller, account, password_hash)
    return schemas.OneTimePassword(account=account, one_time_password=password)


@router.post("/accounts/{account}/holder-proved", response_model=schemas.AccountOut)
async def holder_proved(account: str, body: schemas.Because, request: Request, caller: MayWrite) -> Result:
    """Lets the account sign again after a reset: by another administrator than who reset it (R-51)."""
    return await _command(account, body.reason, request, caller, lambda tx: ProveHolder())


@router.get("/tokens")
async def list_tokens(caller: MayRead, database: DatabaseOf) -> schemas.Page[schemas.TokenOut]:
    async with database.read() as tx:
        rows = await tx.rows(tokens.TOKENS + " ORDER BY t.created_at, t.token")
        return schemas.Page(
            items=[schemas.TokenOut(**_known(schemas.TokenOut, row)) for row in rows], complete_up_to=tx.now
        )


@router.post("/tokens", status_code=201, response_model=schemas.TokenMade)
async def create_token(body: schemas.TokenIn, request: Request, caller: MayToken) -> Result:
    """A machine's bearer token; `secret` is shown in this answer alone."""
    return await _unrepeated(
        request,
        caller,
        body.reason,
        lambda tx: tokens.create(
            tx,
            caller,
            name=body.name,
            role=body.role,
            scope=body.scope.model_dump(),
            expires_in_days=body.expires_in_days,
        ),
        schemas.TokenMade,
        201,
    )


@router.post("/tokens/{token}/revoke", response_model=schemas.TokenOut)
async def revoke_token(token: str, body: schemas.Because, request: Request, caller: MayToken) -> Result:
    if not is_uuid(token):
        raise not_found("token", token)
    return await run_command(
        request, caller, body.reason, lambda tx: tokens.revoke(tx, caller, token), show=schemas.TokenOut
    )


@router.post("/demo/accounts", tags=["demo"])
async def demo_accounts(
    body: schemas.DemoAccounts, request: Request, caller: MayWrite, database: DatabaseOf, settings: SettingsOf
) -> schemas.Page[schemas.AccountOut]:
    """Accounts with passwords that everybody knows: 403 outside demo and test mode."""
    wanted = [
        {
            "username": each.username,
            "password": each.password.get_secret_value(),
            "person": each.person,
            "name": each.name.model_dump() if each.name else None,
            "grants": [{"role": g.role, "scope": g.scope.model_dump()} for g in each.grants],
        }
        for each in body.accounts
    ]
    made = await bootstrap.ensure_demo_accounts(
        database, settings.mode, caller, wanted, reason=body.reason, correlation=correlation_of(request)
    )
    return schemas.Page(items=[_account(row) for row in made])


async def _command(
    account: str,
    reason: str,
    request: Request,
    caller: Caller,
    command: Callable[[Tx], Command],
    *,
    status: int = 200,
) -> Result:
    policy = request.app.state.policy

    async def act(tx: Tx) -> dict[str, Any]:
        row = await accounts.carry_out(tx, policy, caller, account, command(tx))
        return _account(row).model_dump()

    return await run_command(request, caller, reason, act, show=schemas.AccountOut, status=status)


async def _unrepeated(
    request: Request, caller: Caller, reason: str, act: Any, show: type[BaseModel], status: int
) -> Result:
    """A command whose answer holds a secret: it is never stored, so an idempotency key does not help here."""
    async with request.app.state.database.transaction(caller.context(reason, correlation_of(request))) as tx:
        result = await act(tx)
    shown = show(**_known(show, result))
    return Result(json.loads(shown.model_dump_json()), status_code=status)


def _account(row: Any) -> schemas.AccountOut:
    values: dict[str, Any] = _known(schemas.AccountOut, row)
    values["signing_blocked"] = row["signing_blocked_by"] is not None
    return schemas.AccountOut(**values)


def _known(model: type[BaseModel], row: Any) -> dict[str, Any]:
    return {name: _text(row[name]) for name in model.model_fields if name in row}


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _without_secrets(body: BaseModel) -> bytes:
    """The request as the idempotency key stores it. The password is left out, because its digest could be guessed offline."""
    return body.model_dump_json(exclude={"password"}).encode()
