"""Restoring the database of one service while the others keep theirs, which are newer.

The database that stands there is kept under another name. The restored one continues in an epoch above every one
that was ever heard; it announces the last state of all its subjects again, and takes back those that it has lost.
Its own consumer goes on from its restored positions: what the others have announced since is still in Kafka.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any

import psycopg
from attest_contracts import topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from attest_contracts.topics import AUDIT_SUFFIX
from psycopg import sql
from servicekit.bus import Announcement, Event, Intake, Received, announce, claim, configure
from servicekit.bus.envelope import instant
from servicekit.bus.restore import announce_again, raise_epoch
from servicekit.context import Context
from servicekit.db import Database
from servicekit.ids import new_id

from attest.backups.load import end_sessions, load_database
from attest.backups.lost import KIND, REASON, WITHDRAWALS
from attest.backups.manifest import BackupError, Manifest, check_files, read
from attest.backups.server import started
from attest.platform.provision import provision
from attest.platform.services import SERVICES
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir

_ARCHIVE = "reporting"
_BLOCK = 500

type Subject = tuple[str, str]
"""Topic and subject."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of the announcements of a service outside of its restored database.

    Attributes:
        epoch: the highest that anybody has seen.
        subjects: every one that anybody has seen, or that the database that stood there had announced.
    """

    epoch: int
    subjects: frozenset[Subject]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a restore: the new epoch, subjects announced again, those taken back, and where the list of these is."""

    epoch: int
    announced: int
    lost: int
    listed: Path | None


def load_one(directory: Path, service: str, state: StateDir, say: Callable[[str], None]) -> Outcome:
    """Puts the database of one service back to a backup; the platform must be stopped.

    Raises:
        BackupError: the backup is of another platform, not whole, or newer than this release; the platform runs
            or has no such database. The database that stood there is then in its place.
    """
    manifest, _ = read(directory, (service,))
    check_files(directory, manifest)
    if state.settings != dict(manifest.platform):
        raise BackupError(f"{directory} is a backup of another platform than {state.path}")
    if not (state.postgres / "PG_VERSION").exists():
        raise BackupError(f"{state.path} holds no platform with a PostgreSQL of its own")
    configure(topics.load(), validate=validate_outgoing)
    with started(state) as (endpoints, admin_url):
        old = f"{service}_until_{datetime.now(UTC):%Y%m%dt%H%M%S}"
        heard = _heard(service, endpoints)
        _rename(admin_url, service, old)
        try:
            provision(admin_url, SERVICES, state.password)
            load_database(directory, service, manifest.databases[service], endpoints)
            outcome = asyncio.run(_announce(service, old, heard, manifest, endpoints, state))
        except BaseException:
            _drop(admin_url, service)
            _rename(admin_url, old, service)
            raise
        with psycopg.connect(admin_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(old))
            )
        say(f"the database that stood there is kept as {old}")
    return outcome


# What others know


def _heard(service: str, endpoints: Endpoints) -> Heard:
    own = [topic.name for topic in topics.load().values() if topic.owner == service]
    subjects: set[Subject] = set()
    epochs = [1]
    for other in SERVICES:
        if other != service:
            with psycopg.connect(endpoints.database_url(other, "owner")) as connection:
                for topic, subject, epoch in connection.execute(
                    "SELECT topic, subject, epoch FROM bus.seen WHERE topic = ANY(%s)", [own]
                ):
                    epochs.append(epoch)
                    subjects.add((topic, subject))
    try:
        with psycopg.connect(endpoints.database_url(service, "owner")) as connection:
            # What it announced last may be in Kafka and with nobody yet.
            epochs += [row[0] for row in connection.execute("SELECT epoch FROM bus.epoch")]
            rows = connection.execute("SELECT topic, subject FROM bus.subject WHERE sequence > 0").fetchall()
            subjects.update((topic, subject) for topic, subject in rows)
    except psycopg.Error:
        # It may be the very reason of the restore; what others have heard is what counts.
        pass
    # That something was done stays true, whoever has lost the entry.
    kept = (subject for subject in subjects if not subject[0].endswith(AUDIT_SUFFIX))
    return Heard(max(epochs), frozenset(kept))


