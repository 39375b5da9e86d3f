"""First tables: documents, versions, dates, changes, files, replicas, signatures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from servicekit.db import operations
from sqlalchemy.dialects import postgresql

revision = "041669e74ee0"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    operations.install_platform(op)
    op.create_table(
        "assignment",
        sa.Column("assignment", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("assignment"),
        schema="app",
    )
    op.create_index("assignment_of_version", "assignment", ["document", "number"], unique=False, schema="app")
    op.create_table(
        "change",
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("change_reason", sa.Text(), nullable=False),
        sa.Column("risk_reason", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("contributors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("required_approvals", sa.SmallInteger(), nullable=False),
        sa.Column("approvals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("required_approvals > 0", name="somebody_approves"),
        sa.PrimaryKeyConstraint("change"),
        schema="app",
    )
    op.create_table(
        "content",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
        schema="app",
    )
    op.create_table(
        "content_bytes",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("sha256 = encode(sha256(body), 'hex')", name="bytes_are_those_of_the_digest"),
        sa.PrimaryKeyConstraint("sha256"),
        schema="app",
    )
    op.create_table(
        "document",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("owner_department", sa.Text(), nullable=True),
        sa.Column("source_class", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("document"),
        schema="app",
    )
    op.create_table(
        "document_version",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("change_class", sa.Text(), nullable=True),
        sa.Column("training_decision", sa.Text(), nullable=True),
        sa.Column("change", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("minutes", sa.SmallInteger(), nullable=True),
        sa.Column("planned_effective", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("planned_ends", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sections", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sections_changed", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_class", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('APPROVED', 'RETIRED') OR (training_decision IS NOT NULL AND change_class IS NOT NULL AND (approved_at IS NOT NULL OR approved_on IS NOT NULL))",
            name="approved_is_decided",
        ),
        sa.CheckConstraint("number > 0", name="version_number_positive"),
        sa.PrimaryKeyConstraint("document", "number"),
        schema="app",
    )
    op.create_index("version_of_change", "document_version", ["change"], unique=False, schema="app")
    op.create_table(
        "effective_date",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=True),
        sa.Column("at_instant", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signature", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(on_day, at_instant) = 1", name="a_day_or_an_instant"),
        sa.PrimaryKeyConstraint("id"),
        schema="app",
    )
    op.create_index(
        "effective_of_version", "effective_date", ["document", "number"], unique=False, schema="app"
    )
    op.create_table(
        "imported_row",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("accepted_by", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
        schema="app",
    )
    op.create_table(
        "person",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("employments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("person"),
        schema="app",
    )
    op.create_table(
        "retirement",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="app",
    )
    op.create_index("retirement_of_place", "retirement", ["document", "place"], unique=True, schema="app")
    op.create_table(
        "site",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
        schema="app",
    )
    op.create_table(
        "version_end",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="app",
    )
    op.create_index("end_of_version", "version_end", ["document", "number"], unique=False, schema="app")
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
    operations.protect_table(op, "app.assignment", "replica")
    operations.protect_table(op, "app.change", "aggregate")
    operations.protect_table(op, "app.content", "fact")
    operations.protect_table(op, "app.content_bytes", "blob")
    operations.protect_table(op, "app.document", "aggregate")
    operations.protect_table(op, "app.document_version", "aggregate")
    operations.protect_table(op, "app.effective_date", "fact")
    operations.protect_table(op, "app.imported_row", "fact")
    operations.protect_table(op, "app.person", "replica")
    operations.protect_table(op, "app.retirement", "fact")
    operations.protect_table(op, "app.site", "replica")
    operations.protect_table(op, "app.version_end", "fact")
    operations.protect_table(op, "sign.signature", "fact", personal=["printed_name"])


def downgrade() -> None:
    op.drop_index("signature_of", table_name="signature", schema="sign")
    op.drop_table("signature", schema="sign")
    op.drop_index("end_of_version", table_name="version_end", schema="app")
    op.drop_table("version_end", schema="app")
    op.drop_table("site", schema="app")
    op.drop_index("retirement_of_place", table_name="retirement", schema="app")
    op.drop_table("retirement", schema="app")
    op.drop_table("person", schema="app")
    op.drop_table("imported_row", schema="app")
    op.drop_index("effective_of_version", table_name="effective_date", schema="app")
    op.drop_table("effective_date", schema="app")
    op.drop_index("version_of_change", table_name="document_version", schema="app")
    op.drop_table("document_version", schema="app")
    op.drop_table("document", schema="app")
    op.drop_table("content_bytes", schema="app")
    op.drop_table("content", schema="app")
    op.drop_table("change", schema="app")
    op.drop_index("assignment_of_version", table_name="assignment", schema="app")
    op.drop_table("assignment", schema="app")
    operations.forget_table(op, "sign.signature")
    operations.forget_table(op, "app.version_end")
    operations.forget_table(op, "app.site")
    operations.forget_table(op, "app.retirement")
    operations.forget_table(op, "app.person")
    operations.forget_table(op, "app.imported_row")
    operations.forget_table(op, "app.effective_date")
    operations.forget_table(op, "app.document_version")
    operations.forget_table(op, "app.document")
    operations.forget_table(op, "app.content_bytes")
    operations.forget_table(op, "app.content")
    operations.forget_table(op, "app.change")
    operations.forget_table(op, "app.assignment")
    operations.uninstall_platform(op)
