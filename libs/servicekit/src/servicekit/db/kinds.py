"""The kind of a table decides what the runtime role may do to it and whether its changes are audited.

| kind      | runtime role                           | audited | example                                             |
|-----------|----------------------------------------|---------|-----------------------------------------------------|
| fact      | SELECT, INSERT                         | yes     | something signed; a correction is another fact      |
| aggregate | SELECT, INSERT, UPDATE                 | yes     | one row that moves from version n to n + 1          |
| replica   | SELECT, INSERT, UPDATE, DELETE, TRUNCATE | no    | what another service announced                      |
| derived   | SELECT, INSERT, UPDATE, DELETE, TRUNCATE | no    | can be made again from facts                        |
| queue     | SELECT, INSERT, UPDATE, DELETE         | no      | work to do, gone when it is done                    |
| blob      | SELECT, INSERT                         | no      | bytes under their digest, which an audited row names |
| secret    | SELECT, INSERT, UPDATE, DELETE         | no      | what authenticates: a trail must never hold it      |

A table says its kind where it is declared: `Table(..., info=kind("fact", personal=["nickname"]))`. `personal` names
the columns whose values never leave in announcements of the trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from psycopg import sql
from sqlalchemy import Connection, MetaData, Table, text

from servicekit.db.platform import HasBind, connection_of, quoted, run_script

type Kind = Literal["fact", "aggregate", "replica", "derived", "queue", "blob", "secret"]
type Source = Literal["row", "session"]
KINDS: tuple[str, ...] = get_args(Kind.__value__)

_GRANTS = {
    "fact": "SELECT, INSERT",
    "aggregate": "SELECT, INSERT, UPDATE",
    "replica": "SELECT, INSERT, UPDATE, DELETE, TRUNCATE",
    "derived": "SELECT, INSERT, UPDATE, DELETE, TRUNCATE",
    "queue": "SELECT, INSERT, UPDATE, DELETE",
    "blob": "SELECT, INSERT",
    "secret": "SELECT, INSERT, UPDATE, DELETE",
}
_OWN_CONTEXT = {"actor", "reason", "cause", "correlation"}
_TRIGGERS = (
    "audit_insert",
    "audit_update",
    "audit_delete",
    "kept",
    "key_unchanged",
    "version_first",
    "version_next",
)


def kind(kind: Kind, *, personal: Sequence[str] = (), context: Source | None = None) -> dict[str, Any]:
    """The `info` of a Table. `context` is explained at `protect`."""
    return {"kind": kind, "personal": list(personal)} | ({"context": context} if context else {})


def protect(
    where: Connection | HasBind,
    table: Table | str,
    kind: Kind | None = None,
    app_role: str = "",
    *,
    personal: Sequence[str] | None = None,
    context: Source | None = None,
) -> None:
    """Gives the runtime role what the kind allows and, for facts and aggregates, sets the triggers.

    Called in the migration that makes the table, and again (it replaces what it finds) when the kind changes.
    table: the Table, whose `info` then holds what is not given here, or `schema.name`.
    context: where the trail takes who and why from. `row`: the row's own columns actor, reason, cause and
    correlation (rows written by consumers and workers); `session`: the settings of the unit of work. Without it,
    `row` when the table has all four columns.
    Raises ValueError for an unknown kind, a table without a primary key, an aggregate without `version`.
    """
    info = {} if isinstance(table, str) else table.info
    name = table if isinstance(table, str) else f"{table.schema or 'app'}.{table.name}"
    the_kind = kind or info.get("kind", "")
    hidden: list[str] = list(info.get("personal", ()) if personal is None else personal)
    context = context or info.get("context")
    if the_kind not in KINDS:
        raise ValueError(f"{name}: the kind is one of {', '.join(KINDS)}, not {the_kind!r}")
    connection = connection_of(where)
    columns, keys = _columns(connection, name)
    if missing := set(hidden) - set(columns):
        raise ValueError(f"{name} has no personal column {', '.join(sorted(missing))}")
    target, role = quoted(name), quoted(app_role)
    script = [f"DROP TRIGGER IF EXISTS {trigger} ON {target}" for trigger in _TRIGGERS]
    script += [
        f"GRANT USAGE ON SCHEMA {quoted(name.split('.')[0])} TO {role}",
        f"REVOKE ALL ON {target} FROM PUBLIC, {role}",
        f"GRANT {_GRANTS[the_kind]} ON {target} TO {role}",
    ]
    if the_kind in ("fact", "aggregate"):
        if not keys:
            raise ValueError(f"{name} needs a primary key: its audit entries name the row by it")
        if the_kind == "aggregate" and "version" not in columns:
            raise ValueError(f"{name} is an aggregate and needs a column version")
        own = set(columns) >= _OWN_CONTEXT
        if context == "row" and not own:
            raise ValueError(f"{name} needs the columns {', '.join(sorted(_OWN_CONTEXT))}")
        script += _audit(name, keys, context or ("row" if own else "session"), versioned="version" in columns)
        script += _unchanging(target, keys)
    if the_kind == "aggregate":
        script += _versions(target)
    run_script(connection, ";\n".join(script))
    connection.execute(
        text(
            "INSERT INTO app.relation (name, kind, personal) VALUES (:name, :kind, :personal)"
            " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, personal = excluded.personal"
        ),
        {"name": name, "kind": the_kind, "personal": hidden},
    )


def protect_all(where: Connection | HasBind, metadata: MetaData, app_role: str) -> None:
    """`protect` for every table of the metadata; each must say its kind."""
    for table in metadata.sorted_tables:
        protect(where, table, app_role=app_role)


def forget(where: Connection | HasBind, name: str) -> None:
    """Called by the migration that drops the table."""
    connection_of(where).execute(text("DELETE FROM app.relation WHERE name = :name"), {"name": name})


def _columns(connection: Connection, name: str) -> tuple[list[str], list[str]]:
    """All columns, and those of the primary key in its order."""
    row = connection.execute(
        text(
            "SELECT array(SELECT attname::text FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum),"
            " array(SELECT a.attname::text FROM pg_index i"
            " CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY k(attnum, place)"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
            " WHERE i.indrelid = r.oid AND i.indisprimary ORDER BY k.place)"
            " FROM (SELECT CAST(:name AS regclass)::oid) r(oid)"
        ),
        {"name": quoted(name)},
    ).one()
    return row[0], row[1]


def _audit(name: str, keys: Sequence[str], context: Source, *, versioned: bool) -> list[str]:
    entity = name.removeprefix("app.")
    arguments = [entity, "version" if versioned else "", context, *keys]
    literals = ", ".join(sql.Literal(a).as_string(None) for a in arguments)
    target = quoted(name)
    tables = {
        "insert": "NEW TABLE AS new_rows",
        "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "delete": "OLD TABLE AS old_rows",
    }
    script: list[str] = []
    for event, transition in tables.items():
        script += [
            f"CREATE TRIGGER audit_{event} AFTER {event} ON {target} REFERENCING {transition}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION audit.record({literals})",
            # ALWAYS: it fires in a session that plays a replica, too.
            f"ALTER TABLE {target} ENABLE ALWAYS TRIGGER audit_{event}",
        ]
    return [
        *script,
        f"CREATE TRIGGER kept BEFORE TRUNCATE ON {target} FOR EACH STATEMENT"
        " EXECUTE FUNCTION app.refuse('AT005', 'a truncated row would leave no trace')",
        f"ALTER TABLE {target} ENABLE ALWAYS TRIGGER kept",
    ]


def _unchanging(target: str, keys: Sequence[str]) -> list[str]:
    changed = " OR ".join(f"OLD.{quoted(k)} IS DISTINCT FROM NEW.{quoted(k)}" for k in keys)
    return [
        f"CREATE TRIGGER key_unchanged BEFORE UPDATE ON {target} FOR EACH ROW WHEN ({changed})"
        " EXECUTE FUNCTION app.refuse('AT002', 'a primary key never changes')",
        f"ALTER TABLE {target} ENABLE ALWAYS TRIGGER key_unchanged",
    ]


def _versions(target: str) -> list[str]:
    return [
        f"CREATE TRIGGER version_first BEFORE INSERT ON {target} FOR EACH ROW"
        " WHEN (NEW.version IS DISTINCT FROM 1)"
        " EXECUTE FUNCTION app.refuse('AT003', 'an aggregate begins with version 1')",
        f"ALTER TABLE {target} ENABLE ALWAYS TRIGGER version_first",
        f"CREATE TRIGGER version_next BEFORE UPDATE ON {target} FOR EACH ROW"
        " WHEN (NEW.version IS DISTINCT FROM OLD.version + 1)"
        " EXECUTE FUNCTION app.refuse('AT003', 'an aggregate moves from version n to n + 1')",
        f"ALTER TABLE {target} ENABLE ALWAYS TRIGGER version_next",
    ]
