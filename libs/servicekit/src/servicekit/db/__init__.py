"""PostgreSQL: the unit of work, audited writes, kinds of table, roles and migrations."""

from servicekit.db.database import Database, Tx
from servicekit.db.idempotency import Answer, idempotent, remember, request_digest
from servicekit.db.kinds import kind, protect

__all__ = [
    "Answer",
    "Database",
    "Tx",
    "idempotent",
    "kind",
    "protect",
    "remember",
    "request_digest",
]
