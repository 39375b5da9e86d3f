"""`attest up`, `down`, `reset` and `status`."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import click

from attest import web
from attest.options import Decorator, applied, state_dir_option
from attest.platform.state import PlatformError, StateDir

DOWN_DEADLINE_S = 90.0

_state_dir = state_dir_option("where data, logs and secrets are kept (default: .attest)")


def up_options(*, mode: str | None = None, clock: str = "") -> Decorator:
    """The options of `attest up`. mode, clock: what holds when they are not given."""
    return applied(
        _state_dir,
        click.option("--host", default="127.0.0.1", help="address of the web page; TLS off the loopback"),
        click.option("--port", type=int, default=8080, help="TCP port of the web page (default: 8080)"),
        click.option(
            "--mode",
            type=click.Choice(("production", "demo", "test")),
            default=mode,
            help="fixed at creation",
        ),
        click.option(
            "--clock", default=clock, help="what the clock shows at creation, e.g. 2026-03-01T08:00Z"
        ),
        click.option("--postgres-port", type=int, default=0, help="default: a free one"),
        click.option("--kafka-port", type=int, default=0, help="default: a free one"),
        click.option(
            "--postgres-url",
            envvar="ATTEST_POSTGRES_URL",
            default="",
            help="a running PostgreSQL 18 instead (postgresql://, a role that may create roles and databases)",
        ),
        click.option(
            "--kafka", envvar="ATTEST_KAFKA", default="", help="a running Kafka instead (host:port)"
        ),
    )


@click.command()
@up_options()
def up(
    state_dir: Path,
    host: str,
    port: int,
    mode: str | None,
    clock: str,
    postgres_port: int,
    kafka_port: int,
    postgres_url: str,
    kafka: str,
) -> int:
    """Run the platform until Ctrl-C; exit code 1 with one line on standard error when a part fails."""
    from attest.platform.services import Options, plan
    from attest.platform.supervisor import Supervisor

    state = StateDir(state_dir)
    if not _build_pages():
        return 1
    try:
        made = plan(state, Options(host, port, mode or "", clock))
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Attest: {error.filename or state.path}: {error.strerror}", file=sys.stderr)
        return 1
    return Supervisor(
        state,
        made,
        postgres_url=postgres_url,
        kafka=kafka,
        postgres_port=postgres_port,
        kafka_port=kafka_port,
    ).run()


def _build_pages() -> bool:
    """The pages are built when their sources changed; an installation without the sources has them in its package."""
    folders = web.Folders.of_checkout()
    if not folders.web.is_dir():
        return True
    try:
        web.build(folders, progress=lambda line: print(line, flush=True))
    except (web.BuildFailedError, FileNotFoundError) as error:
        print(f"Attest: {error}", file=sys.stderr)
        return False
    return True


@click.command()
@_state_dir
def down(state_dir: Path) -> int:
    """Stop a platform that runs in another terminal; nothing running is no error."""
    state = StateDir(state_dir)
    if not state.taken():
        print("nothing runs")
        return 0
    pid = state.running.get("pid")
    if pid is None:
        print(f"Attest: {state.path / 'up.lock'} is held, but by whom is not known", file=sys.stderr)
        return 1
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + DOWN_DEADLINE_S
    while state.taken():
        if time.monotonic() > end:
            print(f"Attest: process {pid} has not ended after {DOWN_DEADLINE_S:g} s", file=sys.stderr)
            return 1
        time.sleep(0.05)
    print("stopped")
    return 0


@click.command()
@_state_dir
@click.option("--yes", is_flag=True, help="do not ask")
def reset(state_dir: Path, yes: bool) -> int:
    """Remove all data of the local platform, after a question."""
    state = StateDir(state_dir)
    if state.taken():
        pid = state.running.get("pid", "of unknown number")
        print(f"Attest: {state.path} is in use by process {pid}: `attest down` first", file=sys.stderr)
        return 1
    if not yes:
        if not sys.stdin.isatty():
            print("Attest: reset removes all data; say --yes", file=sys.stderr)
            return 1
        if input(f"Remove all data in {state.path}? [y/N] ").strip().lower() not in {"y", "yes"}:
            print("nothing was removed")
            return 1
    state.remove()
    print(f"removed the data in {state.path}")
    return 0


@click.command()
@_state_dir
def status(state_dir: Path) -> int:
    """Show what runs; exit code 0 when all is ready, 3 when it is not."""
    found = StateDir(state_dir).running
    if not found:
        print("nothing runs")
        return 3
    ready = bool(found.get("ready"))
    print(
        f"{'ready' if ready else 'starting'}, process {found['pid']}, {found.get('address') or 'no address'}"
    )
    for name in ("postgres", "kafka"):
        if name in found:
            print(f"{name:12} {found[name]}")
    for name, program in found.get("programs", {}).items():
        print(f"{name:12} process {program['pid']}, log {program['log']}")
    return 0 if ready else 3
