"""Attest's own services: the plan of `attest up`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from servicekit.embedded.files import write_private
from servicekit.embedded.ports import free_port
from servicekit.http.caller import new_key, public_set

from attest.platform.spec import Endpoints, Plan, ProcessSpec
from attest.platform.state import PlatformError, StateDir

SERVICES = ("matrix", "qms", "assignment", "records", "reporting", "gateway")
"""Each runs as `python -m <name>_svc.main` and owns a database of its name."""

WORKERS = ("assignment", "reporting")
"""Those whose folds and derivations have a process of their own, so that a burst of work delays no answer."""

PUBLIC = "gateway"
"""The one that people and other systems reach; the others listen on free ports of 127.0.0.1."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104


@dataclass(frozen=True, slots=True)
class Options:
    """What `attest up` was asked for.

    Attributes:
        host: address that the gateway listens on.
        port: its TCP port.
        mode: `production`, `demo` or `test`; "" for that of the creation.
        clock: the instant that the platform's clock shows at its creation, in ISO 8601; "" for the real time.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    mode: str = ""
    clock: str = ""


def make_keys(state: StateDir) -> tuple[Path, Path]:
    """The gateway's signing key (mode 0600) and the JWK set with its public half, made at the first start."""
    private, public = state.secrets / "internal-key.json", state.secrets / "internal-keys.json"
    if not (private.exists() and public.exists()):
        key = new_key(f"gateway-{datetime.now(UTC):%Y%m%d%H%M%S}")
        write_private(private, json.dumps(key.as_dict(private=True)) + "\n")
        write_private(public, json.dumps(public_set([key])) + "\n")
    return private, public


def fix_settings(state: StateDir, options: Options, now: datetime) -> tuple[str, float]:
    """The mode and the clock's offset in seconds, fixed when the platform is created.

    Raises:
        PlatformError: they differ from those of the creation, a moved clock is asked for in production, or the
            clock is no instant.
    """
    known = state.settings
    if not known:
        mode = options.mode or ("demo" if options.clock else "production")
        if options.clock and mode == "production":
            raise PlatformError("Attest: a moved clock (--clock) is refused in production mode")
        offset = (_instant(options.clock) - now).total_seconds() if options.clock else 0.0
        known = {"mode": mode, "clock": options.clock, "clock_offset": offset, "created": now.isoformat()}
        state.settings = known
    elif options.mode and options.mode != known["mode"]:
        raise PlatformError(
            f"Attest: {state.path} was created in mode {known['mode']}, not {options.mode} (`attest reset` removes it)"
        )
    elif options.clock and options.clock != known["clock"]:
        was = known["clock"] or "the real time"
        raise PlatformError(
            f"Attest: {state.path} was created with the clock at {was}, not {options.clock} "
            "(`attest reset` removes it)"
        )
    return str(known["mode"]), float(known["clock_offset"])


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise PlatformError(
            f"Attest: --clock {text!r} is no instant (ISO 8601, e.g. 2026-03-01T08:00Z)"
        ) from error
    if found.tzinfo is None:
        raise PlatformError(f"Attest: --clock {text!r} has no time zone (e.g. 2026-03-01T08:00Z)")
    return found


def plan(state: StateDir, options: Options) -> Plan:
    """The plan of a start with `options`.

    Raises:
        PlatformError: see `fix_settings`.
    """
    state.make()
    mode, offset = fix_settings(state, options, datetime.now(UTC))

    def processes(endpoints: Endpoints) -> Sequence[ProcessSpec]:
        private, public = make_keys(state)
        ports = {name: options.port if name == PUBLIC else free_port() for name in SERVICES}
        common = {f"ATTEST_{name.upper()}_URL": f"http://127.0.0.1:{ports[name]}" for name in SERVICES} | {
            "ATTEST_KAFKA": endpoints.kafka,
            "ATTEST_MODE": mode,
            "ATTEST_CLOCK_OFFSET": repr(offset),
            "ATTEST_INTERNAL_KEYS": str(public),
            "ATTEST_STATE_DIR": str(endpoints.state_dir),
            "PYTHONUNBUFFERED": "1",
        }
        found: list[ProcessSpec] = []
        for name in SERVICES:
            env = common | {
                "ATTEST_SERVICE": name,
                "ATTEST_DATABASE_URL": endpoints.database_url(name),
                "ATTEST_OWNER_DATABASE_URL": endpoints.database_url(name, "owner"),
            }
            if name == PUBLIC:
                # The private half: services verify with the public one.
                env["ATTEST_INTERNAL_KEY_FILE"] = str(private)
            if name in WORKERS:
                found.append(_process(name, "api", env, "127.0.0.1", ports[name]))
                found.append(
                    _process(f"{name}-worker", "worker,relay", env, "127.0.0.1", free_port(), service=name)
                )
            else:
                host = options.host if name == PUBLIC else "127.0.0.1"
                found.append(_process(name, "all", env, host, ports[name]))
        return found

    scheme = "http" if options.host in _LOOPBACK else "https"
    return Plan(
        databases=SERVICES,
        processes=processes,
        ports={PUBLIC: options.port},
        address=f"{scheme}://{options.host}:{options.port}",
        hint=_hint(state, mode),
    )


def _process(
    name: str, roles: str, env: dict[str, str], host: str, port: int, *, service: str = ""
) -> ProcessSpec:
    """service: whose it is, where the process is not named after it."""
    asked = "127.0.0.1" if host in _ANY else f"[{host}]" if ":" in host else host
    scheme = "http" if host in _LOOPBACK else "https"
    return ProcessSpec(
        name,
        [sys.executable, "-m", f"{service or name}_svc.main", "--roles", roles],
        env | {"ATTEST_HTTP_HOST": host, "ATTEST_HTTP_PORT": str(port)},
        ready_url=f"{scheme}://{asked}:{port}/readyz",
        port=port,
    )


def _hint(state: StateDir, mode: str) -> list[str]:
    lines = [f"logs in {os.path.relpath(state.logs)}, stop with Ctrl-C or `make down`"]
    first = state.secrets / "first-administrator.txt"
    if first.exists():
        lines.insert(0, f"the first log-in is in {os.path.relpath(first)}")
    if mode != "production":
        lines.append(f"mode {mode}: not for records that count")
    return lines
