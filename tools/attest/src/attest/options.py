"""Options that several subcommands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

STATE_VARIABLE = "ATTEST_STATE_DIR"

type Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def state_dir_option(help: str) -> Decorator:
    """`--state-dir`, a Path."""
    return click.option(
        "--state-dir",
        type=click.Path(path_type=Path),
        envvar=STATE_VARIABLE,
        default=Path(".attest"),
        help=help,
    )


def applied(*decorators: Decorator) -> Decorator:
    """One decorator for several; the options are listed in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate
