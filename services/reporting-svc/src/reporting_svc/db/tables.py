"""The tables of the reporting service. Kinds are explained in servicekit.db.kinds.

A bitemporal table holds every version of its subjects: `recorded` begins with the record time of the event that
brought the rows and ends with that of the subject's next one, so nobody who left ever vanishes (RP-03). All of them
are replicas: they can be folded again from `archive.event` (`reporting_svc.projections.rebuild`).
"""

from __future__ import annotations

from plantkit.scope import scope_tables
from servicekit.db.kinds import kind
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, TSTZRANGE, UUID

metadata = MetaData(schema="app")
Instant = DateTime(timezone=True)


def _bitemporal(name: str, *columns: Column, indexes: tuple[Index, ...] = ()) -> Table:
    """`recorded` comes last; a fold fills the others in their order."""
    recorded = Column("recorded", TSTZRANGE, nullable=False)
    return Table(name, metadata, *columns, recorded, *indexes, info=kind("replica"))


def _key(name: str) -> Column:
    return Column(name, Text, nullable=False)


segment = _bitemporal(
    "segment",
    _key("person"),
    _key("item"),
    _key("place"),
    Column("valid", TSTZRANGE, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("on_leave", Boolean, nullable=False),
    Column("flags", ARRAY(Text), nullable=False),
    Column("governing_version", Integer),
    Column("completed_version", Integer),
    Column("completed_at", Instant),
    Column("expires_at", Instant),
    Column("records", ARRAY(Text), nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("sources", ARRAY(Text), nullable=False),
    # The end of validity is in the key, so that of a cell's segments only those of the instant are fetched.
    indexes=(Index("segment_at", "person", "item", text("lower(valid)"), text("upper(valid)")),),
)

timeline = _bitemporal(
    "timeline",
    _key("person"),
    _key("item"),
    _key("place"),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause", Text),
    Column("correlation", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("tzdata_version", Text, nullable=False),
    indexes=(Index("timeline_cell", "person", "item", "place"),),
)

person = _bitemporal(
    "person",
    _key("person"),
    Column("employment", Text, nullable=False),
    Column("supervisor", Text),
    Column("language", Text),
    indexes=(Index("person_key", "person"),),
)

person_spell = _bitemporal(
    "person_spell",
    _key("person"),
    Column("kind", Text, nullable=False),
    Column("spell", Text, nullable=False),
    Column("value", Text),
    Column("department", Text),
    Column("area", Text),
    Column("days", DATERANGE, nullable=False),
    indexes=(
        Index("person_spell_of", "person", "kind"),
        Index("person_spell_value", "kind", "value", "person"),
    ),
)

# Who may see the past is a question of the present: current only.
person_scope, site_zone = scope_tables(metadata)

person_name = Table(
    "person_name",
    metadata,
    Column("person", Text, primary_key=True),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("replica", personal=["given_name", "family_name"]),
)

unit = _bitemporal(
    "unit",
    _key("unit"),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("site", Text),
    Column("area", Text),
    Column("department", Text),
    Column("time_zone", Text),
    Column("expiry_lead_days", Integer),
    Column("active", Boolean, nullable=False),
    indexes=(Index("unit_key", "unit"),),
)

document = _bitemporal(
    "document",
    _key("document"),
    Column("title", Text, nullable=False),
    Column("document_type", Text, nullable=False),
    Column("framework", Text, nullable=False),
    Column("category", Text),
    Column("owner_department", Text),
    Column("versions", JSONB, nullable=False),
    indexes=(Index("document_key", "document"), Index("document_framework", "framework")),
)

requirement = _bitemporal(
    "requirement",
    _key("item"),
    Column("title", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("frameworks", ARRAY(Text), nullable=False),
    Column("matrix_version", Integer, nullable=False),
    Column("rules", JSONB, nullable=False),
    Column("unresolved", JSONB, nullable=False),
    indexes=(Index("requirement_key", "item"),),
)

obligation_source = _bitemporal(
    "obligation_source",
    _key("person"),
    _key("item"),
    Column("place", Text, nullable=False),
    Column("source_kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("methods", ARRAY(Text), nullable=False),
    Column("interval_months", Integer),
    Column("pass_mark", Integer),
    Column("valid", TSTZRANGE, nullable=False),
    indexes=(Index("obligation_source_of", "person", "item"),),
)

task = _bitemporal(
    "task",
    _key("task"),
    Column("title", Text, nullable=False),
    Column("job_function", Text),
    Column("items", ARRAY(Text), nullable=False),
    Column("equipment", ARRAY(Text), nullable=False),
    Column("active", Boolean, nullable=False),
    indexes=(Index("task_key", "task"),),
)

change_control = _bitemporal(
    "change_control",
    _key("change"),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("documents", JSONB, nullable=False),
    Column("approvals", JSONB, nullable=False),
    indexes=(Index("change_control_key", "change"),),
)

account = _bitemporal(
    "account",
    _key("account"),
    Column("person", Text),
    Column("status", Text, nullable=False),
    Column("grants", JSONB, nullable=False),
    indexes=(Index("account_key", "account"),),
)

assignment = _bitemporal(
    "assignment",
    _key("assignment"),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("target_version", Integer, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("cause", JSONB),
    Column("state", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("due_on", Date),
    Column("due_zone", Text),
    Column("first_due_was_past", Boolean, nullable=False),
    Column("closed_at", Instant),
    Column("closing_reason", Text),
    Column("closing_detail", Text),
    Column("methods", ARRAY(Text), nullable=False),
    Column("change", Text),
    indexes=(
        Index("assignment_key", "assignment"),
        Index("assignment_cell", "person", "item", "place"),
        Index("assignment_trigger", "trigger", "opened_at"),
    ),
)

training_record = _bitemporal(
    "training_record",
    _key("record"),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("methods", ARRAY(Text), nullable=False),
    Column("result", Text, nullable=False),
    Column("score", Float),
    Column("completed_at", Instant, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("performed_at", Instant),
    Column("place", Text),
    Column("time_zone", Text),
    Column("source_class", Text, nullable=False),
    Column("source_record", Text),
    Column("assignment", Text),
    Column("evaluator", Text),
    Column("late_entry", JSONB),
    Column("entered_in_error", JSONB),
    indexes=(
        Index("training_record_key", "record"),
        Index("training_record_cell", "person", "item"),
        Index("training_record_assignment", "assignment", postgresql_where=text("assignment IS NOT NULL")),
    ),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("service", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("entity", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", BigInteger),
    Column("at", Instant, nullable=False),
    Column("op", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("on_behalf_of", Text),
    Column("reason", Text, nullable=False),
    Column("cause", Text),
    Column("correlation", Text, nullable=False),
    # Of whom the row speaks, where its columns say so.
    Column("person", Text),
    Column("changes", JSONB, nullable=False),
    Column("body_sha256", Text, nullable=False),
    Index("audit_entry_key", "key", "entity"),
    Index("audit_entry_correlation", "correlation"),
    Index("audit_entry_person", "person", postgresql_where=text("person IS NOT NULL")),
    info=kind("replica"),
)

archive_event = Table(
    "event",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("received_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    # The text as it came; a record that is no text is kept as bytes.
    Column("envelope", Text),
    Column("undecodable", LargeBinary),
    Index("event_id", "source", "id", unique=True),
    schema="archive",
    info=kind("blob"),
)

export = Table(
    "export",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("report", Text, nullable=False),
    Column("filters", JSONB, nullable=False),
    Column("person", Text),
    Column("rows", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("export_of", "person"),
    info=kind("fact"),
)

PROJECTED: tuple[Table, ...] = (
    segment,
    timeline,
    person,
    person_spell,
    person_scope,
    site_zone,
    unit,
    document,
    requirement,
    obligation_source,
    task,
    change_control,
    account,
    assignment,
    training_record,
    audit_entry,
)
"""What a rebuild makes again from the archive. `person_name` is not: names are never archived."""
