"""`attest token`: bearer tokens of machines."""

from __future__ import annotations

import argparse

from attest.commands.connection import (
    ADMINISTRATOR,
    CommandError,
    add_address,
    add_user,
    connect,
    guarded,
    log_in,
)


def add_token(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest token create|list|revoke`."""
    parser.add_argument("act", choices=("create", "list", "revoke"), nargs="?", default="list")
    parser.add_argument("token", nargs="?", default="", help="of `revoke`: the id that `list` shows")
    parser.add_argument("--name", default="integration", help="what it is for")
    parser.add_argument("--role", default="integration")
    parser.add_argument(
        "--scope", action="append", default=[], metavar="KEY=VALUE", help="narrows it, e.g. site=NL1"
    )
    parser.add_argument("--days", type=int, default=90, help="until it expires (default: 90)")
    parser.add_argument("--reason", default="", help="why; needed to create or revoke")
    add_address(parser)
    add_user(parser, default=ADMINISTRATOR)


def token(args: argparse.Namespace) -> int:
    """The secret is printed once, alone on standard output, and kept nowhere."""
    return guarded(_token, args)


def _token(args: argparse.Namespace) -> int:
    with connect(args) as platform, log_in(platform, args) as api:
        if args.act == "list":
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
        reason = args.reason or f"attest token {args.act}"
        if args.act == "revoke":
            if not args.token:
                raise CommandError("which one? attest token revoke ID")
            api.post(f"/api/tokens/{args.token}/revoke", {"reason": reason})
            print("revoked")
            return 0
        made = api.post(
            "/api/tokens",
            {
                "name": args.name,
                "role": args.role,
                "scope": _scope(args.scope),
                "expires_in_days": args.days,
                "reason": reason,
            },
        )
        print(made["secret"])
        return 0


def _scope(given: list[str]) -> dict[str, str]:
    scope: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (key and equals and value):
            raise CommandError(f"--scope {each}: KEY=VALUE, e.g. site=NL1")
        scope[key] = value
    return scope
