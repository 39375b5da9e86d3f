"""One table of each kind, and one of each way to say who and why."""

from servicekit.db.kinds import kind
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="app")

device = Table(
    "device",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("keeper", Text),
    Column("version", BigInteger, nullable=False, server_default="1"),
    info=kind("aggregate", personal=["keeper"]),
)

reading = Table(
    "reading",
    metadata,
    Column("device", Text, ForeignKey("app.device.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("value", Numeric),
    Column("taken_at", DateTime(timezone=True)),
    Column("took", Interval),
    Column("raw", LargeBinary),
    Column("more", JSONB),
    info=kind("fact"),
)

order = Table(
    "order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("actor", Text),
    Column("on_behalf_of", Text),
    Column("reason", Text),
    Column("cause", Text),
    Column("correlation", Text),
    info=kind("aggregate"),
)

upstream = Table(
    "upstream",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", JSONB),
    info=kind("replica"),
)

summary = Table(
    "summary",
    metadata,
    Column("id", Text, primary_key=True),
    Column("total", Numeric),
    info=kind("derived"),
)

todo = Table("todo", metadata, Column("id", Text, primary_key=True), info=kind("queue"))
