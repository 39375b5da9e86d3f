"""Where the platform is and who acts: what commands that talk to it have in common."""

from __future__ import annotations

import functools
import getpass
import os
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from attest.client import Api, ApiError, UnreachableError
from attest.demo.people import ADMINISTRATOR, PASSWORD
from attest.options import Decorator, applied, state_dir_option
from attest.platform.state import StateDir

ADDRESS_VARIABLE = "ATTEST_URL"
USER_VARIABLE = "ATTEST_USER"
PASSWORD_VARIABLE = "ATTEST_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE = "ATTEST_TOKEN"  # noqa: S105
_DEFAULT_ADDRESS = "http://127.0.0.1:8080"


class CommandError(Exception):
    """Why the command ends with code 1, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Where the platform is and who acts there, as the options say.

    url, ca, user: empty when not given. demo_user: who acts on a demo platform when nobody is named.
    """

    url: str
    ca: str
    state_dir: Path
    user: str
    demo_user: str

    def connect(self) -> Api:
        """The platform, nobody logged in."""
        state = StateDir(self.state_dir)
        address = self.url or state.running.get("address") or _DEFAULT_ADDRESS
        ca = self.ca or (str(found) if (found := state.path / "tls" / "attest-ca.pem").exists() else "")
        verify: bool | str = ca if address.startswith("https:") and ca else True
        try:
            return Api(address, verify=verify)
        except (OSError, ssl.SSLError) as error:
            raise CommandError(f"{ca}: {error}") from error

    def log_in(self, api: Api) -> Api:
        """As the user asked for; on a demo platform as the demo's, when none is."""
        if token := os.environ.get(TOKEN_VARIABLE):
            return Api(api.address, token=token)
        if self.user:
            return log_in_as(api, self.user)
        if is_demo(api):
            return log_in_as(api, self.demo_user)
        if not sys.stdin.isatty():
            raise CommandError(f"who logs in? --user, {USER_VARIABLE} or {TOKEN_VARIABLE}")
        return log_in_as(api, input("user: "))


def platform_options(*, demo_user: str) -> Decorator:
    """`--url`, `--ca`, `--state-dir` and `--user`; the command gets them as its first argument, a `Platform`.

    The password is asked for, or stands in a variable, never on the command line.
    """

    def with_platform(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def run(*, url: str, ca: str, state_dir: Path, user: str, **options: Any) -> int:
            platform = Platform(url=url, ca=ca, state_dir=state_dir, user=user, demo_user=demo_user)
            return command(platform, **options)

        return run

    return applied(
        click.option(
            "--url",
            envvar=ADDRESS_VARIABLE,
            default="",
            help=f"address of the platform (or {ADDRESS_VARIABLE}; default: the one that runs here)",
        ),
        click.option("--ca", default="", help="file of the certificate authority of an https address"),
        state_dir_option("of a platform that runs here"),
        click.option(
            "--user",
            envvar=USER_VARIABLE,
            default="",
            help=f"who logs in (or {USER_VARIABLE}; password: {PASSWORD_VARIABLE} or asked;"
            f" on a demo platform: {demo_user})",
        ),
        with_platform,
    )


def is_demo(api: Api) -> bool:
    return api.get("/api/clock")["mode"] in ("demo", "test")


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


def guarded[**P](act: Callable[P, int]) -> Callable[P, int]:
    """A command whose refusals and failures to reach something are one line on standard error and exit code 1."""

    @functools.wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return act(*args, **kwargs)
        except (CommandError, ApiError, UnreachableError, TimeoutError, EOFError) as error:
            print(f"attest: {error}", file=sys.stderr)
        except OSError as error:
            print(f"attest: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 1

    return run


__all__ = [
    "ADMINISTRATOR",
    "CommandError",
    "Platform",
    "guarded",
    "is_demo",
    "log_in_as",
    "platform_options",
]
