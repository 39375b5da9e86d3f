"""`attest dead-letters` and `attest replay`: repairs of the bus."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from attest.commands.connection import ADMINISTRATOR, CommandError, Platform, guarded, platform_options
from attest.options import state_dir_option
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir


@click.command()
@click.argument("act", type=click.Choice(("list", "retry", "discard")), default="list")
@click.argument("service", default="")
@click.argument("id", type=int, required=False)
@click.option("--latest", is_flag=True, help="of each subject the newest parked event alone")
@click.option("--reason", default="", help="why; needed to retry or discard")
@platform_options(demo_user=ADMINISTRATOR)
@guarded
def dead_letters(
    platform: Platform, act: str, service: str, id: int | None, latest: bool, reason: str
) -> int:
    """List, retry or discard events that could not be folded.

    SERVICE: whose; `list` shows those of all services by default. ID: one of them; `retry` takes all by default.
    Exit code 0 when none of those that were meant is left, 3 when some are.
    """
    with platform.connect() as connection, platform.log_in(connection) as api:
        if act != "list":
            if not service or not reason:
                raise CommandError(f"attest dead-letters {act} SERVICE [ID] --reason WHY")
            body = {"service": service, "id": id, "reason": reason}
            if act == "retry":
                body["latest"] = latest
            answer = api.post(f"/api/dead-letters/{act}", body)
            print(", ".join(f"{name}: {value}" for name, value in answer.items()))
        left = [each for each in api.pages("/api/dead-letters") if service in ("", each["service"])]
        for each in left:
            print(
                f"{each['service']:11} {each['id']:>6}  {each['topic']} {each['subject']}"
                f"  {each['error_class']}: {each['error']}"
            )
        if not left:
            print("no event is parked")
        return 3 if left else 0


@click.command()
@click.argument("topic", default="")
@state_dir_option("of the platform that runs here")
@click.option("--database-url", default="", help="of the topic's owner, elsewhere (its runtime role)")
@guarded
def replay(topic: str, state_dir: Path, database_url: str) -> int:
    """Publish the history of TOPIC, such as matrix.person, again.

    The events keep their ids: consumers leave out what they know.
    """
    from attest_contracts import topics

    known = topics.load()
    if topic not in known:
        raise CommandError(f"which topic? one of {', '.join(known)}")
    url = database_url or _local_url(state_dir, known[topic].owner)
    count = asyncio.run(_again(url, known[topic].owner, topic))
    print(f"{count:,} events of {topic} are published again")
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
