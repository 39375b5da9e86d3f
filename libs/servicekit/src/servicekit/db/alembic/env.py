"""Alembic's environment, one for all services: `servicekit.db.migrate` hands over connection and metadata."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from alembic import context
from servicekit.db import operations

attributes = context.config.attributes
metadata = attributes["metadata"]
# Tables that the platform made are not in a service's metadata and are none of its business.
platform_tables: frozenset[str] = attributes["platform_tables"]
schemas = {"app"} | {table.schema for table in metadata.tables.values() if table.schema}


def include_name(name: str | None, type_: str, parents: MutableMapping[Any, str | None]) -> bool:
    if type_ == "schema":
        return name in schemas
    if type_ == "table":
        return f"{parents.get('schema_name')}.{name}" not in platform_tables
    return True


context.configure(
    connection=attributes["connection"],
    target_metadata=metadata,
    version_table_schema="app",
    include_schemas=True,
    include_name=include_name,
    transaction_per_migration=True,
    compare_type=True,
    compare_server_default=True,
    process_revision_directives=operations.render_kinds,
)

with context.begin_transaction():
    context.run_migrations()
