"""The tables of the records service. Kinds (fact, aggregate, replica, blob) are explained in servicekit.db.kinds."""

from __future__ import annotations

from plantkit.scope import scope_tables
from servicekit.db.kinds import kind
from servicekit.signing import signature_table
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(schema="app")
Instant = DateTime(timezone=True)

person_scope, site_zone = scope_tables(metadata)
Id = UUID(as_uuid=False)

# A record as it was made (SR-01); what is said of it later stands beside it (error_mark).
training_record = Table(
    "training_record",
    metadata,
    Column("record", Id, primary_key=True),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    # The item's version; `version` would be that of an aggregate.
    Column("number", Integer, nullable=False),
    Column("methods", ARRAY(Text), nullable=False),
    Column("result", Text, nullable=False),
    Column("score", Numeric),
    Column("completed_at", Instant, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("performed_at", Instant),
    Column("place", Text),
    Column("time_zone", Text),
    Column("source_class", Text, nullable=False),
    Column("assignment", Id),
    Column("evaluator", Text),
    # A reading: the file that was shown, and the sections with the times of their opening.
    Column("session", Id),
    Column("content_sha256", Text),
    Column("language", Text),
    Column("sections", JSONB),
    Column("late_entry", Id),
    Column("signature", Id),
    Column("corrects", Id),
    # A migrated record: where it came from, as it stood there.
    Column("source_record", Text),
    Column("source_digest", Text),
    Column("source_batch", Text),
    Column("source_file_sha256", Text),
    Column("source_line", Text),
    Column("completed_at_text", Text),
    Column("zone_rule", Text),
    # False: the people who accepted the batch chose that its records allow nobody to work (R-62, C-36).
    Column("counts", Boolean, nullable=False, server_default=text("true")),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("counts OR source_class = 'MIGRATED'", name="only_a_migrated_one_may_not_count"),
    CheckConstraint("number > 0", name="version_positive"),
    CheckConstraint("cardinality(methods) > 0 AND methods <@ '{R,Q,O}'", name="methods_of_the_list"),
    CheckConstraint("result IN ('PASS', 'FAIL')", name="result_of_the_list"),
    CheckConstraint("score BETWEEN 0 AND 100", name="score_is_percent"),
    CheckConstraint("evaluator <> person", name="nobody_evaluates_themselves"),
    # A native record is complete and never backdated; a late one has a second person; a migrated one a source.
    CheckConstraint(
        "CASE source_class"
        " WHEN 'NATIVE' THEN signature IS NOT NULL AND session IS NOT NULL AND content_sha256 IS NOT NULL"
        " AND language IS NOT NULL AND sections IS NOT NULL AND place IS NOT NULL AND time_zone IS NOT NULL"
        " AND completed_at = recorded_at AND valid_from = recorded_at"
        " WHEN 'LATE_ENTRY' THEN signature IS NOT NULL AND late_entry IS NOT NULL AND place IS NOT NULL"
        " AND time_zone IS NOT NULL AND valid_from = completed_at AND completed_at <= recorded_at"
        " WHEN 'MIGRATED' THEN signature IS NULL AND source_record IS NOT NULL AND source_digest IS NOT NULL"
        " AND source_batch IS NOT NULL AND source_file_sha256 IS NOT NULL"
        " ELSE false END",
        name="complete_for_its_source",
    ),
    Index("record_of_person", "person", "item", "number"),
    Index("record_of_item", "item", "number"),
    Index("record_by_completion", "completed_at", "record"),
    Index("one_record_a_session", "session", unique=True, postgresql_where=text("session IS NOT NULL")),
    Index(
        "one_record_a_late_entry", "late_entry", unique=True, postgresql_where=text("late_entry IS NOT NULL")
    ),
    Index(
        "one_record_a_source",
        "source_record",
        unique=True,
        postgresql_where=text("source_record IS NOT NULL"),
    ),
    Index("correction_of", "corrects", postgresql_where=text("corrects IS NOT NULL")),
    info=kind("fact"),
)

# One reading of one file by one person. It is open until a record rests on it.
reading_session = Table(
    "reading_session",
    metadata,
    Column("session", Id, primary_key=True),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("session_of_person", "person", "item", "number"),
    info=kind("fact"),
)

section_opened = Table(
    "section_opened",
    metadata,
    Column("session", Id, primary_key=True),
    Column("section", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("first_opened_at", Instant, nullable=False),
    Column("last_opened_at", Instant, nullable=False),
    CheckConstraint("first_opened_at <= last_opened_at", name="first_is_first"),
    info=kind("aggregate"),
)

# A paper record that one person entered; a second person's signature makes the record.
late_entry = Table(
    "late_entry",
    metadata,
    Column("late_entry", Id, primary_key=True),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("methods", ARRAY(Text), nullable=False),
    Column("result", Text, nullable=False),
    Column("score", Numeric),
    Column("evaluator", Text),
    Column("ink_signed_at", Instant, nullable=False),
    Column("place", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("scan_sha256", Text, nullable=False),
    Column("scan_media_type", Text, nullable=False),
    Column("scan_size", Integer, nullable=False),
    Column("entry_reason", Text, nullable=False),
    Column("corrects", Id),
    Column("proposed_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("ink_signed_at <= recorded_at", name="ink_is_not_of_the_future"),
    Index("late_entry_of_person", "person"),
    info=kind("fact"),
)

scan = Table(
    "scan",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    CheckConstraint("sha256 = encode(sha256(body), 'hex')", name="bytes_are_those_of_the_digest"),
    info=kind("blob"),
)

error_proposal = Table(
    "error_proposal",
    metadata,
    Column("proposal", Id, primary_key=True),
    Column("record", Id, nullable=False),
    Column("error_reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("error_proposal_of", "record"),
    info=kind("fact"),
)

# The mark that a second person signed: the record stands, and counts never again.
error_mark = Table(
    "error_mark",
    metadata,
    Column("record", Id, primary_key=True),
    Column("proposal", Id, nullable=False, unique=True),
    Column("marked_by", Text, nullable=False),
    Column("signature", Id, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

# A late entry or a proposed mark that was turned down.
refusal = Table(
    "refusal",
    metadata,
    Column("proposal", Id, primary_key=True),
    Column("refusal_reason", Text, nullable=False),
    Column("refused_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

# Reads of a person's records: the reader and the purpose (PL-10).
access_entry = Table(
    "access_entry",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record", Id, nullable=False),
    Column("person", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("access_of_record", "record", "recorded_at"),
    info=kind("fact"),
)

# Two people accepted the batch that migrated records came with.
import_file = Table(
    "import_file",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("file_sha256", Text, primary_key=True),
    Column("file", Text, nullable=False),
    Column("accepted_by", ARRAY(Text), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("cardinality(accepted_by) >= 2", name="accepted_by_two"),
    info=kind("fact"),
)

document = Table(
    "document",
    metadata,
    Column("document", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("retired", JSONB, nullable=False),
    Column("versions", JSONB, nullable=False),
    info=kind("replica"),
)

person = Table(
    "person",
    metadata,
    Column("person", Text, primary_key=True),
    Column("language", Text),
    Column("supervisor", Text),
    Column("employments", JSONB, nullable=False),
    info=kind("replica"),
)

person_place = Table(
    "person_place",
    metadata,
    Column("person", Text, primary_key=True),
    Column("spell", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("area", Text),
    Column("from_on", Date, nullable=False),
    Column("to_on", Date),
    info=kind("replica"),
)

site = Table(
    "site",
    metadata,
    Column("site", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    info=kind("replica"),
)

assignment = Table(
    "assignment",
    metadata,
    Column("assignment", Id, primary_key=True),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("due_at", Instant),
    Column("due_zone", Text),
    Column("opened_at", Instant, nullable=False),
    Column("closing_reason", Text),
    Column("change", Text),
    Index("assignment_of", "person", "item", "number"),
    info=kind("replica"),
)

signature = signature_table(metadata)
