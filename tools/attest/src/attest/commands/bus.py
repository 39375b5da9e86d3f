"""`attest dead-letters` and `attest replay`: repairs of the bus."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from attest.commands.connection import (
    ADMINISTRATOR,
    CommandError,
    add_address,
    add_user,
    connect,
    guarded,
    log_in,
)
from attest.platform.commands import STATE_VARIABLE
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir


def add_dead_letters(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest dead-letters list|retry|discard`."""
    parser.add_argument("act", choices=("list", "retry", "discard"), nargs="?", default="list")
    parser.add_argument("service", nargs="?", default="", help="whose; of `list`: default all")
    parser.add_argument("id", nargs="?", type=int, default=None, help="one of them; of `retry`: default all")
    parser.add_argument("--latest", action="store_true", help="of each subject the newest parked event alone")
    parser.add_argument("--reason", default="", help="why; needed to retry or discard")
    add_address(parser)
    add_user(parser, default=ADMINISTRATOR)


def dead_letters(args: argparse.Namespace) -> int:
    """Exit code 0 when there are none left of those that were meant, 3 when some are."""
    return guarded(_dead_letters, args)


def _dead_letters(args: argparse.Namespace) -> int:
    with connect(args) as platform, log_in(platform, args) as api:
        if args.act != "list":
            if not args.service or not args.reason:
                raise CommandError(f"attest dead-letters {args.act} SERVICE [ID] --reason WHY")
            body = {"service": args.service, "id": args.id, "reason": args.reason}
            if args.act == "retry":
                body["latest"] = args.latest
            answer = api.post(f"/api/dead-letters/{args.act}", body)
            print(", ".join(f"{name}: {value}" for name, value in answer.items()))
        left = [each for each in api.pages("/api/dead-letters") if args.service in ("", each["service"])]
        for each in left:
            print(
                f"{each['service']:11} {each['id']:>6}  {each['topic']} {each['subject']}"
                f"  {each['error_class']}: {each['error']}"
            )
        if not left:
            print("no event is parked")
        return 3 if left else 0


def add_replay(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest replay TOPIC`."""
    parser.add_argument("topic", nargs="?", default="", help="such as matrix.person")
    parser.add_argument(
        "--state-dir",
        default=os.environ.get(STATE_VARIABLE, ".attest"),
        help="of the platform that runs here",
    )
    parser.add_argument(
        "--database-url", default="", help="of the topic's owner, elsewhere (its runtime role)"
    )


def replay(args: argparse.Namespace) -> int:
    """Publishes the history of a topic again, with the same event ids; consumers leave out what they know."""
    return guarded(_replay, args)


def _replay(args: argparse.Namespace) -> int:
    from attest_contracts import topics

    known = topics.load()
    if args.topic not in known:
        raise CommandError(f"which topic? one of {', '.join(known)}")
    url = args.database_url or _local_url(Path(args.state_dir), known[args.topic].owner)
    count = asyncio.run(_again(url, known[args.topic].owner, args.topic))
    print(f"{count:,} events of {args.topic} are published again")
    return 0


def _local_url(path: Path, owner: str) -> str:
    state = StateDir(path)
    running = state.running
    if "postgres" not in running:
        raise CommandError("no platform runs here: --database-url of the topic's owner")
    return Endpoints(running["postgres"], running["kafka"], state.password, state.path).database_url(owner)


async def _again(url: str, owner: str, topic: str) -> int:
    from servicekit.bus import replay as publish_again
    from servicekit.db import Database

    database = Database(url, source=owner, application_name="attest replay")
    try:
        return await publish_again(database, topic)
    finally:
        await database.close()
