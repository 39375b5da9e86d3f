"""`attest token`: bearer tokens of machines."""

from __future__ import annotations

from collections.abc import Sequence

import click

from attest.commands.connection import ADMINISTRATOR, CommandError, Platform, guarded, platform_options


@click.command()
@click.argument("act", type=click.Choice(("create", "list", "revoke")), default="list")
@click.argument("token", default="")
@click.option("--name", default="integration", help="what it is for")
@click.option("--role", default="integration")
@click.option(
    "--scope", "scopes", multiple=True, metavar="KEY=VALUE", help="narrows it, e.g. site=NL1 (repeatable)"
)
@click.option("--days", type=int, default=90, help="until it expires (default: 90)")
@click.option("--reason", default="", help="why; needed to create or revoke")
@platform_options(demo_user=ADMINISTRATOR)
@guarded
def token(
    platform: Platform,
    act: str,
    token: str,
    name: str,
    role: str,
    scopes: tuple[str, ...],
    days: int,
    reason: str,
) -> int:
    """Create, list and revoke the bearer tokens of machines. TOKEN: of `revoke`, the id that `list` shows.

    The secret is printed once, alone on standard output, and kept nowhere.
    """
    with platform.connect() as connection, platform.log_in(connection) as api:
        if act == "list":
            for each in api.pages("/api/tokens"):
                state = (
                    f"revoked {each['revoked_at']}" if each["revoked_at"] else f"until {each['expires_at']}"
                )
                scope = (
                    ",".join(f"{key}={value}" for key, value in each["scope"].items() if value)
                    or "everywhere"
                )
                print(f"{each['token']}  {each['role']:12} {scope:16} {each['name']}, {state}")
            return 0
        why = reason or f"attest token {act}"
        if act == "revoke":
            if not token:
                raise CommandError("which one? attest token revoke ID")
            api.post(f"/api/tokens/{token}/revoke", {"reason": why})
            print("revoked")
            return 0
        made = api.post(
            "/api/tokens",
            {
                "name": name,
                "role": role,
                "scope": _scope(scopes),
                "expires_in_days": days,
                "reason": why,
            },
        )
        print(made["secret"])
        return 0


def _scope(given: Sequence[str]) -> dict[str, str]:
    scope: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (key and equals and value):
            raise CommandError(f"--scope {each}: KEY=VALUE, e.g. site=NL1")
        scope[key] = value
    return scope