def _last_events(
    lost: Collection[Subject], service: str, old: str, endpoints: Endpoints
) -> dict[Subject, Event]:
    """The last event of each, from reporting's archive and from the database that stood there."""
    names, wanted = sorted({topic for topic, _ in lost} & WITHDRAWALS.keys()), set(lost)
    found: dict[Subject, Event] = {}
    if names and service != _ARCHIVE:
        with (
            psycopg.connect(endpoints.database_url(_ARCHIVE, "owner")) as connection,
            connection.cursor(name="archive") as cursor,
        ):
            cursor.execute(
                "SELECT topic, envelope FROM archive.event WHERE topic = ANY(%s) AND envelope IS NOT NULL",
                [names],
            )
            _note_latest(found, cursor, wanted)
    try:
        with psycopg.connect(
            endpoints.database_url(service, "owner").rpartition("/")[0] + f"/{old}"
        ) as connection:
            pairs = [[topic for topic, _ in lost], [subject for _, subject in lost]]
            rows = connection.execute(
                "SELECT o.topic, o.envelope FROM unnest(%s::text[], %s::text[]) AS w(topic, subject)"
                " CROSS JOIN LATERAL (SELECT topic, envelope FROM bus.outbox o WHERE o.topic = w.topic"
                " AND o.subject = w.subject ORDER BY id DESC LIMIT 1) AS o",
                pairs,
            )
            _note_latest(found, rows, wanted)
    except psycopg.Error:
        pass
    return found


def _note_latest(
    found: dict[Subject, Event], rows: Iterable[tuple[str, str]], wanted: Collection[Subject]
) -> None:
    intake = Intake(CONTRACTS)
    for topic, envelope in rows:
        received = Received(topic, 0, 0, None, envelope.encode())
        intake.read(received)
        event = received.event
        # What breaks its contract was parked, so that nobody knows it.
        if event is not None and received.problem is None and (topic, event.subject) in wanted:
            known = found.get((topic, event.subject))
            if known is None or (event.epoch, event.sequence) > (known.epoch, known.sequence):
                found[topic, event.subject] = event


# What it announces


async def _announce(
    service: str, old: str, heard: Heard, manifest: Manifest, endpoints: Endpoints, state: StateDir
) -> Outcome:
    owner = endpoints.database_url(service, "owner")
    # One that was restored before may have been heard in a higher epoch than the backup has.
    epoch = await raise_epoch(owner)
    while epoch <= heard.epoch:
        epoch = await raise_epoch(owner)
    async with await psycopg.AsyncConnection.connect(owner) as connection:
        cursor = await connection.execute("SELECT topic, subject FROM bus.subject WHERE sequence > 0")
        lost = sorted(heard.subjects - {(topic, subject) for topic, subject in await cursor.fetchall()})
        if service == "gateway":
            await end_sessions(connection)
    last = await asyncio.to_thread(_last_events, lost, service, old, endpoints)
    context = Context(
        actor="system/restore",
        reason=f"restored from the backup of {manifest.taken_at}",
        correlation=new_id(),
    )
    audits = [name for name in topics.load() if name.endswith(AUDIT_SUFFIX)]
    database = Database(endpoints.database_url(service), source=service, application_name="attest restore")
    try:
        announced = await announce_again(database, context, contracts=CONTRACTS, without=audits)
        for block in batched(lost, _BLOCK, strict=False):
            await _take_back(database, context, block, last)
    finally:
        await database.close()
    return Outcome(epoch, announced, len(lost), _list(state, service, manifest, epoch, lost, last))


async def _take_back(
    database: Database, context: Context, lost: Sequence[Subject], last: Mapping[Subject, Event]
) -> None:
    known = [subject for subject in lost if subject[0] in WITHDRAWALS and subject in last]
    async with database.transaction(context) as tx:
        at = instant(await claim(tx, known))
        await announce(
            tx,
            [
                Announcement(
                    topic=topic,
                    type=WITHDRAWALS[topic].type,
                    subject=subject,
                    key=last[topic, subject].key,
                    state=WITHDRAWALS[topic].state(last[topic, subject].raw_state, at),
                    change={
                        "kind": KIND,
                        "reason": REASON,
                        "valid_from": None,
                        "cause": last[topic, subject].id,
                    },
                )
                for topic, subject in known
            ],
        )


def _list(
    state: StateDir,
    service: str,
    manifest: Manifest,
    epoch: int,
    lost: list[Subject],
    last: Mapping[Subject, Event],
) -> Path | None:
    """Writes what was lost, one line each, beside the logs: people enter from it what they still know."""
    if not lost:
        return None
    path = state.path / f"lost-{service}-epoch-{epoch}.jsonl"
    path.touch(mode=0o600)
    lines: list[dict[str, Any]] = []
    for topic, subject in lost:
        event = last.get((topic, subject))
        lines.append(
            {
                "topic": topic,
                "subject": subject,
                "taken_back": topic in WITHDRAWALS and event is not None,
                "backup": manifest.taken_at,
                "last_event": event and event.id,
                "last_time": event and instant(event.time),
                "last_state": event and event.raw_state,
            }
        )
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path


# Databases


def _rename(admin_url: str, name: str, new: str) -> None:
    try:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new))
            )
    except psycopg.Error as error:
        raise BackupError(f"PostgreSQL: {str(error).strip().splitlines()[0]}") from error


def _drop(admin_url: str, name: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
