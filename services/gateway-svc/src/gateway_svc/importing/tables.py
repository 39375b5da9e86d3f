"""What the gateway keeps of imports. Kinds (fact, aggregate, derived, blob) are explained in servicekit.db.kinds."""

from __future__ import annotations

from servicekit.db.kinds import kind
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

from gateway_svc.db.tables import metadata

Instant = DateTime(timezone=True)

import_job = Table(
    "import_job",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("export_date", Date, nullable=False),
    Column("zone_rule", Text),
    # Whether migrated records may allow anybody to work (C-36).
    Column("migrated_counts", Boolean, nullable=False, server_default=text("true")),
    # Who uploaded: the account, the person behind it, and the grants under which rows are handed over.
    Column("actor", Text, nullable=False),
    Column("person", Text),
    Column("grants", JSONB, nullable=False),
    # [{file, sha256}], the workbook included; the bytes are in import_file.
    Column("files", JSONB, nullable=False),
    Column("batch_digest", Text, nullable=False),
    Column("acceptance_digest", Text, nullable=False),
    # Over keys and contents of all rows to be taken: what two people accepted is what is handed over.
    Column("plan_digest", Text, nullable=False),
    # How many rows were known when this was checked; another import in between makes the check stale.
    Column("known_rows", Integer, nullable=False),
    Column("total_rows", Integer, nullable=False),
    # [{person, signature, signed_at}]
    Column("accepted_by", JSONB, nullable=False),
    Column("correlation", Text, nullable=False),
    Column("failure", JSONB),
    # A block was sent and its answer is not known: only a resumed run can tell what its owner has.
    Column("in_doubt", Boolean, nullable=False),
    Column("uploaded_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("recorded_at", Instant, nullable=False),
    Index("import_job_state", "state"),
    info=kind("aggregate"),
)

import_block = Table(
    "import_block",
    metadata,
    Column("job", UUID(as_uuid=False), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("service", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("first_line", Text, nullable=False),
    Column("last_line", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    # Over keys and contents of its rows in import_row.
    Column(
        "digest",
        Text,
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="import_block_digest"),
        nullable=False,
    ),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

import_row = Table(
    "import_row",
    metadata,
    Column("file", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("job", UUID(as_uuid=False), nullable=False),
    Column("block", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Index("import_row_job", "job"),
    info=kind("blob", personal=["content"]),
)
"""Every row that was taken, under its key, for good (C-30). Insert-only; its audited fact is the block."""

import_file = Table(
    "import_file",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("content", BYTEA, nullable=False),
    info=kind("blob", personal=["content"]),
)

import_report = Table(
    "import_report",
    metadata,
    Column("job", UUID(as_uuid=False), primary_key=True),
    # Counts of each file, as `imports.report.summary` gives them, and how often each severity was found.
    Column("files", JSONB, nullable=False),
    Column("severities", JSONB, nullable=False),
    Column("questions", JSONB, nullable=False),
    info=kind("blob"),
)

import_finding = Table(
    "import_finding",
    metadata,
    Column("job", UUID(as_uuid=False), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("column", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("message", Text, nullable=False),
    info=kind("blob", personal=["value", "message"]),
)

import_progress = Table(
    "import_progress",
    metadata,
    Column("job", UUID(as_uuid=False), primary_key=True),
    Column("stage", Text, nullable=False),
    Column("doing", Text, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("waiting_for", JSONB, nullable=False),
    Column("at", Instant, nullable=False),
    info=kind("derived"),
)
