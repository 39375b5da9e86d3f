"""The tables of the matrix service. Kinds (fact, aggregate, replica, derived) are explained in servicekit.db.kinds."""

from __future__ import annotations

from plantkit.scope import scope_tables
from servicekit.db.kinds import kind
from servicekit.lanes import lane_tables
from servicekit.signing import signature_table
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(schema="app")
Instant = DateTime(timezone=True)

person_scope, site_zone = scope_tables(metadata, "derived")

unit = Table(
    "unit",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("site", Text),
    Column("area", Text),
    Column("department", Text),
    Column("time_zone", Text),
    Column("shifts", JSONB, nullable=False),
    Column("expiry_lead_days", SmallInteger),
    Column("active", Boolean, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("unit_of_kind", "kind", "code"),
    info=kind("aggregate"),
)

person = Table(
    "person",
    metadata,
    Column("person", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("language", Text),
    Column("supervisor", Text),
    Column("source_class", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("person_supervisor", "supervisor"),
    info=kind("aggregate"),
)

person_name = Table(
    "person_name",
    metadata,
    Column("person", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("email", Text),
    Column("badge", Text, unique=True),
    Column("recorded_at", Instant, nullable=False),
    info=kind("aggregate", personal=["given_name", "family_name", "email", "badge"]),
)

spell = Table(
    "spell",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("person", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("department", Text),
    Column("area", Text),
    Column("from_on", Date, nullable=False),
    Column("to_on", Date),
    Column("replaces", UUID(as_uuid=False), unique=True),
    Column("recorded_at", Instant, nullable=False),
    Index("spell_of_person", "person"),
    Index("spell_of_value", "kind", "value"),
    info=kind("fact"),
)

roster_day = Table(
    "roster_day",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("person", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("shift", Text),
    Column("recorded_at", Instant, nullable=False),
    Index("roster_of_person", "person", "day"),
    info=kind("fact"),
)

matrix_version = Table(
    "matrix_version",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("effective_at", Instant),
    Column("baseline", Boolean, nullable=False),
    Column("cells", JSONB, nullable=False),
    Column("approved_at", Instant),
    Column("signature", UUID(as_uuid=False)),
    Column("recorded_at", Instant, nullable=False),
    info=kind("aggregate"),
)

rule = Table(
    "rule",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("rule_version", Integer, nullable=False),
    Column("matrix_version", Integer, nullable=False),
    Column("source_kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("methods", ARRAY(Text), nullable=False),
    Column("interval_months", SmallInteger),
    Column("pass_mark", SmallInteger),
    Column("valid_from", Instant),
    Column("baseline", Boolean, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("cardinality(methods) > 0", name="rule_has_a_method"),
    Index("rule_of_source", "source_kind", "source"),
    Index("rule_of_item", "item"),
    info=kind("fact"),
)

rule_end = Table(
    "rule_end",
    metadata,
    Column("rule", UUID(as_uuid=False), primary_key=True),
    Column("valid_to", Instant, nullable=False),
    Column("matrix_version", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

unresolved_cell = Table(
    "unresolved_cell",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("source_kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("unresolved_of_item", "item"),
    info=kind("fact"),
)

cell_answer = Table(
    "cell_answer",
    metadata,
    Column("question", UUID(as_uuid=False), primary_key=True),
    Column("answered_from", Instant, nullable=False),
    Column("matrix_version", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

task = Table(
    "task",
    metadata,
    Column("task", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("job_function", Text),
    Column("items", ARRAY(Text), nullable=False),
    Column("equipment", ARRAY(Text), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("aggregate"),
)

item = Table(
    "item",
    metadata,
    Column("item", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("document_type", Text, nullable=False),
    Column("framework", Text),
    Column("category", Text),
    info=kind("replica"),
)

obligation = Table(
    "obligation",
    metadata,
    Column("person", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("state", JSONB, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("obligation_of_item", "item"),
    info=kind("derived"),
)

signature = signature_table(metadata)
LANES = lane_tables(metadata)
"""Lane = person: whose obligations are to be derived again."""
