"""The command `attest`."""

from __future__ import annotations

import argparse
import importlib
import keyword
import sys
from collections.abc import Sequence
from typing import NamedTuple


class Command(NamedTuple):
    """A subcommand: the module is loaded when it is asked for.

    The module has two functions: `add_<name>(parser)` adds the arguments, `<name>(args)` does the work and
    returns the exit code; a dash of the name is an underscore there, and a word of the language has one behind it.
    """

    name: str
    module: str
    help: str


COMMANDS: tuple[Command, ...] = (
    Command("up", "attest.platform.commands", "start the whole platform and stay until Ctrl-C"),
    Command("down", "attest.platform.commands", "stop the platform that runs here"),
    Command("status", "attest.platform.commands", "show what runs"),
    Command("reset", "attest.platform.commands", "remove all data of the local platform"),
    Command(
        "demo",
        "attest.commands.demo",
        "start it with a plant's files and play the story of a revised procedure",
    ),
    Command(
        "import", "attest.commands.importing", "check a customer's files, and take them over when two accept"
    ),
    Command("token", "attest.commands.tokens", "create, list and revoke the bearer tokens of machines"),
    Command("dead-letters", "attest.commands.bus", "list, retry or discard events that could not be folded"),
    Command("bench", "attest.commands.bench", "measure ratios on this machine, into build/bench.json"),
    Command(
        "openapi",
        "attest.commands.openapi",
        "write the platform's OpenAPI document, or check that it is in step",
    ),
    Command("replay", "attest.commands.bus", "publish the history of a topic again"),
    Command("rebuild", "attest.commands.rebuild", "fold reporting's archive again, compare, and swap"),
    Command("backup", "attest.commands.backup", "write a backup of the whole platform"),
    Command("restore", "attest.commands.backup", "bring a platform, or one service, back to a backup"),
)


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; only the subcommand that `argv` names has its arguments, since the others are not loaded."""
    parser = argparse.ArgumentParser(prog="attest", description="Attest on this machine")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = next((word for word in argv if not word.startswith("-")), None)
    for command in COMMANDS:
        sub = subparsers.add_parser(command.name, help=command.help, description=command.help)
        if command.name == wanted:
            module = importlib.import_module(command.module)
            function = command.name.replace("-", "_")
            getattr(module, f"add_{function}")(sub)
            sub.set_defaults(run=getattr(module, function + "_" * keyword.iskeyword(function)))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    args = build_parser(words).parse_args(words)
    try:
        code: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
