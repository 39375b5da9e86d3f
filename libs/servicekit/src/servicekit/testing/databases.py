"""A private database for each test, cloned from a template that is built once a run."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import re
import threading
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True)
class PostgresAdmin:
    """How to reach a test server as its superuser.

    Example:
        >>> def test_it(postgres):
        ...     psycopg.connect(postgres.url("postgres"))
    """

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def from_url(cls, url: str) -> PostgresAdmin:
        """Parse `postgresql://user:password@host:port/...`."""
        parts = urlsplit(url)
        return cls(
            parts.hostname or "127.0.0.1",
            parts.port or 5432,
            unquote(parts.username or "postgres"),
            unquote(parts.password or ""),
        )

    def url(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A `postgresql://` URL; the superuser's without `user`."""
        name, secret = (self.user, self.password) if user is None else (user, password or "")
        return (
            f"postgresql://{quote(name)}:{quote(secret, safe='')}@{self.host}:{self.port}/{quote(database)}"
        )

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A superuser's connection in autocommit mode."""
        return psycopg.connect(self.url(database), autocommit=True)


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a test server.

    Attributes:
        name: its name on the server.
        admin: the server.
    """

    name: str
    admin: PostgresAdmin
    passwords: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """`postgresql://` URL of the superuser."""
        return self.admin.url(self.name)

    @property
    def sqlalchemy_url(self) -> str:
        """`postgresql+psycopg://` URL of the superuser."""
        return self.url.replace("postgresql://", "postgresql+psycopg://", 1)

    def role(self, name: str) -> str:
        """Make the login role `name` when the server has none, and return its `postgresql://` URL.

        Roles belong to the whole server: tests of the same service share them. The password is the same in
        every process of a run, so that none of them locks out another.

        Example:
            >>> app = database.role("parts_app")
        """
        password = f"test-{name}"
        # An advisory lock holds within one database, so all take it in the same one.
        with self.admin.connect() as connection:
            # Two processes that make one role at the same time: the second would fail on the catalogue's index.
            connection.execute("SELECT pg_advisory_lock(%s)", [_lock_key("roles")])
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            verb = sql.SQL("ALTER" if found else "CREATE")
            if not found or name not in self.passwords:
                connection.execute(
                    sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                        verb, sql.Identifier(name), sql.Literal(password)
                    )
                )
        self.passwords[name] = password
        return self.admin.url(self.name, name, password)

    def connect(self) -> psycopg.Connection[Any]:
        """A superuser's connection in autocommit mode."""
        return self.admin.connect(self.name)


@dataclass(frozen=True, slots=True)
class Template:
    """What a private database begins with.

    Attributes:
        name: identifies the content within a run: the same name is built once.
        build: called once with an empty database, may be a coroutine function; e.g. a service's migrations.

    Example:
        >>> PARTS = Template("parts", lambda database: migrate(database.url))
        >>> @pytest.fixture
        ... def parts_db(database_factory):
        ...     return database_factory(PARTS)
    """

    name: str
    build: Callable[[Database], Awaitable[None] | None]


class DatabaseFactory:
    """Makes databases whose names begin with `prefix`, and drops them.

    Args:
        admin: the server.
        prefix: of this run; databases of another run are never touched.
        worker: distinguishes the processes of one run.
    """

    def __init__(self, admin: PostgresAdmin, prefix: str, worker: str) -> None:
        self.admin = admin
        self.prefix = prefix
        self._worker = worker
        self._numbers = itertools.count(1)
        self._built: set[str] = set()
        self._connection: psycopg.Connection[Any] | None = None
        self._strategy = ""

    def create(self, template: Template | None = None) -> Database:
        """Make a database, empty or a clone of `template`."""
        source = self._template(template) if template else "template0"
        name = f"{self.prefix}_{self._worker}_{next(self._numbers)}"
        self._make(name, source)
        return Database(name, self.admin)

    def drop(self, database: Database) -> None:
        """Drop a database, ending the sessions that a test left open."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def drop_all(self) -> None:
        """Drop every database of the run, templates included."""
        pattern = self.prefix.replace("_", r"\_") + r"\_%"
        rows = (
            self._server()
            .execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern])
            .fetchall()
        )
        for (name,) in rows:
            self._run(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(name)))
            self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """Close the connection to the server."""
        if self._connection is not None:
            self._connection.close()

    def _server(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self.admin.connect()
            row = self._connection.execute("SHOW fsync").fetchone()
            # Copying files needs two checkpoints: the faster way only where a checkpoint costs no fsync.
            self._strategy = "FILE_COPY" if row == ("off",) else "WAL_LOG"
        return self._connection

    def _run(self, statement: sql.Composed) -> None:
        self._server().execute(statement)

    def _make(self, name: str, source: str) -> None:
        connection = self._server()
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
                sql.Identifier(name), sql.Identifier(source), sql.Identifier(self._strategy.lower())
            )
        )

    def _template(self, template: Template) -> str:
        short = re.sub(r"[^a-z0-9]+", "_", template.name.lower())[:24]
        name = f"{self.prefix}_t_{short}_{zlib.crc32(template.name.encode()):08x}"
        if name in self._built:
            return name
        connection = self._server()
        key = _lock_key(name)
        connection.execute("SELECT pg_advisory_lock(%s)", [key])
        try:
            row = connection.execute(
                "SELECT datistemplate FROM pg_database WHERE datname = %s", [name]
            ).fetchone()
            if row != (True,):
                # The mark is set when it is complete: a database without it was left half-way.
                self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                self._make(name, "template0")
                _call(template.build, Database(name, self.admin))
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
                )
                self._run(
                    sql.SQL("ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(
                        sql.Identifier(name)
                    )
                )
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [key])
        self._built.add(name)
        return name


def _lock_key(name: str) -> int:
    return zlib.crc32(f"servicekit.testing {name}".encode())


def _call(build: Callable[[Database], Awaitable[None] | None], database: Database) -> None:
    """Call `build` outside any event loop of the caller."""
    failure: list[BaseException] = []

    async def finish(result: Awaitable[None]) -> None:
        await result

    def run() -> None:
        try:
            result = build(database)
            if inspect.isawaitable(result):
                asyncio.run(finish(result))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
