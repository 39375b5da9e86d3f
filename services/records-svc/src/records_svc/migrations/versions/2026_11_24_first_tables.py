"""First tables: training records, readings, late entries, marks of error, access log, replicas, signatures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from servicekit.db import operations
from sqlalchemy.dialects import postgresql

revision = "2d84231a76f9"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    operations.install_platform(op)
    op.create_table(
        "access_entry",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("record", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="app",
    )
    op.create_index("access_of_record", "access_entry", ["record", "recorded_at"], unique=False, schema="app")
    op.create_table(
        "assignment",
        sa.Column("assignment", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_zone", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.Column("change", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("assignment"),
        schema="app",
    )
    op.create_index("assignment_of", "assignment", ["person", "item", "number"], unique=False, schema="app")
    op.create_table(
        "document",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("retired", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("document"),
        schema="app",
    )
    op.create_table(
        "error_mark",
        sa.Column("record", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("proposal", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("marked_by", sa.Text(), nullable=False),
        sa.Column("signature", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("record"),
        sa.UniqueConstraint("proposal"),
        schema="app",
    )
    op.create_table(
        "error_proposal",
        sa.Column("proposal", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("record", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("error_reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("proposal"),
        schema="app",
    )
    op.create_index("error_proposal_of", "error_proposal", ["record"], unique=False, schema="app")
    op.create_table(
        "import_file",
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("accepted_by", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cardinality(accepted_by) >= 2", name="accepted_by_two"),
        sa.PrimaryKeyConstraint("batch", "file_sha256"),
        schema="app",
    )
    op.create_table(
        "late_entry",
        sa.Column("late_entry", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("methods", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("score", sa.Numeric(), nullable=True),
        sa.Column("evaluator", sa.Text(), nullable=True),
        sa.Column("ink_signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("scan_sha256", sa.Text(), nullable=False),
        sa.Column("scan_media_type", sa.Text(), nullable=False),
        sa.Column("scan_size", sa.Integer(), nullable=False),
        sa.Column("entry_reason", sa.Text(), nullable=False),
        sa.Column("corrects", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ink_signed_at <= recorded_at", name="ink_is_not_of_the_future"),
        sa.PrimaryKeyConstraint("late_entry"),
        schema="app",
    )
    op.create_index("late_entry_of_person", "late_entry", ["person"], unique=False, schema="app")
    op.create_table(
        "person",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("supervisor", sa.Text(), nullable=True),
        sa.Column("employments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("person"),
        schema="app",
    )
    op.create_table(
        "person_place",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("spell", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("person", "spell"),
        schema="app",
    )
    op.create_table(
        "reading_session",
        sa.Column("session", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session"),
        schema="app",
    )
    op.create_index(
        "session_of_person", "reading_session", ["person", "item", "number"], unique=False, schema="app"
    )
    op.create_table(
        "refusal",
        sa.Column("proposal", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("refusal_reason", sa.Text(), nullable=False),
        sa.Column("refused_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("proposal"),
        schema="app",
    )
    op.create_table(
        "scan",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("sha256 = encode(sha256(body), 'hex')", name="bytes_are_those_of_the_digest"),
        sa.PrimaryKeyConstraint("sha256"),
        schema="app",
    )
    op.create_table(
        "section_opened",
        sa.Column("session", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("first_opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_opened_at <= last_opened_at", name="first_is_first"),
        sa.PrimaryKeyConstraint("session", "section"),
        schema="app",
    )
    op.create_table(
        "site",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
        schema="app",
    )
    op.create_table(
        "training_record",
        sa.Column("record", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("methods", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("score", sa.Numeric(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("performed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("source_class", sa.Text(), nullable=False),
        sa.Column("assignment", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("evaluator", sa.Text(), nullable=True),
        sa.Column("session", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("content_sha256", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("sections", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("late_entry", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("signature", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("corrects", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("source_record", sa.Text(), nullable=True),
        sa.Column("source_digest", sa.Text(), nullable=True),
        sa.Column("source_batch", sa.Text(), nullable=True),
        sa.Column("source_file_sha256", sa.Text(), nullable=True),
        sa.Column("source_line", sa.Text(), nullable=True),
        sa.Column("completed_at_text", sa.Text(), nullable=True),
        sa.Column("zone_rule", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "CASE source_class WHEN 'NATIVE' THEN signature IS NOT NULL AND session IS NOT NULL AND content_sha256 IS NOT NULL AND language IS NOT NULL AND sections IS NOT NULL AND place IS NOT NULL AND time_zone IS NOT NULL AND completed_at = recorded_at AND valid_from = recorded_at WHEN 'LATE_ENTRY' THEN signature IS NOT NULL AND late_entry IS NOT NULL AND place IS NOT NULL AND time_zone IS NOT NULL AND valid_from = completed_at AND completed_at <= recorded_at WHEN 'MIGRATED' THEN signature IS NULL AND source_record IS NOT NULL AND source_digest IS NOT NULL AND source_batch IS NOT NULL AND source_file_sha256 IS NOT NULL ELSE false END",
            name="complete_for_its_source",
        ),
        sa.CheckConstraint("cardinality(methods) > 0 AND methods <@ '{R,Q,O}'", name="methods_of_the_list"),
        sa.CheckConstraint("result IN ('PASS', 'FAIL')", name="result_of_the_list"),
        sa.CheckConstraint("evaluator <> person", name="nobody_evaluates_themselves"),
        sa.CheckConstraint("number > 0", name="version_positive"),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="score_is_percent"),
        sa.PrimaryKeyConstraint("record"),
        schema="app",
    )
    op.create_index(
        "correction_of",
        "training_record",
        ["corrects"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("corrects IS NOT NULL"),
    )
    op.create_index(
        "one_record_a_late_entry",
        "training_record",
        ["late_entry"],
        unique=True,
        schema="app",
        postgresql_where=sa.text("late_entry IS NOT NULL"),
    )
    op.create_index(
        "one_record_a_session",
        "training_record",
        ["session"],
        unique=True,
        schema="app",
        postgresql_where=sa.text("session IS NOT NULL"),
    )
    op.create_index(
        "one_record_a_source",
        "training_record",
        ["source_record"],
        unique=True,
        schema="app",
        postgresql_where=sa.text("source_record IS NOT NULL"),
    )
    op.create_index(
        "record_by_completion", "training_record", ["completed_at", "record"], unique=False, schema="app"
    )
    op.create_index("record_of_item", "training_record", ["item", "number"], unique=False, schema="app")
    op.create_index(
        "record_of_person", "training_record", ["person", "item", "number"], unique=False, schema="app"
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_version", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("meaning_text", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("printed_name", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("auth_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("auth_method", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("intent"),
        schema="sign",
    )
    op.create_index("signature_of", "signature", ["kind", "key"], unique=False, schema="sign")
    operations.protect_table(op, "app.access_entry", "fact")
    operations.protect_table(op, "app.assignment", "replica")
    operations.protect_table(op, "app.document", "replica")
    operations.protect_table(op, "app.error_mark", "fact")
    operations.protect_table(op, "app.error_proposal", "fact")
    operations.protect_table(op, "app.import_file", "fact")
    operations.protect_table(op, "app.late_entry", "fact")
    operations.protect_table(op, "app.person", "replica")
    operations.protect_table(op, "app.person_place", "replica")
    operations.protect_table(op, "app.reading_session", "fact")
    operations.protect_table(op, "app.refusal", "fact")
    operations.protect_table(op, "app.scan", "blob")
    operations.protect_table(op, "app.section_opened", "aggregate")
    operations.protect_table(op, "app.site", "replica")
    operations.protect_table(op, "app.training_record", "fact")
    operations.protect_table(op, "sign.signature", "fact", personal=["printed_name"])


def downgrade() -> None:
    op.drop_index("signature_of", table_name="signature", schema="sign")
    op.drop_table("signature", schema="sign")
    op.drop_index("record_of_person", table_name="training_record", schema="app")
    op.drop_index("record_of_item", table_name="training_record", schema="app")
    op.drop_index("record_by_completion", table_name="training_record", schema="app")
    op.drop_index(
        "one_record_a_source",
        table_name="training_record",
        schema="app",
        postgresql_where=sa.text("source_record IS NOT NULL"),
    )
    op.drop_index(
        "one_record_a_session",
        table_name="training_record",
        schema="app",
        postgresql_where=sa.text("session IS NOT NULL"),
    )
    op.drop_index(
        "one_record_a_late_entry",
        table_name="training_record",
        schema="app",
        postgresql_where=sa.text("late_entry IS NOT NULL"),
    )
    op.drop_index(
        "correction_of",
        table_name="training_record",
        schema="app",
        postgresql_where=sa.text("corrects IS NOT NULL"),
    )
    op.drop_table("training_record", schema="app")
    op.drop_table("site", schema="app")
    op.drop_table("section_opened", schema="app")
    op.drop_table("scan", schema="app")
    op.drop_table("refusal", schema="app")
    op.drop_index("session_of_person", table_name="reading_session", schema="app")
    op.drop_table("reading_session", schema="app")
    op.drop_table("person_place", schema="app")
    op.drop_table("person", schema="app")
    op.drop_index("late_entry_of_person", table_name="late_entry", schema="app")
    op.drop_table("late_entry", schema="app")
    op.drop_table("import_file", schema="app")
    op.drop_index("error_proposal_of", table_name="error_proposal", schema="app")
    op.drop_table("error_proposal", schema="app")
    op.drop_table("error_mark", schema="app")
    op.drop_table("document", schema="app")
    op.drop_index("assignment_of", table_name="assignment", schema="app")
    op.drop_table("assignment", schema="app")
    op.drop_index("access_of_record", table_name="access_entry", schema="app")
    op.drop_table("access_entry", schema="app")
    operations.forget_table(op, "sign.signature")
    operations.forget_table(op, "app.training_record")
    operations.forget_table(op, "app.site")
    operations.forget_table(op, "app.section_opened")
    operations.forget_table(op, "app.scan")
    operations.forget_table(op, "app.refusal")
    operations.forget_table(op, "app.reading_session")
    operations.forget_table(op, "app.person_place")
    operations.forget_table(op, "app.person")
    operations.forget_table(op, "app.late_entry")
    operations.forget_table(op, "app.import_file")
    operations.forget_table(op, "app.error_proposal")
    operations.forget_table(op, "app.error_mark")
    operations.forget_table(op, "app.document")
    operations.forget_table(op, "app.assignment")
    operations.forget_table(op, "app.access_entry")
    operations.uninstall_platform(op)
