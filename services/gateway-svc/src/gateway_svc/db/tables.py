"""The tables of the gateway service. Kinds (fact, aggregate, secret, replica) are explained in servicekit.db.kinds.

Sessions, tokens, lockouts and intents live in real time (`clock_timestamp()`); what the trail tells has record time.
What authenticates (hashes of passwords, sessions and tokens) is kept apart from what is audited: the trail says that
a password changed, by whom and when, and never holds a hash.
"""

from __future__ import annotations

from servicekit.db.kinds import kind
from servicekit.signing import signature_table
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

metadata = MetaData(schema="app")
Instant = DateTime(timezone=True)

# A name to log in with is never given twice (PL-01), whatever becomes of the account.
account = Table(
    "account",
    metadata,
    Column("account", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("username", Text, nullable=False, unique=True),
    Column("person", Text),
    Column("status", Text, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("password_changed_at", Instant, nullable=False),
    # Who set the password last, when that was not the holder: such an account signs nothing until another
    # administrator has proved the holder's identity.
    Column("signing_blocked_by", Text),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("status IN ('ACTIVE', 'LOCKED', 'DISABLED')", name="account_status"),
    # One person, one account: a second one would defeat every rule that wants two people.
    Index(
        "account_of_person",
        "person",
        unique=True,
        postgresql_where=text("person IS NOT NULL AND status <> 'DISABLED'"),
    ),
    info=kind("aggregate", personal=["username"]),
)

credential = Table(
    "credential",
    metadata,
    Column("account", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    info=kind("secret"),
)

role_grant = Table(
    "role_grant",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("account", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scope", JSONB, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("given_because", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("role_grant_of_account", "account"),
    info=kind("fact"),
)

role_grant_end = Table(
    "role_grant_end",
    metadata,
    Column("role_grant", UUID(as_uuid=False), primary_key=True),
    Column("ended_by", Text, nullable=False),
    Column("ended_because", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

session = Table(
    "session",
    metadata,
    Column("session", UUID(as_uuid=False), primary_key=True),
    # SHA-256 of the cookie's 256 random bits.
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("kiosk", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    # The series of signings in one continuous period of access (21 CFR 11.200(a)(1)(i)).
    Column("series_began_at", Instant),
    Column("series_last_at", Instant),
    Column("series_count", Integer, nullable=False),
    Index("session_of_account", "account"),
    info=kind("secret"),
)

# One row a guess, reserved before the password is looked at, so that guesses at once count as guesses in turn.
attempt = Table(
    "attempt",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # `login`: SHA-256 of the name as it was typed, of an account or not; `signing`: the account.
    Column("purpose", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", Text),
    CheckConstraint("outcome IN ('failed', 'succeeded', 'forgiven')", name="attempt_outcome"),
    Index("attempt_of_subject", "purpose", "subject", "at"),
    info=kind("secret"),
)

# Log-ins, failures, locks, log-outs: what the trail must tell of access (21 CFR 11.300(d)).
access_event = Table(
    "access_event",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("event", Text, nullable=False),
    Column("account", Text),
    Column("session", UUID(as_uuid=False)),
    Column("detail", Text),
    Column("real_at", Instant, nullable=False),
    Index("access_event_of_account", "account"),
    info=kind("fact"),
)

machine_token = Table(
    "machine_token",
    metadata,
    Column("token", UUID(as_uuid=False), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scope", JSONB, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_because", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

machine_token_end = Table(
    "machine_token_end",
    metadata,
    Column("token", UUID(as_uuid=False), primary_key=True),
    Column("revoked_by", Text, nullable=False),
    Column("revoked_because", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

machine_token_secret = Table(
    "machine_token_secret",
    metadata,
    Column("token", UUID(as_uuid=False), primary_key=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("last_used_at", Instant),
    info=kind("secret"),
)

signing_intent = Table(
    "signing_intent",
    metadata,
    # 32 random bytes: nobody guesses what another is about to sign.
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("session", UUID(as_uuid=False), nullable=False),
    Column("account", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("inputs", JSONB, nullable=False),
    Column("signing_because", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("content_version", Text, nullable=False),
    Column("meaning_text", Text, nullable=False),
    Column("printed_name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("signature", JSONB),
    CheckConstraint(
        "state IN ('OPEN', 'SIGNED', 'EXPIRED', 'STALE', 'DECLINED')", name="signing_intent_state"
    ),
    Index("signing_intent_of_session", "session"),
    info=kind("aggregate", personal=["printed_name", "inputs", "signature"]),
)

# Each move of a demo or test clock, noted before the services are told: who was not reached gets the same offset.
clock_move = Table(
    "clock_move",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("ahead_seconds", Float, nullable=False),
    Column("moved_by", Text, nullable=False),
    Column("real_at", Instant, nullable=False),
    info=kind("fact"),
)

person = Table("person", metadata, Column("person", Text, primary_key=True), info=kind("replica"))

person_name = Table(
    "person_name",
    metadata,
    Column("person", Text, primary_key=True),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    info=kind("replica", personal=["given_name", "family_name"]),
)

signature = signature_table(metadata)

# --- imports ---

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
