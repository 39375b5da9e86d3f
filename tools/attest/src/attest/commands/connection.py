"""Where the platform is and who acts: what commands that talk to it have in common."""

from __future__ import annotations

import argparse
import getpass
import os
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

from attest.client import Api, ApiError, UnreachableError
from attest.demo.people import ADMINISTRATOR, PASSWORD
from attest.platform.commands import STATE_VARIABLE
from attest.platform.state import StateDir

ADDRESS_VARIABLE = "ATTEST_URL"
USER_VARIABLE = "ATTEST_USER"
PASSWORD_VARIABLE = "ATTEST_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE = "ATTEST_TOKEN"  # noqa: S105
_DEFAULT_ADDRESS = "http://127.0.0.1:8080"


class CommandError(Exception):
    """Why the command ends with code 1, in one line."""


def add_address(parser: argparse.ArgumentParser) -> None:
    """`--url`, `--ca` and `--state-dir`."""
    parser.add_argument(
        "--url",
        default=os.environ.get(ADDRESS_VARIABLE, ""),
        help=f"address of the platform (or {ADDRESS_VARIABLE}; default: the one that runs here)",
    )
    parser.add_argument("--ca", default="", help="file of the certificate authority of an https address")
    parser.add_argument(
        "--state-dir", default=os.environ.get(STATE_VARIABLE, ".attest"), help="of a platform that runs here"
    )


def add_user(parser: argparse.ArgumentParser, *, default: str) -> None:
    """`--user`; the password is asked for, or stands in a variable, never on the command line."""
    parser.add_argument(
        "--user",
        default=os.environ.get(USER_VARIABLE, ""),
        help=f"who logs in (or {USER_VARIABLE}; password: {PASSWORD_VARIABLE} or asked; on a demo platform: {default})",
    )
    parser.set_defaults(demo_user=default)


def connect(args: argparse.Namespace) -> Api:
    """The platform, nobody logged in."""
    state = StateDir(Path(args.state_dir))
    address = args.url or state.running.get("address") or _DEFAULT_ADDRESS
    ca = args.ca or (str(found) if (found := state.path / "tls" / "attest-ca.pem").exists() else "")
    verify: bool | str = ca if address.startswith("https:") and ca else True
    try:
        return Api(address, verify=verify)
    except (OSError, ssl.SSLError) as error:
        raise CommandError(f"{ca}: {error}") from error


def is_demo(api: Api) -> bool:
    return api.get("/api/clock")["mode"] in ("demo", "test")


def log_in(api: Api, args: argparse.Namespace) -> Api:
    """As the user asked for; on a demo platform as the demo's, when none is."""
    if token := os.environ.get(TOKEN_VARIABLE):
        return Api(api.address, token=token)
    if args.user:
        return log_in_as(api, args.user)
    if is_demo(api):
        return log_in_as(api, args.demo_user)
    if not sys.stdin.isatty():
        raise CommandError(f"who logs in? --user, {USER_VARIABLE} or {TOKEN_VARIABLE}")
    return log_in_as(api, input("user: "))


def log_in_as(api: Api, username: str) -> Api:
    """Password: from the variable, on a demo platform that of the demo, else asked for."""
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not password and is_demo(api):
        try:
            return api.log_in(username, PASSWORD)
        except ApiError as error:
            if error.status != 401:
                raise
    if not password:
        if not sys.stdin.isatty():
            raise CommandError(f"the password of {username}? {PASSWORD_VARIABLE}, or run it in a terminal")
        password = getpass.getpass(f"password of {username}: ")
    session = api.log_in(username, password)
    if session.session.get("must_change_password"):
        raise CommandError(f"{username} chooses a password of their own on the page first")
    return session


def guarded(act: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Runs a command; what is refused or out of reach is one line on standard error and exit code 1."""
    try:
        return act(args)
    except (CommandError, ApiError, UnreachableError, TimeoutError, EOFError) as error:
        print(f"attest: {error}", file=sys.stderr)
    except OSError as error:
        print(f"attest: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
    return 1


__all__ = [
    "ADMINISTRATOR",
    "CommandError",
    "add_address",
    "add_user",
    "connect",
    "guarded",
    "is_demo",
    "log_in",
    "log_in_as",
]
