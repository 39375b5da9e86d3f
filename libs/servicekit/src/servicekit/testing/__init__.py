"""Tests on real servers: fixtures (`servicekit.testing.plugin`), private databases and topics, and polling."""

from servicekit.testing.databases import Database, DatabaseFactory, PostgresAdmin, Template
from servicekit.testing.polling import eventually, eventually_sync
from servicekit.testing.topics import TopicMaker

__all__ = [
    "Database",
    "DatabaseFactory",
    "PostgresAdmin",
    "Template",
    "TopicMaker",
    "eventually",
    "eventually_sync",
]
