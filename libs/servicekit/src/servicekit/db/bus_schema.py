"""The tables of the schema `bus`: what a service announced, what waits for Kafka, and where its consumers are."""

from __future__ import annotations

from psycopg import sql

BUS_DDL: list[str] = [
    "CREATE SCHEMA IF NOT EXISTS bus",
    # Raised by the restore procedure alone: announcements after it outrank all that were made before.
    """CREATE TABLE bus.epoch (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        epoch integer NOT NULL CHECK (epoch > 0)
    )""",
    "INSERT INTO bus.epoch (epoch) VALUES (1)",
    # The producer's history. The identity has no cache: ids are drawn in the order in which the locks are got.
    """CREATE TABLE bus.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
        event_id uuid NOT NULL,
        topic text NOT NULL,
        partition integer NOT NULL,
        key text NOT NULL,
        type text NOT NULL,
        subject text NOT NULL,
        epoch integer NOT NULL,
        sequence bigint NOT NULL,
        envelope text NOT NULL,
        at timestamptz NOT NULL
    )""",
    # A lost tail and a whole topic are published again from here, a partition at a time.
    "CREATE INDEX outbox_partition ON bus.outbox (topic, partition, id)",
    # The history of one subject.
    "CREATE INDEX outbox_subject ON bus.outbox (topic, subject, id)",
    # The queue: gone when Kafka has acknowledged.
    """CREATE TABLE bus.outbox_pending (
        topic text NOT NULL,
        partition integer NOT NULL,
        id bigint NOT NULL,
        PRIMARY KEY (topic, partition, id)
    ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
            autovacuum_vacuum_insert_scale_factor = 0.2)""",
    # A partition whose history is to be published from its beginning, which is said in the log.
    "CREATE TABLE bus.replay (topic text, partition integer, PRIMARY KEY (topic, partition))",
    # The last announcement of each subject; its row is the lock that makes id order causal order.
    """CREATE TABLE bus.subject (
        topic text NOT NULL,
        subject text NOT NULL,
        sequence bigint NOT NULL DEFAULT 0,
        at timestamptz,
        PRIMARY KEY (topic, subject)
    ) WITH (fillfactor = 70)""",
    # Stretches of the log that Kafka has acknowledged. outbox_id: the lowest that stands in the stretch;
    # event_id: of the record at its last offset.
    """CREATE TABLE bus.acked (
        topic text NOT NULL,
        partition integer NOT NULL,
        first_offset bigint NOT NULL,
        "offset" bigint NOT NULL,
        outbox_id bigint NOT NULL,
        event_id uuid NOT NULL,
        records integer NOT NULL,
        PRIMARY KEY (topic, partition, first_offset)
    )""",
    """CREATE TABLE bus.consumed (
        consumer text NOT NULL,
        topic text NOT NULL,
        partition integer NOT NULL,
        next bigint,
        last_id text,
        watermark timestamptz,
        restarts integer NOT NULL DEFAULT 0,
        PRIMARY KEY (consumer, topic, partition)
    ) WITH (fillfactor = 50)""",
    """CREATE TABLE bus.seen (
        consumer text NOT NULL,
        topic text NOT NULL,
        subject text NOT NULL,
        epoch integer NOT NULL,
        sequence bigint NOT NULL,
        PRIMARY KEY (consumer, topic, subject)
    ) WITH (fillfactor = 70)""",
    # Rows stay when they are resolved: who decided what, and why, is evidence.
    # error is NULL for an event that waits behind a parked one.
    """CREATE TABLE bus.dead_letter (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer text NOT NULL,
        topic text NOT NULL,
        partition integer NOT NULL,
        "offset" bigint NOT NULL,
        subject text,
        epoch integer,
        sequence bigint,
        event_id text NOT NULL,
        key bytea,
        value bytea,
        error_class text,
        error text,
        attempts integer NOT NULL DEFAULT 0,
        parked_at timestamptz NOT NULL,
        tried_at timestamptz,
        resolved_at timestamptz,
        resolution text CHECK (resolution IN ('retried', 'superseded', 'discarded')),
        resolved_by text,
        resolution_reason text
    )""",
    """CREATE UNIQUE INDEX dead_letter_open ON bus.dead_letter (consumer, topic, subject, epoch, sequence)
        WHERE resolved_at IS NULL AND subject IS NOT NULL""",
    """CREATE UNIQUE INDEX dead_letter_undecodable ON bus.dead_letter (consumer, topic, partition, event_id)
        WHERE resolved_at IS NULL AND subject IS NULL""",
]

_TABLES = (
    "epoch",
    "outbox",
    "outbox_pending",
    "replay",
    "subject",
    "acked",
    "consumed",
    "seen",
    "dead_letter",
)
# No UPDATE or DELETE on what was announced, no DELETE where evidence or a position would vanish.
_GRANTS = {
    "SELECT": _TABLES,
    "INSERT": ("outbox", "outbox_pending", "replay", "subject", "acked", "consumed", "seen", "dead_letter"),
    "UPDATE": ("subject", "acked", "consumed", "seen", "dead_letter"),
    "DELETE": ("outbox_pending", "replay", "acked"),
}


def bus_ddl(app_role: str) -> str:
    """The script that makes the schema and gives the runtime role what it needs of it."""
    role = sql.Identifier(app_role).as_string(None)
    grants = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA bus FROM PUBLIC, {role}",
        f"GRANT USAGE ON SCHEMA bus TO {role}",
        # Bulk announcements draw their ids before the rows are copied.
        f"GRANT USAGE ON SEQUENCE bus.outbox_id_seq TO {role}",
    ]
    grants += [
        f"GRANT {verb} ON {', '.join(f'bus.{table}' for table in tables)} TO {role}"
        for verb, tables in _GRANTS.items()
    ]
    return ";\n".join([*BUS_DDL, *grants]) + ";\n"
