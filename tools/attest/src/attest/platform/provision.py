"""Databases and roles: `<service>_owner` owns and migrates, `<service>_app` runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql


def provision(admin_url: str, services: Sequence[str], password: Callable[[str], str]) -> None:
    """Bring databases and roles into being; what exists stays, with the passwords of now.

    Args:
        admin_url: `postgresql://` URL of a role that may create roles and databases.
        services: each gets a database of its name.
        password: gives the password of a role.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for service in services:
            owner, app = f"{service}_owner", f"{service}_app"
            for role in (owner, app):
                verb = "ALTER" if role in roles else "CREATE"
                connection.execute(
                    sql.SQL(
                        "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
                    ).format(sql.SQL(verb), sql.Identifier(role), sql.Literal(password(role)))
                )
            if service not in databases:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(service), sql.Identifier(owner)
                    )
                )
            # Each service sees its own database alone.
            connection.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(service))
            )
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(service), sql.Identifier(app)
                )
            )
