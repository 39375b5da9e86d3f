"""The command `attest`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click


class Command(NamedTuple):
    """A subcommand and where it is: `module:attribute`, loaded when it is asked for."""

    name: str
    where: str
    help: str

    def load(self) -> click.Command:
        module, _, attribute = self.where.partition(":")
        return getattr(importlib.import_module(module), attribute)


COMMANDS: tuple[Command, ...] = (
    Command("up", "attest.platform.commands:up", "start the whole platform and stay until Ctrl-C"),
    Command("down", "attest.platform.commands:down", "stop the platform that runs here"),
    Command("status", "attest.platform.commands:status", "show what runs"),
    Command("reset", "attest.platform.commands:reset", "remove all data of the local platform"),
    Command(
        "demo",
        "attest.commands.demo:demo",
        "start it with a plant's files and play the story of a revised procedure",
    ),
    Command(
        "import",
        "attest.commands.importing:import_",
        "check a customer's files, and take them over when two accept",
    ),
    Command("token", "attest.commands.tokens:token", "create, list and revoke the bearer tokens of machines"),
    Command(
        "dead-letters",
        "attest.commands.bus:dead_letters",
        "list, retry or discard events that could not be folded",
    ),
    Command("bench", "attest.commands.bench:bench", "measure ratios on this machine, into build/bench.json"),
    Command(
        "openapi",
        "attest.commands.openapi:openapi",
        "write the platform's OpenAPI document, or check that it is in step",
    ),
    Command("replay", "attest.commands.bus:replay", "publish the history of a topic again"),
    Command(
        "rebuild", "attest.commands.rebuild:rebuild", "fold reporting's archive again, compare, and swap"
    ),
    Command("backup", "attest.commands.backup:backup", "write a backup of the whole platform"),
    Command(
        "restore", "attest.commands.backup:restore", "bring a platform, or one service, back to a backup"
    ),
)


class _Commands(click.Group):
    """Loads one subcommand alone: the list needs none of them, and some import whole services."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return next((command.load() for command in COMMANDS if command.name == cmd_name), None)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.help) for command in COMMANDS])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def attest() -> None:
    """Attest on this machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a subcommand and returns its exit code: 2 for a wrong use of it, 130 after Ctrl-C."""
    try:
        code = attest.main(
            args=None if argv is None else list(argv), prog_name="attest", standalone_mode=False
        )
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
