"""`attest up`, `down`, `reset` and `status`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from attest import web
from attest.platform.state import PlatformError, StateDir

STATE_VARIABLE = "ATTEST_STATE_DIR"
DOWN_DEADLINE_S = 90.0


def _state(args: argparse.Namespace) -> StateDir:
    return StateDir(Path(args.state_dir))


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state-dir",
        default=os.environ.get(STATE_VARIABLE, ".attest"),
        help="where data, logs and secrets are kept (default: .attest)",
    )


def add_up(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest up`."""
    _add_state(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address of the web page; TLS off the loopback")
    parser.add_argument("--port", type=int, default=8080, help="TCP port of the web page (default: 8080)")
    parser.add_argument(
        "--mode", choices=("production", "demo", "test"), default="", help="fixed at creation"
    )
    parser.add_argument(
        "--clock", default="", help="what the clock shows at creation, e.g. 2026-03-01T08:00Z"
    )
    parser.add_argument("--postgres-port", type=int, default=0, help="default: a free one")
    parser.add_argument("--kafka-port", type=int, default=0, help="default: a free one")
    parser.add_argument(
        "--postgres-url",
        default=os.environ.get("ATTEST_POSTGRES_URL", ""),
        help="a running PostgreSQL 18 instead (postgresql://, a role that may create roles and databases)",
    )
    parser.add_argument(
        "--kafka", default=os.environ.get("ATTEST_KAFKA", ""), help="a running Kafka instead (host:port)"
    )


def up(args: argparse.Namespace) -> int:
    """Run the platform until Ctrl-C; exit code 1 with one line on standard error when a part fails."""
    from attest.platform.services import Options, plan
    from attest.platform.supervisor import Supervisor

    state = _state(args)
    if not _build_pages():
        return 1
    try:
        made = plan(state, Options(args.host, args.port, args.mode, args.clock))
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Attest: {error.filename or state.path}: {error.strerror}", file=sys.stderr)
        return 1
    return Supervisor(
        state,
        made,
        postgres_url=args.postgres_url,
        kafka=args.kafka,
        postgres_port=args.postgres_port,
        kafka_port=args.kafka_port,
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


def add_down(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest down`."""
    _add_state(parser)


def down(args: argparse.Namespace) -> int:
    """Stop a platform that runs in another terminal; nothing running is no error."""
    state = _state(args)
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


def add_reset(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest reset`."""
    _add_state(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def reset(args: argparse.Namespace) -> int:
    """Remove all data of the local platform, after a question."""
    state = _state(args)
    if state.taken():
        pid = state.running.get("pid", "of unknown number")
        print(f"Attest: {state.path} is in use by process {pid}: `attest down` first", file=sys.stderr)
        return 1
    if not args.yes:
        if not sys.stdin.isatty():
            print("Attest: reset removes all data; say --yes", file=sys.stderr)
            return 1
        if input(f"Remove all data in {state.path}? [y/N] ").strip().lower() not in {"y", "yes"}:
            print("nothing was removed")
            return 1
    state.remove()
    print(f"removed the data in {state.path}")
    return 0


def add_status(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest status`."""
    _add_state(parser)


def status(args: argparse.Namespace) -> int:
    """Show what runs; exit code 0 when all is ready, 3 when it is not."""
    found = _state(args).running
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
