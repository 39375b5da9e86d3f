"""What the supervisor is to run, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One program of the platform.

    Attributes:
        name: unique; also the name of its log.
        argv: program and arguments.
        env: added to the supervisor's environment.
        ready_url: answers 200 when it is ready; None: ready once it runs.
        needs: names of programs that must be ready before it starts.
        port: a TCP port of 127.0.0.1 that must be free before anything starts, or None.
        deadline: seconds from its start until it must be ready.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None
    needs: Sequence[str] = ()
    port: int | None = None
    deadline: float = 120.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the servers of this start are.

    Attributes:
        postgres: `host:port`.
        kafka: `host:port`.
        password: gives the password of a database role.
        state_dir: the state directory.
    """

    postgres: str
    kafka: str
    password: Callable[[str], str]
    state_dir: Path

    def database_url(self, service: str, role: str = "app") -> str:
        """`postgresql://` URL of a service's own database for its role `app` or `owner`."""
        name = f"{service}_{role}"
        return f"postgresql://{name}:{quote(self.password(name), safe='')}@{self.postgres}/{service}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A platform.

    Attributes:
        databases: names of the services that have a database.
        processes: the programs, once the servers' addresses are known.
        ports: TCP ports that `processes` will use and a person chose: checked before anything starts.
        address: what a person opens, or "".
        hint: lines printed when all is ready.
    """

    databases: Sequence[str]
    processes: Callable[[Endpoints], Sequence[ProcessSpec]]
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""
    hint: Sequence[str] = ()
