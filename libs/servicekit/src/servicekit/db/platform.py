"""What every service database holds before the service adds its own tables: schemas, clock, audit trail, bus.

`install` is the first step of a service's first migration and runs as the owner role. The runtime role gets what it
needs to work and nothing on the trail itself (21 CFR 11.10(e)): entries are written by triggers, taken for
announcement by `audit.take` and read by `audit.trail`.
"""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from typing import Literal, Protocol, get_args

from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from servicekit.db.bus_schema import bus_ddl

type Mode = Literal["production", "demo", "test"]
MODES: tuple[str, ...] = get_args(Mode.__value__)

SCHEMAS = ("app", "audit", "bus", "sign")


class HasBind(Protocol):
    """What Alembic's `op` offers."""

    def get_bind(self) -> Connection: ...


def connection_of(where: Connection | HasBind) -> Connection:
    """The SQLAlchemy connection behind Alembic's `op`, or the connection itself."""
    return where if isinstance(where, Connection) else where.get_bind()


def run_script(connection: Connection, script: str) -> None:
    """Runs SQL as it stands: several statements, no parameters, `%` and `:` mean themselves."""
    connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def quoted(name: str) -> str:
    """An SQL identifier, quoted; a dot separates schema and name."""
    return sql.Identifier(*name.split(".")).as_string(None)


def install(
    where: Connection | HasBind,
    *,
    service: str,
    app_role: str,
    owner_role: str,
    mode: Mode,
    clock_offset: timedelta = timedelta(0),
) -> None:
    """Makes the schemas app, audit, bus and sign with everything in them that belongs to no service.

    mode: `demo` and `test` databases have a clock that can be set, by `clock_offset` at creation (below zero: into the
    past) and ahead by `raise_clock` later; in `production` an offset is refused with ValueError, now and for ever.
    """
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    if mode == "production" and clock_offset:
        raise ValueError("the clock of a production database has no offset")
    connection = connection_of(where)
    current = connection.execute(text("SELECT current_user")).scalar_one()
    if current != owner_role:
        raise ValueError(f"migrations run as {owner_role}, not as {current}: it is to own what they make")
    values = {
        "app_role": quoted(app_role),
        "service": sql.Literal(service).as_string(None),
        "mode": sql.Literal(mode).as_string(None),
        "offset_seconds": repr(clock_offset.total_seconds()),
    }
    clock = "clock_production" if mode == "production" else "clock_movable"
    for name in ("platform", clock, "audit"):
        run_script(connection, _script(name, values))
    _install_bus(connection, app_role)


def uninstall(where: Connection | HasBind) -> None:
    """Removes everything that `install` made. A production database that holds a trail is not taken down."""
    connection = connection_of(where)
    mode = connection.execute(text("SELECT app.mode()")).scalar_one()
    if (
        mode == "production"
        and connection.execute(text("SELECT EXISTS (SELECT FROM audit.entry)")).scalar_one()
    ):
        raise RuntimeError("a production database that holds an audit trail is not taken down by a migration")
    # The schema app stays until the end: Alembic keeps its version table there.
    run_script(
        connection,
        "DROP SCHEMA audit, bus, sign CASCADE;"
        " DROP TABLE app.idempotency, app.installation, app.relation CASCADE;"
        " DROP TABLE IF EXISTS app.clock_offset CASCADE;"
        " DROP FUNCTION IF EXISTS app.clock(), app.raise_clock(interval), app.mode(), app.refuse(),"
        " app.idempotency_answered(), app.clock_never_back() CASCADE",
    )


def _script(name: str, values: dict[str, str]) -> str:
    script = files("servicekit.db").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    for key, value in values.items():
        script = script.replace(f"@{key}@", value)
    return script


def _install_bus(connection: Connection, app_role: str) -> None:
    run_script(connection, bus_ddl(app_role))
    run_script(
        connection,
        "INSERT INTO app.relation (name, kind) SELECT format('%s.%s', n.nspname, c.relname), 'platform'"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'bus' AND c.relkind IN ('r', 'p') ON CONFLICT DO NOTHING",
    )


async def raise_clock(connection: AsyncConnection, ahead: timedelta) -> timedelta:
    """Sets the clock of a demo or test database ahead of real time by `ahead`; returns the offset now in force.

    The database refuses (SQLSTATE AT004) a lower offset than it has, and any offset in production.
    """
    return (
        await connection.execute(
            text("SELECT app.raise_clock(make_interval(secs => :seconds))"),
            {"seconds": ahead.total_seconds()},
        )
    ).scalar_one()
