"""The tables of the qms service. Kinds (fact, aggregate, replica, blob) are explained in servicekit.db.kinds."""

from __future__ import annotations

from servicekit.db.kinds import kind
from servicekit.signing import signature_table
from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(schema="app")
Instant = DateTime(timezone=True)

document = Table(
    "document",
    metadata,
    Column("document", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("document_type", Text, nullable=False),
    Column("framework", Text, nullable=False),
    Column("category", Text),
    Column("owner_department", Text),
    Column("source_class", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("aggregate"),
)

document_version = Table(
    "document_version",
    metadata,
    Column("document", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("change_class", Text),
    Column("training_decision", Text),
    Column("change", Text),
    Column("summary", Text),
    Column("minutes", SmallInteger),
    # What the draft plans; at the approval it becomes rows of effective_date and version_end.
    Column("planned_effective", JSONB, nullable=False),
    Column("planned_ends", JSONB, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("sections", JSONB, nullable=False),
    Column("sections_changed", ARRAY(Text)),
    Column("approved_at", Instant),
    Column("approved_on", Date),
    Column("withdrawn_at", Instant),
    Column("source_class", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("number > 0", name="version_number_positive"),
    CheckConstraint(
        "state NOT IN ('APPROVED', 'RETIRED') OR (training_decision IS NOT NULL AND change_class IS NOT NULL"
        " AND (approved_at IS NOT NULL OR approved_on IS NOT NULL))",
        name="approved_is_decided",
    ),
    Index("version_of_change", "change"),
    info=kind("aggregate"),
)

effective_date = Table(
    "effective_date",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("document", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("on_day", Date),
    Column("at_instant", Instant),
    # The approval of the change or of the move; none for imported dates.
    Column("signature", UUID(as_uuid=False)),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("num_nonnulls(on_day, at_instant) = 1", name="a_day_or_an_instant"),
    Index("effective_of_version", "document", "number"),
    info=kind("fact"),
)

version_end = Table(
    "version_end",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("document", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("end_of_version", "document", "number"),
    info=kind("fact"),
)

retirement = Table(
    "retirement",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("document", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("retirement_of_place", "document", "place", unique=True),
    info=kind("fact"),
)

change = Table(
    "change",
    metadata,
    Column("change", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("change_reason", Text, nullable=False),
    Column("risk_reason", Text),
    Column("state", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("contributors", ARRAY(Text), nullable=False),
    Column("required_approvals", SmallInteger, nullable=False),
    Column("approvals", JSONB, nullable=False),
    Column("approved_at", Instant),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("required_approvals > 0", name="somebody_approves"),
    info=kind("aggregate"),
)

content = Table(
    "content",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

content_bytes = Table(
    "content_bytes",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    CheckConstraint("sha256 = encode(sha256(body), 'hex')", name="bytes_are_those_of_the_digest"),
    info=kind("blob"),
)

imported_row = Table(
    "imported_row",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("file_sha256", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("accepted_by", ARRAY(Text), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

site = Table(
    "site",
    metadata,
    Column("site", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    info=kind("replica"),
)

person = Table(
    "person",
    metadata,
    Column("person", Text, primary_key=True),
    Column("employments", JSONB, nullable=False),
    info=kind("replica"),
)

assignment = Table(
    "assignment",
    metadata,
    Column("assignment", UUID(as_uuid=False), primary_key=True),
    Column("document", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Instant),
    Column("closing_reason", Text),
    Index("assignment_of_version", "document", "number"),
    info=kind("replica"),
)

signature = signature_table(metadata)
