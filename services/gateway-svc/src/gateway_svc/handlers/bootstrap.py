"""The first administrator, and the accounts of a demonstration."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from servicekit.context import Context
from servicekit.db import Database
from servicekit.domain import RuleError
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.problems import Problem, invalid
from servicekit.settings import Mode

from gateway_svc.domain import accounts as rules
from gateway_svc.handlers import accounts, passwords
from gateway_svc.settings import GatewaySettings

log = structlog.get_logger(__name__)

FIRST_USERNAME = "administrator"
SYSTEM = Caller(actor="system/gateway", grants=())


def first_log_in(state_dir: Path) -> Path:
    """The file with the first administrator's name and one-time password, mode 0600."""
    return state_dir / "secrets" / "first-administrator.txt"


async def ensure_first_administrator(database: Database, settings: GatewaySettings) -> None:
    """At the first start: an administrator with a random password that must be changed at the first log-in.

    The password is written before the account is made: a start that is cut short repeats both.
    """
    context = Context(actor=SYSTEM.actor, reason="first start", correlation=new_id())
    async with database.transaction(context) as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('first-administrator', 0))")
        if await tx.scalar("SELECT EXISTS (SELECT FROM app.account)"):
            return
        password = accounts.one_time_password()
        _write_private(
            first_log_in(settings.state_dir), f"username: {FIRST_USERNAME}\npassword: {password}\n"
        )
        made = await accounts.create(
            tx, username=FIRST_USERNAME, person=None, password_hash=await passwords.hash_of(password)
        )
        await accounts.grant(tx, SYSTEM, made["account"], "administrator", {})
    log.info("first administrator made", file=str(first_log_in(settings.state_dir)))


def forget_first_log_in(settings: GatewaySettings, username: str) -> None:
    """The one-time password is no secret worth keeping once it was changed."""
    if username == FIRST_USERNAME:
        with contextlib.suppress(OSError):
            first_log_in(settings.state_dir).unlink(missing_ok=True)


async def ensure_demo_accounts(
    database: Database,
    mode: Mode,
    caller: Caller,
    wanted: Sequence[Mapping[str, Any]],
    *,
    reason: str,
    correlation: str,
) -> list[dict[str, Any]]:
    """Accounts for a demonstration, with passwords that everybody knows; what is there already is left as it is.

    wanted: `username`, `password`, `person` and `grants` (role, scope) of each. Refused with 403 in production.
    """
    if mode == Mode.PRODUCTION:
        raise Problem(403, "not-in-production", "Demo accounts are refused in production")
    context = caller.context(reason, correlation)
    made: list[dict[str, Any]] = []
    for number, account in enumerate(wanted):
        try:
            name = rules.username(account["username"])
            rules.check_password(account["password"], "", "password")
        except RuleError as error:
            raise invalid(f"accounts.{number}.{error.field}", error.code, error.message) from error
        password_hash = await passwords.hash_of(account["password"])
        async with database.transaction(context) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('demo-accounts', 0))")
            known = await tx.scalar("SELECT account FROM app.account WHERE username = :name", {"name": name})
            if known is None:
                row = await accounts.create(
                    tx,
                    username=name,
                    person=account.get("person"),
                    password_hash=password_hash,
                    must_change=False,
                    name=account.get("name"),
                )
                known = row["account"]
                for grant in account["grants"]:
                    await accounts.grant(tx, caller, known, grant["role"], grant.get("scope") or {})
            made.append(dict(await accounts.get(tx, known)))
    return made


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
